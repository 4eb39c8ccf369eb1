import { checkSchema } from "../arrow/index.js";
import type { ControlStore } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { ObjectStore } from "../store/index.js";
import { Catalog } from "./catalog.js";
import type {
  AbortResult,
  DatasetInfo,
  Lease,
  PartWriter,
  SealRequest,
  SealResult,
  StageRequest,
  StoredBatch,
  StreamWriter,
  TransactionInfo,
} from "./dataset.js";
import { followVersion } from "./follow.js";
import { VersionLease } from "./lease.js";
import { checkName } from "./names.js";
import { Part } from "./part.js";
import { GrowingStream } from "./stream.js";
import { type Ending, endedError, fingerprintOf, Tombstones } from "./tombstones.js";
import { requireSameSchema, Transaction } from "./transaction.js";

export interface DatasetRegistryOptions {
  /** How long a transaction may stay open without a put. Default: 30 minutes. */
  transactionTtlMs?: number;
  /** How long `reserve` keeps a version for a reader that is about to come. Default: one minute. */
  reservationMs?: number;
  /** Milliseconds since 1970; tests bring their own. */
  now?: () => number;
}

/**
 * All datasets of a node. Writers stage parts under a transaction and one seal makes them visible; streams are visible while
 * they grow; readers keep the version they opened. Every message may come twice. Node thread only.
 */
export class DatasetRegistry {
  readonly #store: ObjectStore;
  readonly #catalog: Catalog;
  readonly #ttlMs: number;
  readonly #reservationMs: number;
  readonly #now: () => number;
  readonly #open = new Map<string, Transaction>();
  readonly #ended = new Tombstones();
  readonly #streams = new Set<GrowingStream>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(store: ObjectStore, control: ControlStore, options: DatasetRegistryOptions = {}) {
    const { transactionTtlMs = 30 * 60_000, reservationMs = 60_000, now = Date.now } = options;
    this.#store = store;
    this.#catalog = new Catalog(control, now);
    this.#ttlMs = transactionTtlMs;
    this.#reservationMs = reservationMs;
    this.#now = now;
    store.observe((changed, gone) => {
      // Rows for people: a control store that is down fails nothing.
      control.put("objects", changed).catch(() => {});
      control.delete("objects", gone).catch(() => {});
    });
    const period = Math.max(100, Math.min(transactionTtlMs, reservationMs, 60_000) / 4);
    this.#sweeper = setInterval(() => this.sweep(), period).unref();
  }

  /**
   * Begins to receive an attempt of a part; the first one opens the transaction. Throws FAILED_PRECONDITION when the transaction is finished,
   * INVALID_ARGUMENT when the schema differs from that of its other parts.
   */
  stage(request: StageRequest): PartWriter {
    const { transaction: id, dataset } = request;
    checkName(dataset);
    checkSchema(request.schema);
    const ending = this.#ended.get(id);
    if (ending !== undefined) throw endedError(id, ending);
    const transaction = this.#open.get(id) ?? new Transaction(id, dataset, this.#store, this.#now, this.#ttlMs);
    requireDataset(transaction, dataset);
    const writer = transaction.stage(request);
    this.#open.set(id, transaction);
    return writer;
  }

  /**
   * Makes a transaction's parts visible in one step, and drops attempts that it does not name. The same seal again returns
   * the same result; another one, or one that does not fit what was staged, throws and changes nothing.
   */
  seal(request: SealRequest): SealResult {
    const { transaction: id, dataset, mode } = request;
    checkName(dataset);
    if (request.schema !== undefined) checkSchema(request.schema);
    const fingerprint = fingerprintOf(request);
    const ending = this.#ended.get(id);
    if (ending?.kind === "sealed" && ending.fingerprint === fingerprint) return { ...ending.result, duplicate: true };
    if (ending !== undefined) throw sealedAgain(id, ending);
    requireOneAttempt(request);
    const transaction = this.#open.get(id) ?? new Transaction(id, dataset, this.#store, this.#now, this.#ttlMs);
    requireDataset(transaction, dataset);
    const current = this.#catalog.current(dataset);
    if (current !== undefined) requireNotStreaming(dataset, current.state);
    if (current !== undefined && mode === "errorifexists") {
      throw new RayflightError("ALREADY_EXISTS", `The dataset "${dataset}" exists.`, {
        hint: 'Use the mode "append" or "overwrite", or another name.',
      });
    }
    const finish = (result: Omit<SealResult, "orphansDropped">, kept: readonly Part[]): SealResult => {
      const sealed = { kind: "sealed", fingerprint, result: { ...result, orphansDropped: 0 } } as const;
      this.#open.delete(id);
      const orphansDropped = transaction.end(endedError(id, sealed), kept);
      const full = { ...result, orphansDropped };
      this.#ended.bury(id, { ...sealed, result: full });
      return full;
    };
    if (current !== undefined && mode === "ignore") {
      const { version, rows: totalRows } = current.info;
      return finish({ version, rows: 0, parts: 0, totalRows, ignored: true }, []);
    }
    const added = transaction.select(request.parts);
    const earlier = mode === "append" ? current : undefined;
    const schema = chooseSchema(request, added, earlier?.schema);
    for (const part of earlier?.parts ?? []) part.retain();
    const version = this.#catalog.publish(dataset, schema, [...(earlier?.parts ?? []), ...added], "sealed");
    const rows = added.reduce((sum, part) => sum + part.rows, 0);
    return finish({ version: version.number, rows, parts: added.length, totalRows: version.info.rows }, added);
  }

  /** Drops what was staged. After a seal it does nothing; puts that come later are refused. */
  abort(id: string): AbortResult {
    const ending = this.#ended.get(id);
    if (ending !== undefined) return { dropped: 0, finished: ending.kind };
    return { dropped: this.#finish(id, { kind: "aborted" }) };
  }

  exists(name: string): boolean {
    return this.#catalog.current(name) !== undefined;
  }

  /** The current version of every dataset. */
  list(): DatasetInfo[] {
    return this.#catalog.all().map((version) => version.info);
  }

  /** The current version, or a numbered one that is still kept. Throws NOT_FOUND. */
  describe(name: string, version?: number): DatasetInfo {
    return this.#catalog.find(name, version).info;
  }

  /** Describes, and keeps that version readable for `reservationMs`: for a plan whose reads come a moment later. */
  reserve(name: string, version?: number): DatasetInfo {
    const found = this.#catalog.find(name, version);
    found.reservedUntil = Math.max(found.reservedUntil, this.#now() + this.#reservationMs);
    return found.info;
  }

  /** Keeps a version, and of a stream what it has now, until the lease is released. Throws NOT_FOUND. */
  open(name: string, version?: number): Lease {
    return new VersionLease(this.#catalog, this.#catalog.find(name, version));
  }

  /** Removes a dataset; who has it open keeps it. Returns whether it existed. */
  remove(name: string): boolean {
    const current = this.#catalog.current(name);
    if (current !== undefined) requireNotStreaming(name, current.state);
    return this.#catalog.remove(name);
  }

  /** Creates a dataset that is visible while it grows, in place of what had that name. Throws FAILED_PRECONDITION when it is being streamed to. */
  createStream(name: string, schema: Uint8Array): StreamWriter {
    checkName(name);
    checkSchema(schema);
    const current = this.#catalog.current(name);
    if (current !== undefined) requireNotStreaming(name, current.state);
    const owned = new Uint8Array(schema);
    const part = new Part(owned, this.#store.createArena(`The stream "${name}"`));
    const version = this.#catalog.publish(name, owned, [part], "streaming");
    const stream = new GrowingStream(this.#catalog, version, part);
    this.#streams.add(stream);
    void stream.ended.then(() => this.#streams.delete(stream));
    return stream;
  }

  /** All messages from the start, then live until the stream is closed; `live: false` stops at what there is now. */
  follow(
    name: string,
    options: { live?: boolean; version?: number; signal?: AbortSignal } = {},
  ): AsyncIterable<StoredBatch> {
    return followVersion(
      this.#catalog,
      this.#catalog.find(name, options.version),
      options.live ?? true,
      options.signal,
    );
  }

  /** Resolves as soon as the dataset exists. */
  async waitFor(name: string, options: { signal?: AbortSignal } = {}): Promise<DatasetInfo> {
    return (await this.#catalog.waitFor(name, options.signal)).info;
  }

  openTransactions(): TransactionInfo[] {
    return Array.from(this.#open.values(), (transaction) => transaction.info);
  }

  /** Ends transactions and reservations whose time has passed. Called by a timer that keeps no process alive. */
  sweep(): void {
    for (const { id, expiresAt } of this.#open.values()) {
      if (expiresAt <= this.#now()) this.#finish(id, { kind: "expired", ttlMs: this.#ttlMs });
    }
    this.#catalog.sweep();
  }

  /** Drops open transactions and fails open streams. What was sealed stays readable until the store closes. */
  close(): void {
    clearInterval(this.#sweeper);
    for (const id of [...this.#open.keys()]) this.#finish(id, { kind: "aborted" });
    const reason = new RayflightError("UNAVAILABLE", "The node was shut down.", { hint: "Start it and run again." });
    for (const stream of this.#streams) stream.fail(reason);
  }

  #finish(id: string, ending: Ending): number {
    const transaction = this.#open.get(id);
    this.#open.delete(id);
    this.#ended.bury(id, ending);
    return transaction?.end(endedError(id, ending)) ?? 0;
  }
}

function requireDataset(transaction: Transaction, dataset: string): void {
  if (transaction.dataset === dataset) return;
  throw new RayflightError(
    "INVALID_ARGUMENT",
    `The transaction ${transaction.id} writes "${transaction.dataset}", not "${dataset}".`,
    { hint: "Use one transaction for each dataset." },
  );
}

function requireNotStreaming(name: string, state: DatasetInfo["state"]): void {
  if (state !== "streaming") return;
  throw new RayflightError("FAILED_PRECONDITION", `"${name}" is a stream that is still being written.`, {
    hint: "Wait until its writer closes it, or use another name.",
  });
}

function requireOneAttempt({ dataset, parts }: SealRequest): void {
  const attempts = new Map<string, number>();
  for (const { part, attempt } of parts) {
    const other = attempts.get(part);
    if (other !== undefined) {
      throw new RayflightError(
        "INVALID_ARGUMENT",
        `The seal of "${dataset}" names two attempts of part ${part}: ${other} and ${attempt}.`,
        { hint: "Name the one attempt of each part that was committed." },
      );
    }
    attempts.set(part, attempt);
  }
}

/** The seal's own schema, which may carry metadata, else that of the dataset it appends to, else the parts'. */
function chooseSchema(request: SealRequest, added: readonly Part[], existing: Uint8Array | undefined): Uint8Array {
  const { dataset } = request;
  const schema = request.schema ?? existing ?? added[0]?.schema;
  if (schema === undefined) {
    throw new RayflightError("INVALID_ARGUMENT", `"${dataset}" cannot be sealed without parts and without a schema.`, {
      hint: "Send the schema along with the seal.",
    });
  }
  const name = existing === undefined ? "the seal" : `"${dataset}"`;
  if (added[0] !== undefined) requireSameSchema("what was put", added[0].schema, name, existing ?? schema);
  if (request.schema !== undefined) requireSameSchema("the seal", request.schema, name, existing ?? schema);
  return new Uint8Array(schema);
}

function sealedAgain(id: string, ending: Ending): RayflightError {
  if (ending.kind !== "sealed") return endedError(id, ending);
  return new RayflightError(
    "FAILED_PRECONDITION",
    `The transaction ${id} was sealed as version ${ending.result.version} before, with other parts or another mode.`,
    { hint: "What was sealed stays as it is; write again under a new transaction." },
  );
}
