/** The types a column of a metadata table can have. A timestamp is milliseconds since 1970, UTC. */
export type ColumnType = "string" | "float64" | "bool" | "timestamp";

/** One column: its type at run time, so that a table of no rows still has a schema, and `T` at compile time. */
export interface Column<T> {
  readonly type: ColumnType;
  readonly nullable: boolean;
  readonly example?: T;
}

/** A table of the node. */
export type TableName = "nodes" | "workers" | "tasks" | "actors" | "objects" | "resources" | "datasets";

const text = <T extends string = string>(): Column<T> => ({ type: "string", nullable: false });
const number: Column<number> = { type: "float64", nullable: false };
const time: Column<number> = { type: "timestamp", nullable: false };
const optional = <T>(column: Column<T>): Column<T | null> => ({ type: column.type, nullable: true });

/**
 * Every table of metadata, by name. A row's `id` is its key. These definitions are the one source: row types follow from
 * them, and so do the Arrow schemas of the state tables.
 */
export const tables = {
  nodes: {
    id: text(),
    uri: optional(text()),
    host: text(),
    pid: number,
    state: text<"alive" | "dead">(),
    cpus: number,
    gpus: number,
    memory: number,
    startedAt: time,
    endedAt: optional(time),
  },
  workers: {
    id: text(),
    node: text(),
    thread: number,
    state: text<"starting" | "idle" | "busy" | "dead">(),
    actor: optional(text()),
    startedAt: time,
    endedAt: optional(time),
    reason: optional(text()),
  },
  tasks: {
    id: text(),
    name: text(),
    kind: text<"task" | "actor-creation" | "actor-call">(),
    state: text<"pending" | "running" | "finished" | "failed" | "cancelled">(),
    parent: optional(text()),
    actor: optional(text()),
    worker: optional(text()),
    attempt: number,
    submittedAt: time,
    startedAt: optional(time),
    endedAt: optional(time),
    error: optional(text()),
  },
  actors: {
    id: text(),
    name: optional(text()),
    className: text(),
    state: text<"pending" | "alive" | "restarting" | "dead">(),
    worker: optional(text()),
    restarts: number,
    createdAt: time,
    endedAt: optional(time),
    error: optional(text()),
  },
  objects: {
    id: text(),
    label: text(),
    state: text<"memory" | "spilled" | "freed">(),
    bytes: number,
    createdAt: time,
  },
  resources: {
    id: text(),
    node: text(),
    name: text(),
    total: number,
    available: number,
  },
  datasets: {
    id: text(),
    version: number,
    state: text<"sealed" | "streaming" | "failed">(),
    rows: number,
    bytes: number,
    parts: number,
    createdAt: time,
    updatedAt: time,
    error: optional(text()),
  },
} as const satisfies Readonly<Record<TableName, Readonly<Record<string, Column<unknown>>>>>;

export type Tables = typeof tables;

/** A row of the table `N`: a plain object of strings, numbers and booleans, null where the column is nullable. */
export type Row<N extends TableName = TableName> = {
  -readonly [K in keyof Tables[N]]: Tables[N][K] extends Column<infer T> ? T : never;
};

export type NodeRow = Row<"nodes">;
export type WorkerRow = Row<"workers">;
/** A task, a call of an actor, or the making of one. */
export type TaskRow = Row<"tasks">;
export type ActorRow = Row<"actors">;
export type ObjectRow = Row<"objects">;
export type ResourceRow = Row<"resources">;
export type DatasetRow = Row<"datasets">;

/** The names of all tables, in the order in which they are listed to people. */
export const tableNames = Object.keys(tables) as TableName[];

/** Whether `name` is one of the tables. */
export function isTableName(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}
