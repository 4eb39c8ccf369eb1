/** Who talks to us in a column of the table. We are the other side. */
export const peers = ["arrow-go client", "arrow-go server", "pyarrow client", "pyarrow server"] as const;

export type Peer = (typeof peers)[number];

/** How one scenario went with one peer. What was not run says why; what failed says what the peer printed last. */
export type Outcome = { is: "pass" } | { is: "FAIL"; why: string } | { is: "not run"; why: string };

export interface Result {
  scenario: string;
  peer: Peer;
  outcome: Outcome;
}

/** Runs `check`, and turns what it throws into a failure. */
export async function outcomeOf(check: () => Promise<void>): Promise<Outcome> {
  try {
    await check();
    return { is: "pass" };
  } catch (error) {
    return { is: "FAIL", why: error instanceof Error ? error.message : String(error) };
  }
}
