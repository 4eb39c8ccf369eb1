import { methodsOf, type Row, type TableName } from "../../src/control/index.js";
import { currentContext, type InlineBackend, type TaskSummary } from "../../src/tasks/index.js";
import type { NodeMethods } from "./methods.js";
import { type Query, select } from "./select.js";

/** What is to be seen of a session: its rows, and when what ran. */
export interface Views {
  rows(query: Query): AsyncIterable<readonly Row[]>;
  summary(): Promise<TaskSummary[]>;
  /** As pieces of text. */
  timeline(): AsyncIterable<string>;
}

/** With `debug: true` the node knows of no tasks: these rows are on this thread. */
const ofTasks: ReadonlySet<TableName> = new Set(["tasks", "actors", "workers", "resources"]);

/** The views of this thread's session; undefined where it has no node. */
export function currentViews(): Views | undefined {
  const { backend, bus } = currentContext();
  if (bus === undefined) return undefined;
  const node = methodsOf<NodeMethods>(bus);
  const views: Views = {
    rows: (query) => node.stream("node.state", query),
    summary: () => node.call("node.summarizeTasks", null),
    timeline: () => node.stream("node.timeline", null),
  };
  if (backend.kind !== "inline") return views;
  const { control, host } = backend as InlineBackend;
  return {
    rows: (query) => (ofTasks.has(query.table) && control !== undefined ? select(control, query) : views.rows(query)),
    summary: () => host.summarize(),
    timeline: () => host.timeline(),
  };
}
