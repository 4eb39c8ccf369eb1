"""The peer of the battery benchmark: CityLearn 1.8.0 steps the houses of phase 1, observations and rewards included.

A line with a number of steps in, a line of JSON out: {"house_steps", "seconds"}. It goes on through the year from one
line to the next. Actions are drawn beforehand: choosing them costs it nothing.
"""

import contextlib
import json
import os
import sys
import time

with open(os.devnull, "w") as quiet, contextlib.redirect_stderr(quiet):  # gym says that it is out of date
    import numpy
    from citylearn.citylearn import CityLearnEnv

env = CityLearnEnv("citylearn_challenge_2022_phase_1")
houses = len(env.buildings)
actions = numpy.random.default_rng(0).uniform(-0.5, 0.5, (8760, houses, 1)).tolist()
env.reset()
print("ready", flush=True)

for line in sys.stdin:
    steps = int(line)
    began = time.perf_counter()
    for _ in range(steps):
        _, _, done, _ = env.step(actions[env.time_step])
        if done:
            env.reset()
    print(json.dumps({"house_steps": steps * houses, "seconds": time.perf_counter() - began}), flush=True)
