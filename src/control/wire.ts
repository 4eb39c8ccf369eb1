import type { ErrorRecord } from "../error.js";

/**
 * Everything that crosses a bus, in either direction. `id` is chosen by the side that asks and is unique on that side;
 * answers travel the other way, so the two sides' ids never mix.
 */
export type BusMessage =
  | { type: "call"; id: number; method: string; argument: unknown }
  | { type: "stream"; id: number; method: string; argument: unknown; credit: number }
  | { type: "notify"; method: string; argument: unknown }
  | { type: "credit"; id: number; count: number }
  | { type: "cancel"; id: number }
  | { type: "result"; id: number; value: unknown }
  | { type: "item"; id: number; value: unknown }
  | { type: "end"; id: number }
  | { type: "error"; id: number; error: ErrorRecord }
  | { type: "close"; error: ErrorRecord };
