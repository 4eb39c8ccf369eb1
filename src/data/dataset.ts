import type { ErrorRecord } from "../error.js";

/**
 * How far a dataset is. `sealed`: complete and immutable. `streaming`: still growing, by the one writer that created it.
 * `failed`: was streaming when its writer failed; what it got until then can be read.
 */
export type DatasetState = "sealed" | "streaming" | "failed";

/** What is known of one part of a dataset. */
export interface PartInfo {
  readonly rows: number;
  readonly bytes: number;
  /** How many messages the part has: record batches, and dictionary batches before those that need them. */
  readonly messages: number;
}

/** What is known of one version of a dataset. A plain object. */
export interface DatasetInfo {
  readonly name: string;
  readonly version: number;
  readonly state: DatasetState;
  /** The schema's IPC message (flatbuffer without prefix), as its writer sent it. */
  readonly schema: Uint8Array;
  readonly rows: number;
  readonly bytes: number;
  readonly parts: readonly PartInfo[];
  /** Why the stream failed; only in state `failed`. */
  readonly error?: ErrorRecord;
}

/** One IPC message as it was received: a record batch or a dictionary batch. */
export interface StoredBatch {
  readonly kind: "recordBatch" | "dictionaryBatch";
  readonly rows: number;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

export interface StageRequest {
  readonly dataset: string;
  readonly transaction: string;
  readonly part: string;
  /** Tells attempts of one part apart: Spark's taskAttemptId. */
  readonly attempt: number;
  /** The schema's IPC message, without prefix. */
  readonly schema: Uint8Array;
}

/** Receives one attempt of one part. Node thread only. */
export interface PartWriter {
  /** A region of store memory to receive the next message into; see Arena.allocate. */
  allocate(bytes: number): Uint8Array | Promise<Uint8Array>;
  /**
   * Takes the next message; `body` is a view of a region from `allocate` (or empty), `header` is copied. Throws
   * INVALID_ARGUMENT for a malformed message and FAILED_PRECONDITION once the transaction is finished.
   */
  append(message: { header: Uint8Array; body: Uint8Array }): void;
  /** Completes the part: only from now on a seal can name it. Throws, and drops the part, when the rows differ. */
  finish(announcedRows: number): { rows: number; bytes: number };
  /** Drops the part. No-op after `finish` and after `abort`. */
  abort(): void;
  /** How many rows were appended. */
  readonly rows: number;
}

/** What sealing does where the dataset has a version already: Spark's save modes. */
export type SealMode = "append" | "overwrite" | "errorifexists" | "ignore";

export interface SealRequest {
  readonly transaction: string;
  readonly dataset: string;
  readonly mode: SealMode;
  /** The dataset's schema message: may carry metadata that the parts' do not, and is needed when there are no parts. */
  readonly schema?: Uint8Array | undefined;
  readonly parts: readonly { readonly part: string; readonly attempt: number; readonly rows: number }[];
}

/** What became of the dataset that was sealed. */
export interface SealResult {
  readonly version: number;
  /** Rows that this transaction added, and parts. */
  readonly rows: number;
  readonly parts: number;
  /** Rows of the dataset after it. */
  readonly totalRows: number;
  /** Attempts that were staged and not named by the seal. */
  readonly orphansDropped: number;
  /** The same seal was answered before; nothing was done again. */
  readonly duplicate?: true;
  /** The dataset existed and the mode was `ignore`; nothing was written. */
  readonly ignored?: true;
}

export interface AbortResult {
  /** How many staged parts were dropped. */
  readonly dropped: number;
  /** What the transaction already was, when the abort came too late to do anything. */
  readonly finished?: "sealed" | "aborted" | "expired";
}

export interface TransactionInfo {
  readonly transaction: string;
  readonly dataset: string;
  /** Complete parts, and attempts still being received. */
  readonly staged: number;
  readonly receiving: number;
  readonly rows: number;
  readonly bytes: number;
  /** When it expires unless something is put before, in milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Keeps one version readable until `release`. A stream's lease is a snapshot of what it had when it was opened. */
export interface Lease {
  readonly info: DatasetInfo;
  /**
   * One part's messages in order, in bounded memory: what lies in memory is yielded in place, what was spilled is read
   * from disk one message at a time. A body stays valid for as long as somebody has it, after `release`, too.
   * `messages` reads no more than the first so many.
   */
  read(part: number, options?: { messages?: number }): AsyncIterable<StoredBatch>;
  /** All parts in store memory at once, restored if need be and held there until `release`. */
  load(): Promise<LoadedDataset>;
  release(): void;
}

/** A version's bytes in memory: the segments, and each message's place in them. Can be posted to another thread as it is. */
export interface LoadedDataset {
  readonly segments: readonly SharedArrayBuffer[];
  readonly parts: readonly (readonly LoadedBatch[])[];
}

export interface LoadedBatch {
  readonly kind: "recordBatch" | "dictionaryBatch";
  readonly rows: number;
  readonly header: Uint8Array;
  /** Index into `segments`, and the range of the body in it. */
  readonly segment: number;
  readonly offset: number;
  readonly length: number;
}

/** Appends to a dataset that readers may already follow. Node thread only. */
export interface StreamWriter {
  readonly info: DatasetInfo;
  /** Copies one message into the store; resolves when followers can see it. Messages appear in the order of the calls. */
  append(message: { header: Uint8Array; body: Uint8Array }): Promise<void>;
  /** Ends the stream after what was appended: it is a sealed dataset from now on. */
  close(): Promise<void>;
  /** Ends the stream with an error, which followers get after what was appended before it. */
  fail(reason: unknown): void;
}
