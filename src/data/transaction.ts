import { schemaDifference } from "../arrow/index.js";
import { RayflightError } from "../error.js";
import type { ObjectStore } from "../store/index.js";
import type { SealRequest, StageRequest, TransactionInfo } from "./dataset.js";
import { Part } from "./part.js";
import { StagingWriter } from "./staging.js";

/** Names an attempt of a part; both values may contain anything. */
const keyOf = (part: string, attempt: number) => JSON.stringify([part, attempt]);

/** What was put under one transaction and is not sealed: invisible to readers, and counted in the store. */
export class Transaction {
  readonly id: string;
  readonly dataset: string;
  readonly #store: ObjectStore;
  readonly #now: () => number;
  readonly #ttlMs: number;
  readonly #staged = new Map<string, Part>();
  readonly #receiving = new Set<StagingWriter>();
  #expiresAt: number;

  constructor(id: string, dataset: string, store: ObjectStore, now: () => number, ttlMs: number) {
    this.id = id;
    this.dataset = dataset;
    this.#store = store;
    this.#now = now;
    this.#ttlMs = ttlMs;
    this.#expiresAt = now() + ttlMs;
  }

  get expiresAt(): number {
    return this.#expiresAt;
  }

  get info(): TransactionInfo {
    const parts = [...this.#staged.values()];
    return {
      transaction: this.id,
      dataset: this.dataset,
      staged: parts.length,
      receiving: this.#receiving.size,
      rows: parts.reduce((sum, part) => sum + part.rows, 0),
      bytes: parts.reduce((sum, part) => sum + part.info.bytes, 0),
      expiresAt: this.#expiresAt,
    };
  }

  /** Begins to receive an attempt of a part. Throws INVALID_ARGUMENT when its schema is not that of the other parts. */
  stage({ part, attempt, schema }: StageRequest): StagingWriter {
    this.touch();
    const name = `Part ${part} (attempt ${attempt}) of "${this.dataset}"`;
    const other = this.#staged.values().next().value ?? this.#receiving.values().next().value;
    if (other !== undefined) requireSameSchema(name, schema, "the parts before it", other.schema);
    const arena = this.#store.createArena(name);
    const writer = new StagingWriter(this, name, keyOf(part, attempt), new Part(new Uint8Array(schema), arena));
    this.#receiving.add(writer);
    return writer;
  }

  /** Puts off its expiry. */
  touch(): void {
    this.#expiresAt = this.#now() + this.#ttlMs;
  }

  /** Takes a complete part. One that was sent twice replaces itself. */
  staged(writer: StagingWriter, key: string, part: Part): void {
    this.#receiving.delete(writer);
    this.#staged.get(key)?.release();
    this.#staged.set(key, part);
    this.touch();
  }

  gone(writer: StagingWriter): void {
    this.#receiving.delete(writer);
  }

  /** The parts that a seal names, in its order. Throws FAILED_PRECONDITION unless all are there with the rows it says. */
  select(parts: SealRequest["parts"]): Part[] {
    const missing = parts.filter(({ part, attempt }) => !this.#staged.has(keyOf(part, attempt)));
    if (missing.length > 0) {
      const shown = missing.slice(0, 5).map(({ part, attempt }) => `${part} (attempt ${attempt})`);
      const more = missing.length > shown.length ? ` and ${missing.length - shown.length} more` : "";
      throw new RayflightError(
        "FAILED_PRECONDITION",
        `"${this.dataset}" cannot be sealed: ${missing.length} of ${parts.length} parts did not arrive whole: ${shown.join(", ")}${more}.`,
        { hint: "Nothing was made visible; put them again and seal again, or abort and run the job again." },
      );
    }
    return parts.map(({ part, attempt, rows }) => {
      const staged = this.#staged.get(keyOf(part, attempt))!;
      if (staged.rows === rows) return staged;
      throw new RayflightError(
        "FAILED_PRECONDITION",
        `"${this.dataset}" cannot be sealed: part ${part} (attempt ${attempt}) has ${staged.rows} rows, and the seal says ${rows}.`,
        { hint: "Nothing was made visible; abort and run the job again." },
      );
    });
  }

  /** Ends it: drops every part that is not in `kept` and refuses what is still being received. Returns how many complete parts were dropped. */
  end(reason: RayflightError, kept: readonly Part[] = []): number {
    for (const writer of [...this.#receiving]) writer.refuse(reason);
    const used = new Set(kept);
    let dropped = 0;
    for (const part of this.#staged.values()) {
      if (used.has(part)) continue;
      part.release();
      dropped += 1;
    }
    this.#staged.clear();
    return dropped;
  }
}

/** Throws INVALID_ARGUMENT that names the first field in which two schemas differ. */
export function requireSameSchema(what: string, schema: Uint8Array, other: string, otherSchema: Uint8Array): void {
  const difference = schemaDifference(schema, otherSchema);
  if (difference === undefined) return;
  const { field, left, right } = difference;
  throw new RayflightError(
    "INVALID_ARGUMENT",
    `The schema differs in the field "${field}": ${what} has ${left}, and ${other} has ${right}.`,
    { hint: "Write all with one schema: the same names, types and nullability in the same order." },
  );
}
