import { RayflightError } from "../error.js";
import { BlockLog, type LogFile } from "./block-log.js";
import type { Change, ControlStore, RowLog, RowLogOptions } from "./control-store.js";
import { type Row, type TableName, tableNames } from "./tables.js";

export interface MemoryControlStoreOptions {
  /** Makes the file for the blocks of a table's log that are too many for memory. Without it, they all stay in memory. */
  openFile?: () => LogFile;
  /**
   * Called before a table is scanned or listed: writes the rows that are under way. `get`, `watch` and `compareAndSet` see
   * those that were written.
   */
  refresh?: () => Promise<void>;
  /** Called when rows of a log were dropped, as its file could not be written. */
  lost?: (table: TableName, rows: number, reason: unknown) => void;
}

/** Makes a control store in this thread's memory; the rows of logs go on to a file. */
export function createMemoryControlStore(options: MemoryControlStoreOptions = {}): ControlStore {
  return new MemoryControlStore(options);
}

type AnyRow = { id: string };

interface Watcher {
  readonly pending: Map<string, AnyRow | null>;
  wake: () => void;
}

interface Log {
  readonly blocks: BlockLog;
  readonly unpack: (block: Uint8Array) => Iterable<AnyRow>;
  readonly current: () => Promise<Map<string, AnyRow>>;
}

/** Rows of a batch of `scan`. */
const batchRows = 4096;
/** So many blocks before a reading began may have rows that `current` still knows. */
const overlapBlocks = 64;

class MemoryControlStore implements ControlStore {
  readonly #options: MemoryControlStoreOptions;
  readonly #logs = new Map<TableName, Log>();
  readonly #tables = new Map<TableName, Map<string, AnyRow>>(tableNames.map((name) => [name, new Map()]));
  readonly #watchers = new Map<TableName, Set<Watcher>>(tableNames.map((name) => [name, new Set()]));
  #closed = false;

  constructor(options: MemoryControlStoreOptions) {
    this.#options = options;
  }

  async put<N extends TableName>(table: N, rows: readonly Row<N>[]): Promise<void> {
    this.#open(table);
    for (const row of rows as readonly AnyRow[]) this.#write(table, row.id, { ...row });
  }

  async get<N extends TableName>(table: N, id: string): Promise<Row<N> | undefined> {
    const row = this.#open(table).get(id);
    if (row !== undefined || !this.#logs.has(table)) return row && ({ ...row } as Row<N>);
    for await (const rows of this.scan(table)) {
      const found = rows.find((row) => row.id === id);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async *scan<N extends TableName>(table: N): AsyncGenerator<readonly Row<N>[], void> {
    const stored = this.#open(table);
    await this.#options.refresh?.();
    const log = this.#logs.get(table);
    let batch: AnyRow[] = [];
    if (log !== undefined) {
      const { blocks, unpack } = log;
      const overlap = blocks.length - overlapBlocks;
      const current = await log.current();
      for await (const [number, block] of blocks.blocks()) {
        for (const row of unpack(block)) {
          if (number >= overlap && current.size > 0) current.delete(row.id);
          if (batch.push(row) < batchRows) continue;
          yield batch as Row<N>[];
          batch = [];
        }
      }
      for (const row of current.values()) {
        if (batch.push(row) < batchRows) continue;
        yield batch as Row<N>[];
        batch = [];
      }
    }
    for (const row of [...stored.values()]) {
      if (batch.push({ ...row }) < batchRows) continue;
      yield batch as Row<N>[];
      batch = [];
    }
    if (batch.length > 0) yield batch as Row<N>[];
  }

  async list<N extends TableName>(table: N): Promise<Row<N>[]> {
    const all: Row<N>[] = [];
    for await (const rows of this.scan(table)) for (const row of rows) all.push(row);
    return all;
  }

  openLog<N extends TableName>(table: N, options: RowLogOptions<N>): RowLog {
    this.#open(table);
    if (this.#logs.has(table)) {
      throw new RayflightError("ALREADY_EXISTS", `The table ${table} has a log.`, { hint: "Give each table one log." });
    }
    const { openFile, lost } = this.#options;
    const blocks = new BlockLog({
      openFile,
      rowsOf: options.rowsOf,
      lost: (rows, reason) => lost?.(table, rows, reason),
    });
    const { unpack, current } = options as unknown as Pick<Log, "unpack" | "current">;
    this.#logs.set(table, { blocks, unpack, current });
    return {
      append: (block) => blocks.append(block),
      async *blocks() {
        for await (const [, block] of blocks.blocks()) yield block;
      },
      get length() {
        return blocks.length;
      },
      get lostRows() {
        return blocks.lostRows;
      },
    };
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
    for (const { blocks } of this.#logs.values()) blocks.close();
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
