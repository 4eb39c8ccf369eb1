import { RayflightError } from "../error.js";
import { RandomStream } from "../random.js";
import { type Graph, GraphBuilder, type Program, type Shape, sizeOf } from "../tensor/index.js";

/** A policy of one hidden layer, for environments whose observations are mostly known beforehand. */
export interface PolicyShape {
  /** Numbers of an observation that are looked up by row. */
  readonly features: number;
  /** Numbers of an observation that the environment's own state adds. */
  readonly state: number;
  readonly hidden: number;
  readonly actions: number;
  /** Actions lie between minus this and this. */
  readonly bound: number;
}

/** The parameters and their shapes, in the order in which they lie in one flat array of weights. */
function parametersOf({ features, state, hidden, actions }: PolicyShape): readonly (readonly [string, Shape])[] {
  return [
    ["featureWeights", [features, hidden]],
    ["stateWeights", [state, hidden]],
    ["hiddenBias", [hidden]],
    ["actionWeights", [hidden, actions]],
    ["actionBias", [actions]],
  ];
}

/** How many weights a policy has. */
export function policySize(shape: PolicyShape): number {
  return parametersOf(shape).reduce((size, [, parameter]) => size + sizeOf(parameter), 0);
}

/** Weights to learn from: a hidden layer drawn from `seed` for inputs of unit variance, and actions of 0. */
export function initialWeights(shape: PolicyShape, seed: number): Float32Array {
  const weights = new Float32Array(policySize(shape));
  const inputs = shape.features + shape.state;
  const hidden = weights.subarray(0, inputs * shape.hidden);
  new RandomStream(seed, "policy").fillNormal(hidden);
  const deviation = 0.1 / Math.sqrt(inputs);
  for (let i = 0; i < hidden.length; i++) hidden[i] = hidden[i]! * deviation;
  return weights;
}

/**
 * The graph of a policy that acts for `batch` copies at once: bound * tanh(tanh(observation W + b) V + c).
 *
 * Inputs: "table" [rows * batch, features] with the copies' rows beside each other, "row", and "state" [batch, state].
 * Output: "actions" [batch, actions].
 */
export function policyGraph(shape: PolicyShape, rows: number, batch: number): Graph {
  const graph = new GraphBuilder();
  const [features, state, hiddenBias, actions, actionBias] = parametersOf(shape).map(([name, size]) =>
    graph.parameter(name, size),
  );
  const table = graph.input("table", [rows * batch, shape.features]);
  const known = graph.matmul(graph.rows(table, graph.input("row", []), batch), features!);
  const own = graph.matmul(graph.input("state", [batch, shape.state]), state!);
  const hidden = graph.tanh(graph.add(graph.add(known, own), hiddenBias!));
  const action = graph.tanh(graph.add(graph.matmul(hidden, actions!), actionBias!));
  graph.output("action", graph.mul(action, shape.bound));
  return graph.build();
}

/** Puts flat weights into a compiled policy; throws INVALID_ARGUMENT when their number is not the policy's. */
export function loadWeights(program: Program, shape: PolicyShape, weights: Float32Array): void {
  if (weights.length !== policySize(shape)) {
    throw new RayflightError("INVALID_ARGUMENT", `The policy has ${policySize(shape)} weights, not ${weights.length}.`);
  }
  let at = 0;
  for (const [name] of parametersOf(shape)) {
    const parameter = program.parameters[name]!;
    parameter.set(weights.subarray(at, at + parameter.length));
    at += parameter.length;
  }
}
