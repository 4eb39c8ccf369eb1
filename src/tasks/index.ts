/** Tasks, actors and objects: Ray's API. The first part is for users, the second for the program that starts a node. */
export type { ActorHandle, ActorMethod, RemoteArguments } from "./actor-handle.js";
export { ActorPool, type PoolCall } from "./actor-pool.js";
export { asCompleted } from "./as-completed.js";
export type { Backend, CancelOptions, GetOptions, GetSyncOptions, NodeInfo, WaitOptions } from "./backend.js";
export { setEntryUrl } from "./closures/entry.js";
export { availableResources, clusterResources, nodes } from "./cluster.js";
export { currentContext, hasContext, type RayContext, runningTask, setContext } from "./context.js";
export type { TaskSummary } from "./host/summary.js";
export type { TaskHost } from "./host/task-host.js";
export { createInlineBackend, type InlineBackend, type InlineBackendOptions } from "./inline/backend.js";
export { getActor, listNamedActors } from "./named-actors.js";
export { type NewRef, ObjectRef } from "./object-ref.js";
export { ObjectRefGenerator } from "./object-ref-generator.js";
export type { ActorOptions, MethodOptions, TaskOptions } from "./options.js";
export { createQueue, type Queue } from "./queue-actor.js";
export { RemoteClass, RemoteFunction, remote } from "./remote.js";
export { getRuntimeContext, type RuntimeContext } from "./runtime-context.js";
export {
  cancel,
  createScope,
  exitActor,
  free,
  get,
  getGpuIds,
  getSync,
  type KillOptions,
  kill,
  put,
  type Scope,
  wait,
} from "./verbs.js";
export { createWorkersBackend } from "./workers/backend.js";
export { type HostTasksOptions, hostTasks } from "./workers/host-tasks.js";
