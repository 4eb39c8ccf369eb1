export {
  type ColumnKind,
  type Columns,
  createDataClient,
  type DataClient,
  type Dataset,
  type ResultStream,
} from "./client.js";
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
export { DatasetRegistry, type DatasetRegistryOptions } from "./registry.js";
export { serveData } from "./serve.js";
