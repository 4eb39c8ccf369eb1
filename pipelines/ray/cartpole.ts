/**
 * CartPole-v1 with its rules (Barto, Sutton and Anderson 1983, as Gymnasium has them), and a policy of 4 inputs, 32 hidden
 * units and 2 actions. `cartpole.py` beside it is the same in Python.
 */

const hidden = 32;

/** Weights of a policy: 4 × 32, 32, 32 × 2 and 2 of them, in this order. */
export const policySize = 4 * hidden + hidden + hidden * 2 + 2;

const gravity = 9.8;
const poleMass = 0.1;
const totalMass = 1.1;
const poleHalfLength = 0.5;
const force = 10;
const seconds = 0.02;
const farthest = 2.4;
const steepest = (12 * 2 * Math.PI) / 360;
const longest = 500;

/** Plays one episode and returns its reward: the steps until the pole falls, the cart leaves, or 500 are made. */
export function playEpisode(policy: Float64Array, random: () => number): number {
  let x = random() * 0.1 - 0.05;
  let speed = random() * 0.1 - 0.05;
  let angle = random() * 0.1 - 0.05;
  let turning = random() * 0.1 - 0.05;
  for (let step = 1; step <= longest; step++) {
    const push = act(policy, x, speed, angle, turning) === 1 ? force : -force;
    const cos = Math.cos(angle);
    const sin = Math.sin(angle);
    const drive = (push + poleMass * poleHalfLength * turning * turning * sin) / totalMass;
    const turn = (gravity * sin - cos * drive) / (poleHalfLength * (4 / 3 - (poleMass * cos * cos) / totalMass));
    const acceleration = drive - (poleMass * poleHalfLength * turn * cos) / totalMass;
    x += seconds * speed;
    speed += seconds * acceleration;
    angle += seconds * turning;
    turning += seconds * turn;
    if (Math.abs(x) > farthest || Math.abs(angle) > steepest) return step;
  }
  return longest;
}

/** The action whose output is larger: 0 pushes to the left, 1 to the right. */
function act(policy: Float64Array, x: number, speed: number, angle: number, turning: number): number {
  const [bias, out] = [4 * hidden, 5 * hidden];
  let left = policy[7 * hidden]!;
  let right = policy[7 * hidden + 1]!;
  for (let i = 0; i < hidden; i++) {
    const sum =
      policy[bias + i]! +
      x * policy[i]! +
      speed * policy[hidden + i]! +
      angle * policy[2 * hidden + i]! +
      turning * policy[3 * hidden + i]!;
    const unit = sum > 0 ? sum : 0;
    left += unit * policy[out + 2 * i]!;
    right += unit * policy[out + 2 * i + 1]!;
  }
  return right > left ? 1 : 0;
}
