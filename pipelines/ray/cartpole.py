"""CartPole-v1 with its rules (Barto, Sutton and Anderson 1983, as Gymnasium has them), and a policy of 4 inputs, 32 hidden
units and 2 actions. `cartpole.ts` beside it is the same in TypeScript.
"""

import math

import numpy as np

HIDDEN = 32

# Weights of a policy: 4 x 32, 32, 32 x 2 and 2 of them, in this order.
POLICY_SIZE = 4 * HIDDEN + HIDDEN + HIDDEN * 2 + 2

GRAVITY = 9.8
POLE_MASS = 0.1
TOTAL_MASS = 1.1
POLE_HALF_LENGTH = 0.5
FORCE = 10.0
SECONDS = 0.02
FARTHEST = 2.4
STEEPEST = 12 * 2 * math.pi / 360
LONGEST = 500


def play_episode(policy, random):
    """Plays one episode and returns its reward: the steps until the pole falls, the cart leaves, or 500 are made."""
    x, speed, angle, turning = random.uniform(-0.05, 0.05, 4).tolist()
    layers = unpack(policy)
    for step in range(1, LONGEST + 1):
        push = FORCE if act(layers, x, speed, angle, turning) == 1 else -FORCE
        cos = math.cos(angle)
        sin = math.sin(angle)
        drive = (push + POLE_MASS * POLE_HALF_LENGTH * turning * turning * sin) / TOTAL_MASS
        turn = (GRAVITY * sin - cos * drive) / (POLE_HALF_LENGTH * (4 / 3 - POLE_MASS * cos * cos / TOTAL_MASS))
        acceleration = drive - POLE_MASS * POLE_HALF_LENGTH * turn * cos / TOTAL_MASS
        x += SECONDS * speed
        speed += SECONDS * acceleration
        angle += SECONDS * turning
        turning += SECONDS * turn
        if abs(x) > FARTHEST or abs(angle) > STEEPEST:
            return step
    return LONGEST


def unpack(policy):
    first = policy[: 4 * HIDDEN].reshape(4, HIDDEN)
    second = policy[5 * HIDDEN : 7 * HIDDEN].reshape(HIDDEN, 2)
    return first, policy[4 * HIDDEN : 5 * HIDDEN], second, policy[7 * HIDDEN :]


def act(layers, x, speed, angle, turning):
    """The action whose output is larger: 0 pushes to the left, 1 to the right."""
    first, bias, second, outputs = layers
    units = np.maximum(np.array((x, speed, angle, turning)) @ first + bias, 0)
    left, right = units @ second + outputs
    return 1 if right > left else 0
