import type { Row } from "../../src/control/index.js";
import type { StoreUsage } from "../../src/store/index.js";
import type { TaskSummary } from "../../src/tasks/index.js";
import type { Query } from "./select.js";

/** What the node thread answers its driver, beside datasets and tasks. */
export interface NodeMethods {
  /** Resolves once the endpoint listens. Rejects when its address is taken, or would be open without a token. */
  "node.listen": (argument: null) => Promise<{ uri: string }>;
  /** Lets calls in flight finish for `graceMs`, ends workers, and releases the store. */
  "node.close": (argument: { graceMs: number }) => Promise<null>;
  /** Rows of a state table, in batches. */
  "node.state": (query: Query) => AsyncIterable<readonly Row[]>;
  "node.summarizeTasks": (argument: null) => Promise<TaskSummary[]>;
  /** The timeline as pieces of text. */
  "node.timeline": (argument: null) => AsyncIterable<string>;
  "node.usage": (argument: null) => StoreUsage;
}
