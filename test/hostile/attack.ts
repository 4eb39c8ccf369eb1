import type { Target, TargetOptions } from "./target.js";

/** What an attack came to. */
export interface Outcome {
  /** What was measured, in words for a table. */
  figures: string;
  /** Whether the server kept to the attack's bound. */
  holds: boolean;
}

/** Something a hostile peer does, and what it may cost. */
export interface Attack {
  name: string;
  bound: string;
  /** Options of the server, where its defaults would make the attack long. */
  options?: TargetOptions;
  /** `share` is how much of the attack's full size to run, up to 1. */
  run(target: Target, share: number): Promise<Outcome>;
}

export const mebibyte = 1 << 20;

export function inMebibytes(bytes: number): string {
  return `${(bytes / mebibyte).toFixed(1)} MiB`;
}
