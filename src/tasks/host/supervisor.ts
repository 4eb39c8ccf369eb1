import type { ObjectStore } from "../../store/index.js";
import type { DownMessage, UpMessage } from "../protocol.js";
import type { WorkerId } from "../scheduler/events.js";

/** What a worker tells the host. */
export interface WorkerEvents {
  receive(batch: readonly UpMessage[]): void;
  /** The worker is gone, and nothing more comes from it. Called at most once. */
  died(reason: string): void;
}

/** The host's hold on one worker. */
export interface WorkerLink {
  send(batch: readonly DownMessage[]): void;
  /** Ends it soon, in the middle of whatever it does: `died` follows. */
  stop(): void;
}

/** Starts workers and sees them die: threads in the `workers` backend, the same thread in the `inline` one. */
export interface Supervisor {
  /** `claims`: whether it runs calls from boards. `words` are the new thread's: how others wake it, and its permit. */
  start(worker: WorkerId, claims: boolean, words: SharedArrayBuffer, events: WorkerEvents): WorkerLink;
  /** Ends all workers; resolves once none is left. */
  close(): Promise<void>;
}

/** Where the shared memory of values is counted, and spilled from. */
export type ObjectMemory = Pick<ObjectStore, "adopt" | "takeKept" | "giveUp" | "lendTo" | "usage">;
