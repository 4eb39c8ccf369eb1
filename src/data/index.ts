export type { ColumnKind, Columns } from "../arrow/index.js";
export { createDataClient, type DataClient, type WaitOptions } from "./client.js";
export type {
  AbortResult,
  DatasetInfo,
  DatasetState,
  Lease,
  LoadedBatch,
  LoadedDataset,
  PartInfo,
  PartWriter,
  SealMode,
  SealRequest,
  SealResult,
  StageRequest,
  StoredBatch,
  StreamWriter,
  TransactionInfo,
} from "./dataset.js";
export type { Dataset } from "./opened.js";
export { DatasetRegistry, type DatasetRegistryOptions } from "./registry.js";
export type { ResultStream } from "./result-stream.js";
export { serveData } from "./serve.js";
export type { WriteOptions } from "./write.js";
