import type { Row, TableName } from "../../src/control/index.js";
import type { StoreUsage } from "../../src/store/index.js";

/** What the node thread answers its driver, beside datasets and tasks. */
export interface NodeMethods {
  /** Resolves once the endpoint listens. Rejects when its address is taken, or would be open without a token. */
  "node.listen": (argument: null) => Promise<{ uri: string }>;
  /** Lets calls in flight finish for `graceMs`, ends workers, and releases the store. */
  "node.close": (argument: { graceMs: number }) => Promise<null>;
  /** All rows of a state table. */
  "node.state": (argument: { table: TableName }) => Promise<Row[]>;
  "node.usage": (argument: null) => StoreUsage;
}
