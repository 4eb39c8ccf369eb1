import fc from "fast-check";
import { damagedInputs, type Input } from "./damage.js";
import type { Foreign } from "./foreign.js";
import type { Judge } from "./judge.js";
import type { FuzzRoom } from "./room.js";

export interface Tally {
  inputs: number;
  /** What this package read. */
  accepted: number;
  /** What pyarrow was asked, and what it reads. */
  witnessed: number;
  witnessAccepted: number;
  /** What pyarrow reads and this package refuses. */
  stricter: number;
  witnessCrashes: number;
  slowestMs: number;
}

/** An input, made as small as it was found to go, that is judged wrongly. */
export interface Finding {
  readonly room: string;
  readonly sample: string;
  readonly what: string;
  /** In base64. */
  readonly bytes: string;
  readonly cuts: readonly number[];
}

/** Judges `runs` damaged inputs of a room, drawn from `seed`; stops at the first finding, and makes it small. */
export async function fuzz(
  room: FuzzRoom,
  options: { seed: number; runs: number; judge: Judge; foreign: Foreign; tally: Tally },
): Promise<Finding | undefined> {
  const { judge, foreign, tally } = options;
  let last: { input: Input; what: string } | undefined;
  const property = fc.asyncProperty(damagedInputs(room.samples), async (input) => {
    const kind = room.witness(input);
    const [answer, witness] = await Promise.all([
      judge.ask(room.name, input),
      kind === undefined ? undefined : foreign.ask(kind, input.bytes),
    ]);
    tally.inputs += 1;
    if (witness !== undefined) tally.witnessed += 1;
    const read = witness !== undefined && "value" in witness;
    if (read) tally.witnessAccepted += 1;
    tally.slowestMs = Math.max(tally.slowestMs, judge.slowestMs);
    tally.witnessCrashes = foreign.crashes;
    const what = typeof answer === "string" ? answer : room.disagreement(answer, witness);
    if (typeof answer !== "string") {
      if ("value" in answer) tally.accepted += 1;
      else if (read) tally.stricter += 1;
    }
    if (what === undefined) return true;
    last = { input, what };
    return false;
  });
  const details = await fc.check(property, {
    seed: options.seed,
    numRuns: options.runs,
    interruptAfterTimeLimit: 240_000,
  });
  if (!details.failed || last === undefined) return undefined;
  const { input, what } = last;
  const bytes = Buffer.from(input.bytes).toString("base64");
  return { room: room.name, sample: input.sample, what, bytes, cuts: input.cuts };
}

export function emptyTally(): Tally {
  return { inputs: 0, accepted: 0, witnessed: 0, witnessAccepted: 0, stricter: 0, witnessCrashes: 0, slowestMs: 0 };
}
