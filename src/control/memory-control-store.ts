import { RayflightError } from "../error.js";
import type { Change, ControlStore } from "./control-store.js";
import { type Row, type TableName, tableNames } from "./tables.js";

export interface MemoryControlStoreOptions {
  /** How many rows the tables that grow with use (tasks, objects) keep: beyond it the oldest rows are forgotten. */
  maximumRows?: number;
}

/** Makes a control store in this thread's memory. */
export function createMemoryControlStore(options: MemoryControlStoreOptions = {}): ControlStore {
  return new MemoryControlStore(options.maximumRows ?? 100_000);
}

type AnyRow = { id: string };

interface Watcher {
  readonly pending: Map<string, AnyRow | null>;
  wake: () => void;
}

class MemoryControlStore implements ControlStore {
  readonly #maximumRows: number;
  readonly #tables = new Map<TableName, Map<string, AnyRow>>(tableNames.map((name) => [name, new Map()]));
  readonly #watchers = new Map<TableName, Set<Watcher>>(tableNames.map((name) => [name, new Set()]));
  #closed = false;

  constructor(maximumRows: number) {
    this.#maximumRows = maximumRows;
  }

  async put<N extends TableName>(table: N, rows: readonly Row<N>[]): Promise<void> {
    const stored = this.#open(table);
    for (const row of rows as readonly AnyRow[]) {
      this.#write(table, row.id, { ...row });
    }
    if (table !== "tasks" && table !== "objects") return;
    for (const id of stored.keys()) {
      if (stored.size <= this.#maximumRows) break;
      this.#write(table, id, null);
    }
  }

  async get<N extends TableName>(table: N, id: string): Promise<Row<N> | undefined> {
    const row = this.#open(table).get(id);
    return row && ({ ...row } as Row<N>);
  }

  async list<N extends TableName>(table: N): Promise<Row<N>[]> {
    return Array.from(this.#open(table).values(), (row) => ({ ...row }) as Row<N>);
  }

  async delete(table: TableName, ids: readonly string[]): Promise<void> {
    const stored = this.#open(table);
    for (const id of ids) if (stored.has(id)) this.#write(table, id, null);
  }

  async compareAndSet<N extends TableName>(
    table: N,
    id: string,
    expected: Row<N> | undefined,
    next: Row<N> | undefined,
  ): Promise<boolean> {
    const stored = this.#open(table);
    if (!equal(stored.get(id), expected)) return false;
    if (next !== undefined && (next as AnyRow).id !== id) {
      throw new RayflightError("INVALID_ARGUMENT", `A row's id cannot change from "${id}" to "${next.id}".`, {
        hint: "Delete the old row and put the new one.",
      });
    }
    if (next !== undefined) this.#write(table, id, { ...(next as AnyRow) });
    else if (expected !== undefined) this.#write(table, id, null);
    return true;
  }

  async *watch<N extends TableName>(
    table: N,
    options: { signal?: AbortSignal } = {},
  ): AsyncGenerator<readonly Change<N>[], void> {
    const { signal } = options;
    const watcher: Watcher = { pending: new Map(this.#open(table)), wake: () => {} };
    const watchers = this.#watchers.get(table)!;
    watchers.add(watcher);
    const wake = () => watcher.wake();
    signal?.addEventListener("abort", wake);
    try {
      yield take(watcher) as Change<N>[];
      while (!signal?.aborted && !this.#closed) {
        if (watcher.pending.size > 0) yield take(watcher) as Change<N>[];
        else
          await new Promise<void>((resolve) => {
            watcher.wake = resolve;
          });
      }
    } finally {
      signal?.removeEventListener("abort", wake);
      watchers.delete(watcher);
    }
  }

  close(): void {
    this.#closed = true;
    for (const watchers of this.#watchers.values()) for (const watcher of watchers) watcher.wake();
  }

  #open(table: TableName): Map<string, AnyRow> {
    if (this.#closed) {
      throw new RayflightError("UNAVAILABLE", "The control store is closed.", { hint: "Start the node again." });
    }
    return this.#tables.get(table)!;
  }

  #write(table: TableName, id: string, row: AnyRow | null): void {
    if (row === null) this.#tables.get(table)!.delete(id);
    else this.#tables.get(table)!.set(id, row);
    for (const watcher of this.#watchers.get(table)!) {
      watcher.pending.set(id, row);
      watcher.wake();
    }
  }
}

function take(watcher: Watcher): Change<TableName>[] {
  const changes = Array.from(watcher.pending, ([id, row]) => ({ id, row: row && ({ ...row } as Row) }));
  watcher.pending.clear();
  return changes as Change<TableName>[];
}

function equal(left: object | undefined, right: object | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  const a = Object.entries(left);
  const b = right as Record<string, unknown>;
  return a.length === Object.keys(b).length && a.every(([name, value]) => Object.is(value, b[name]));
}
