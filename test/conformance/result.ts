import { NotRun } from "./peer-program.js";

/** Which side a peer is. */
export const sides = ["client", "server"] as const;

/** How one scenario went with one peer. What was not run says why; what failed says what the peer printed last. */
export type Outcome = { is: "pass" } | { is: "FAIL"; why: string } | { is: "not run"; why: string };

export interface Result {
  scenario: string;
  /** Who talks to us: the name of an implementation, and which side it is. We are the other. */
  peer: `${string} ${(typeof sides)[number]}`;
  outcome: Outcome;
}

/** Runs `check`, and turns what it throws into a failure, or NotRun into what it says. */
export async function outcomeOf(check: () => Promise<void>): Promise<Outcome> {
  try {
    await check();
    return { is: "pass" };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { is: error instanceof NotRun ? "not run" : "FAIL", why };
  }
}
