export {
  type Backend,
  createExecutor,
  type Device,
  type Executor,
  type ExecutorOptions,
  type Program,
} from "./executor.js";
export { type Graph, GraphBuilder, type Shape, sizeOf, type Tensor } from "./graph.js";
