import { createHash } from "node:crypto";
import { RayflightError } from "../error.js";
import type { SealRequest, SealResult } from "./dataset.js";

/** How a transaction ended. */
export type Ending =
  | { readonly kind: "sealed"; readonly fingerprint: string; readonly result: SealResult }
  | { readonly kind: "aborted" }
  | { readonly kind: "expired"; readonly ttlMs: number };

/** How many endings are remembered. */
const limit = 100_000;

/** How finished transactions ended, so that messages that come late or twice are answered right. */
export class Tombstones {
  readonly #endings = new Map<string, Ending>();

  get(transaction: string): Ending | undefined {
    return this.#endings.get(transaction);
  }

  bury(transaction: string, ending: Ending): void {
    this.#endings.set(transaction, ending);
    for (const oldest of this.#endings.keys()) {
      if (this.#endings.size <= limit) return;
      this.#endings.delete(oldest);
    }
  }
}

/** The error for whoever still wants something of a transaction that ended. */
export function endedError(transaction: string, ending: Ending): RayflightError {
  const what = `The transaction ${transaction}`;
  switch (ending.kind) {
    case "sealed":
      return new RayflightError(
        "FAILED_PRECONDITION",
        `${what} was sealed as version ${ending.result.version} before.`,
        {
          hint: "What was sealed stays; write more under a new transaction.",
        },
      );
    case "aborted":
      return new RayflightError("FAILED_PRECONDITION", `${what} was aborted before.`, {
        hint: "Nothing of it is kept; write again under a new transaction.",
      });
    case "expired":
      return new RayflightError(
        "FAILED_PRECONDITION",
        `${what} expired: nothing was put for ${Math.round(ending.ttlMs / 1000)} seconds.`,
        { hint: "Nothing of it is kept; write again under a new transaction, or raise transactionTtlMs." },
      );
  }
}

/** Equal exactly for seals that ask for the same thing; the order of the parts does not count. */
export function fingerprintOf({ dataset, mode, schema, parts }: SealRequest): string {
  const named = parts.map(({ part, attempt, rows }) => JSON.stringify([part, attempt, rows])).sort();
  return createHash("sha256")
    .update(JSON.stringify([dataset, mode, named]))
    .update(schema ?? "")
    .digest("base64");
}
