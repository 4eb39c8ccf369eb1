"""Evolution Strategies (Salimans et al. 2017) learn to balance CartPole's pole: 50 actors, 200 iterations, one simulation an
actor and iteration. `evolution-strategies.ts` beside it is the same in TypeScript.

    python pipelines/ray/evolution_strategies.py

Exits with 1 when the policy it ends with does not reach 475 over 100 episodes, which is when CartPole counts as solved.
"""

import argparse
import json
import sys
import time

import numpy as np
import ray
from cartpole import POLICY_SIZE, play_episode

SIGMA = 0.1
STEP_SIZE = 1.5
SOLVED = 475


@ray.remote
class Worker:
    def do_simulation(self, policy, seed):
        """The reward of an episode with the policy, changed by the noise that the seed names."""
        random = np.random.default_rng(seed)
        noise = random.standard_normal(POLICY_SIZE)
        return play_episode(policy + SIGMA * noise, random)


def compute_update(policy, rewards, seeds):
    """Moves the policy along the noise of each seed, as far as its simulation was better or worse than the others."""
    updated = policy.copy()
    for rank, seed in zip(centred_ranks(rewards), seeds):
        noise = np.random.default_rng(seed).standard_normal(POLICY_SIZE)
        updated += STEP_SIZE * rank / len(rewards) * noise
    return updated


def centred_ranks(numbers):
    """Each number's rank among all, from -1/2 to 1/2; equal ones share the mean of their ranks."""
    numbers = np.asarray(numbers)
    below = (numbers[None, :] < numbers[:, None]).sum(axis=1)
    up_to = (numbers[None, :] <= numbers[:, None]).sum(axis=1)
    return (below + up_to - 1) / 2 / (len(numbers) - 1) - 0.5


parser = argparse.ArgumentParser()
parser.add_argument("--workers", type=int, default=50)
parser.add_argument("--iterations", type=int, default=200)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--cpus", type=int, help="as ray.init(num_cpus): all of the machine by default")
parser.add_argument("--json", action="store_true")
options = parser.parse_args()


def progress(line):
    if not options.json:
        print(line, flush=True)


ray.init(num_cpus=options.cpus, logging_level="ERROR", include_dashboard=False)
workers = [Worker.remote() for _ in range(options.workers)]
policy = np.zeros(POLICY_SIZE)
simulations = 0


def seeds_of(iteration):
    first = 1 + (options.seed * options.iterations + iteration) * options.workers
    return [first + j for j in range(options.workers)]


# Actors start in the background: the clock starts when all of them are there.
ray.get([worker.do_simulation.remote(policy, 1) for worker in workers])
began = time.perf_counter()
solved_at = None

for i in range(options.iterations):
    seeds = seeds_of(i)
    rewards = ray.get([worker.do_simulation.remote(policy, seed) for worker, seed in zip(workers, seeds)])
    policy = compute_update(policy, rewards, seeds)

    simulations += len(rewards)
    mean = np.mean(rewards)
    if mean >= SOLVED and solved_at is None:
        solved_at = i + 1
    if (i + 1) % 10 == 0 or i + 1 == options.iterations:
        progress(f"iteration {i + 1:4} of {options.iterations}  mean reward {mean:.1f}")

elapsed = time.perf_counter() - began
reward = float(np.mean([play_episode(policy, np.random.default_rng(i)) for i in range(100)]))
reached = "never" if solved_at is None else f"in iteration {solved_at}"
progress(
    f"{simulations} simulations in {elapsed:.2f} s; the mean reached {SOLVED} {reached}; "
    f"the policy earns {reward:.1f} of 500 over 100 episodes"
)
if options.json:
    line = {"seconds": elapsed, "simulations": simulations, "solvedAt": solved_at, "reward": reward}
    line["solved"] = reward >= SOLVED
    print(json.dumps(line), flush=True)
ray.shutdown()
sys.exit(0 if reward >= SOLVED else 1)
