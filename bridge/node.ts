/**
 * What the package `rayflight` exports: Ray's verbs, the node that they work on, and its datasets. The one place that
 * joins the engine and the wires.
 */
export * from "../src/index.js";
export { data } from "./node/data.js";
export { init, type Node, shutdown } from "./node/init.js";
export type { InitOptions } from "./node/options.js";
export { type StateOptions, state, summarizeTasks } from "./node/state.js";
export { type TimelineOptions, timeline } from "./node/timeline.js";
