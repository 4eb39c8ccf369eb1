import type { ErrorRecord } from "../error.js";
import type { DatasetInfo, LoadedDataset, SealRequest, SealResult, StoredBatch } from "./dataset.js";

/** A message of which the receiver takes a copy into the store. */
interface MessageOf<Owner> {
  readonly owner: Owner;
  readonly header: Uint8Array;
  readonly body: Uint8Array;
}

/** Names a lease, a part writer or a stream of one bus. */
export type Handle = number;

/** What the node thread answers to drivers and workers about datasets. */
export interface DataMethods {
  "data.open"(argument: { name: string; version?: number | undefined }): OpenedDataset;
  "data.release"(lease: Handle): void;
  "data.describe"(argument: { name: string }): DatasetInfo;
  "data.waitFor"(argument: { name: string }): DatasetInfo;
  "data.exists"(argument: { name: string }): boolean;
  "data.list"(argument: null): DatasetInfo[];
  "data.remove"(argument: { name: string }): boolean;
  "data.follow"(argument: { name: string; version: number }): AsyncIterable<StoredBatch>;
  "data.createStream"(argument: { name: string; schema: Uint8Array }): Handle;
  "data.append"(argument: MessageOf<Handle>): void;
  "data.closeStream"(stream: Handle): void;
  "data.failStream"(argument: { stream: Handle; error: ErrorRecord }): void;
  "data.stage"(argument: { dataset: string; transaction: string; schema: Uint8Array }): Handle;
  "data.put"(argument: MessageOf<Handle>): void;
  "data.finish"(argument: { writer: Handle; rows: number }): void;
  "data.seal"(argument: SealRequest): SealResult;
  "data.abort"(argument: { transaction: string }): void;
}

/** A version held in memory for the asking thread, until it releases the lease. */
export interface OpenedDataset {
  readonly lease: Handle;
  readonly info: DatasetInfo;
  readonly loaded: LoadedDataset;
}
