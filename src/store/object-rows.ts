import type { ControlStore, ObjectRow } from "../control/index.js";

/** Writes the rows of the `objects` table, those of one turn together. A store that is down fails nothing: the rows are for people. */
export class ObjectRows {
  readonly #control: ControlStore | undefined;
  readonly #pending = new Map<string, ObjectRow | undefined>();

  constructor(control: ControlStore | undefined) {
    this.#control = control;
  }

  put(row: ObjectRow): void {
    this.#set(row.id, row);
  }

  delete(id: string): void {
    this.#set(id, undefined);
  }

  #set(id: string, row: ObjectRow | undefined): void {
    if (this.#control === undefined) return;
    if (this.#pending.size === 0) queueMicrotask(() => this.#write(this.#control!));
    this.#pending.set(id, row);
  }

  #write(control: ControlStore): void {
    const rows = [...this.#pending.values()].filter((row) => row !== undefined);
    const gone = [...this.#pending.keys()].filter((id) => this.#pending.get(id) === undefined);
    this.#pending.clear();
    if (rows.length > 0) control.put("objects", rows).catch(() => {});
    if (gone.length > 0) control.delete("objects", gone).catch(() => {});
  }
}
