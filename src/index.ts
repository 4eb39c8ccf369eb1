/** The engine's public API: Ray's verbs and the types they take. What starts a node is in `bridge/node.ts`. */
export type { ColumnKind, Columns, DataClient, Dataset, DatasetInfo, ResultStream, SealMode } from "./data/index.js";
export { type ErrorCode, errorCodes, RayflightError, type RayflightErrorOptions } from "./error.js";
export {
  type ActorHandle,
  type ActorOptions,
  ActorPool,
  asCompleted,
  cancel,
  createQueue,
  createScope,
  free,
  type GetOptions,
  get,
  getGpuIds,
  kill,
  ObjectRef,
  type PoolCall,
  put,
  type Queue,
  type RemoteClass,
  type RemoteFunction,
  remote,
  type Scope,
  type TaskOptions,
  type WaitOptions,
  wait,
} from "./tasks/index.js";
