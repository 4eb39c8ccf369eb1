import type { TaskRow } from "../../control/index.js";
import type { LogEntry } from "./task-log.js";

/** How many tasks of one name are in each state. */
export interface TaskSummary {
  /** The function's name, or that of the class and the method. */
  readonly name: string;
  readonly kind: TaskRow["kind"];
  readonly states: Readonly<Partial<Record<TaskRow["state"], number>>>;
}

/** Counts tasks by name and state without making a row of each; those that are many first. */
export async function summarize(entries: AsyncIterable<LogEntry>, current: Iterable<TaskRow>): Promise<TaskSummary[]> {
  const summaries = new Map<string, { name: string; kind: TaskRow["kind"]; states: Record<string, number> }>();
  const count = (name: string, kind: TaskRow["kind"], state: TaskRow["state"], tasks: number) => {
    const key = `${kind} ${name}`;
    let summary = summaries.get(key);
    if (summary === undefined) {
      summary = { name, kind, states: {} };
      summaries.set(key, summary);
    }
    summary.states[state] = (summary.states[state] ?? 0) + tasks;
  };
  for await (const entry of entries) {
    if (entry.kind === "calls") {
      count(entry.name, entry.actor === null ? "task" : "actor-call", "finished", entry.record.count);
    } else if (entry.attempt.only !== "timeline") {
      const { name, kind, state } = entry.attempt.row;
      count(name, kind, state, 1);
    }
  }
  for (const { name, kind, state } of current) count(name, kind, state, 1);
  const total = ({ states }: TaskSummary) => Object.values(states).reduce((sum, tasks) => sum + tasks, 0);
  return [...summaries.values()].sort((a, b) => total(b) - total(a));
}
