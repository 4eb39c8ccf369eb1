/** What observers of a store learn of one object. */
export interface ObjectState {
  readonly id: string;
  readonly label: string;
  readonly state: "memory" | "spilled";
  readonly bytes: number;
  readonly createdAt: number;
}

/** Gets the objects that are new or moved, and the ids of those that are gone, once for each turn in which there are any. */
export type ObjectListener = (changed: readonly ObjectState[], gone: readonly string[]) => void;

/** Collects what changes in one turn, so that a thousand spilled segments are one message. */
export class ObjectNews {
  readonly #listeners: ObjectListener[] = [];
  readonly #pending = new Map<string, ObjectState | undefined>();

  observe(listener: ObjectListener): void {
    this.#listeners.push(listener);
  }

  put(object: ObjectState): void {
    this.#set(object.id, object);
  }

  delete(id: string): void {
    this.#set(id, undefined);
  }

  #set(id: string, object: ObjectState | undefined): void {
    if (this.#listeners.length === 0) return;
    if (this.#pending.size === 0) queueMicrotask(() => this.#tell());
    this.#pending.set(id, object);
  }

  #tell(): void {
    const changed = [...this.#pending.values()].filter((object) => object !== undefined);
    const gone = [...this.#pending.keys()].filter((id) => this.#pending.get(id) === undefined);
    this.#pending.clear();
    for (const listener of this.#listeners) listener(changed, gone);
  }
}
