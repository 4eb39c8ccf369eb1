import type { Input, Sample } from "./damage.js";

/** What this package made of an input: its value, or the code of the FlightError that refused it. */
export type Answer = { value: unknown } | { refused: string };

/** What the foreign implementation made of it; `sure` is false where it refused for reasons of its own. */
export type Witness = { value: unknown } | { refused: string; sure: boolean };

/** One kind of bytes from a peer, and the rule that they are judged by. */
export interface FuzzRoom {
  readonly name: string;
  readonly samples: readonly Sample[];
  /** Asks this package, in a thread of its own. Anything but a FlightError that it throws is a finding. */
  judge(input: Input): Promise<Answer> | Answer;
  /** The name by which witness.py knows the bytes; undefined where nothing foreign is asked. */
  witness(input: Input): string | undefined;
  /** What is wrong with an answer, beside the witness's; undefined when nothing is. */
  disagreement(answer: Answer, witness: Witness | undefined): string | undefined;
}
