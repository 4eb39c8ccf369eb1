import { readBatchHeader } from "../arrow/index.js";
import { RayflightError } from "../error.js";
import type { PartWriter } from "./dataset.js";
import type { Part } from "./part.js";
import type { Transaction } from "./transaction.js";

const nowhere = { segment: 0, offset: 0, length: 0 };

/** Receives one attempt of one part into an arena of its own. */
export class StagingWriter implements PartWriter {
  readonly #transaction: Transaction;
  readonly #name: string;
  readonly #key: string;
  readonly #part: Part;
  #state: "receiving" | "finished" | { refused: RayflightError } = "receiving";

  constructor(transaction: Transaction, name: string, key: string, part: Part) {
    this.#transaction = transaction;
    this.#name = name;
    this.#key = key;
    this.#part = part;
  }

  get rows(): number {
    return this.#part.rows;
  }

  get schema(): Uint8Array {
    return this.#part.schema;
  }

  allocate(bytes: number): Uint8Array | Promise<Uint8Array> {
    this.#requireReceiving();
    this.#transaction.touch();
    const region = this.#part.arena.allocate(bytes);
    if (region instanceof Uint8Array) return region;
    return region.catch((reason) => {
      this.#requireReceiving();
      throw reason;
    });
  }

  append({ header, body }: { header: Uint8Array; body: Uint8Array }): void {
    this.#requireReceiving();
    this.#transaction.touch();
    const { kind, rows } = readBatchHeader(header, body);
    const { arena } = this.#part;
    const region = body.length === 0 ? nowhere : arena.locate(body);
    if (region === undefined) {
      throw new RayflightError("INTERNAL", `A body of ${this.#name} lies outside its store memory.`, {
        hint: "Receive it into a region from allocate().",
      });
    }
    this.#part.add(kind, rows, header, region);
    arena.complete(body);
  }

  finish(announcedRows: number): { rows: number; bytes: number } {
    this.#requireReceiving();
    const { rows, bytes } = this.#part.info;
    if (rows !== announcedRows) {
      const refused = new RayflightError(
        "FAILED_PRECONDITION",
        `${this.#name} announced ${announcedRows} rows, and ${rows} came: the part is dropped.`,
        { hint: "Send the whole part again, as a new attempt." },
      );
      this.refuse(refused);
      throw refused;
    }
    this.#state = "finished";
    this.#part.arena.seal();
    this.#transaction.staged(this, this.#key, this.#part);
    return { rows, bytes };
  }

  abort(): void {
    if (this.#state !== "receiving") return;
    this.refuse(
      new RayflightError("CANCELLED", `${this.#name} was given up by its writer.`, {
        hint: "Send the whole part again, as a new attempt.",
      }),
    );
  }

  /** Drops what was received; whatever is called from now on throws `reason`. */
  refuse(reason: RayflightError): void {
    if (this.#state !== "receiving") return;
    this.#state = { refused: reason };
    this.#transaction.gone(this);
    // Its writer may still be receiving into a region: the memory must not serve anybody else.
    this.#part.arena.release();
  }

  #requireReceiving(): void {
    if (this.#state === "receiving") return;
    if (typeof this.#state === "object") throw this.#state.refused;
    throw new RayflightError("FAILED_PRECONDITION", `${this.#name} was finished before.`, {
      hint: "Send nothing after the end marker.",
    });
  }
}
