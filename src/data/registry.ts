import type { ControlStore } from "../control/index.js";
import type { ObjectStore } from "../store/index.js";
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

export interface DatasetRegistryOptions {
  /** How long a transaction may stay open without a put. Default: 30 minutes. */
  transactionTtlMs?: number;
  /** How long `reserve` keeps a version for a reader that is about to come. Default: one minute. */
  reservationMs?: number;
  /** Milliseconds since 1970; tests bring their own. */
  now?: () => number;
}

export declare class DatasetRegistry {
  constructor(store: ObjectStore, control: ControlStore, options?: DatasetRegistryOptions);
  stage(request: StageRequest): PartWriter;
  seal(request: SealRequest): SealResult;
  abort(transaction: string): AbortResult;
  exists(name: string): boolean;
  list(): DatasetInfo[];
  describe(name: string, version?: number): DatasetInfo;
  /** Describes, and keeps that version readable for `reservationMs`: for a plan whose reads come a moment later. */
  reserve(name: string, version?: number): DatasetInfo;
  open(name: string, version?: number): Lease;
  remove(name: string): boolean;
  createStream(name: string, schema: Uint8Array): StreamWriter;
  /** All from the start, then live until closed; `live: false` stops at what there is now. */
  follow(
    name: string,
    options?: { live?: boolean; version?: number; signal?: AbortSignal },
  ): AsyncIterable<StoredBatch>;
  waitFor(name: string, options?: { signal?: AbortSignal }): Promise<DatasetInfo>;
  openTransactions(): TransactionInfo[];
  close(): void;
}
