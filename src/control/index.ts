export type { LogFile } from "./block-log.js";
export { type Bus, type BusOptions, type CallOptions, createBus, type StreamOptions } from "./bus.js";
export { type Handler, type HandlerContext, type Handlers, transferring } from "./bus-server.js";
export type { Change, ControlStore, RowLog, RowLogOptions } from "./control-store.js";
export { createInbox, type Inbox } from "./inbox.js";
export { createMemoryControlStore, type MemoryControlStoreOptions } from "./memory-control-store.js";
export { type MethodClient, type MethodHandlers, methodsOf, serveMethods } from "./methods.js";
export {
  type ActorRow,
  type Column,
  type ColumnType,
  type DatasetRow,
  isTableName,
  type NodeRow,
  type ObjectRow,
  type ResourceRow,
  type Row,
  type TableName,
  type TaskRow,
  tableNames,
  tables,
  type WorkerRow,
} from "./tables.js";
