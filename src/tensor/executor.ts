import { RayflightError } from "../error.js";
import type { Graph } from "./graph.js";
import { createWasmExecutor } from "./wasm/executor.js";

/** Runs graphs on one device. Belongs to the thread that made it. */
export interface Executor {
  readonly device: Device;
  readonly backend: Backend;
  /** Lays the graph out in memory and returns it ready to run, parameters 0. */
  compile(graph: Graph): Program;
}

/**
 * A compiled graph with its memory. The arrays are that memory itself: write inputs and parameters, `run`, read outputs.
 * They stay valid as long as the program is reachable, and `run` allocates nothing.
 */
export interface Program {
  readonly inputs: Readonly<Record<string, Float32Array>>;
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly outputs: Readonly<Record<string, Float32Array>>;
  run(): void;
}

export type Device = "cpu" | "gpu";
export type Backend = "wasm";

export interface ExecutorOptions {
  /** Where to compute. Never replaced by another in silence. */
  device: Device;
  /** Default: the one backend there is for the device. */
  backend?: Backend;
}

/** Makes an executor for exactly the device asked for; throws DEVICE_UNAVAILABLE when no backend serves it. */
export async function createExecutor(options: ExecutorOptions): Promise<Executor> {
  const { device, backend = "wasm" } = options;
  if (device === "cpu" && backend === "wasm") return createWasmExecutor();
  throw new RayflightError(
    "DEVICE_UNAVAILABLE",
    `No tensor backend serves device "${device}" (asked for "${backend}").`,
    {
      hint: 'Ask for { device: "cpu", backend: "wasm" }, the only one of this version.',
    },
  );
}
