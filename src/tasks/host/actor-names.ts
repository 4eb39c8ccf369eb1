import type { ActorRecord } from "../live.js";
import type { ActorName } from "../questions.js";
import type { ActorId, ClientId } from "../scheduler/events.js";

interface Holder extends ActorName {
  readonly handle: ActorRecord;
}

/** Which actor has which name. A name is one of a kind in its namespace, and free again when its actor is dead. */
export class ActorNames {
  readonly #usual: string;
  readonly #byName = new Map<string, Holder>();
  readonly #byActor = new Map<ActorId, Holder>();

  /** `usual` is the namespace of those who name none. */
  constructor(usual: string) {
    this.#usual = usual;
  }

  /** Gives a name to an actor; returns the handle of the one that has it already, who keeps it. */
  claim(name: string, namespace: string | undefined, handle: ActorRecord): ActorRecord | undefined {
    const holder: Holder = { name, namespace: namespace ?? this.#usual, actor: handle.actor, handle };
    const key = keyOf(holder);
    const known = this.#byName.get(key);
    if (known !== undefined) return known.handle;
    this.#byName.set(key, holder);
    this.#byActor.set(handle.actor, holder);
    return undefined;
  }

  find(name: string, namespace: string | undefined): ActorRecord | undefined {
    return this.#byName.get(keyOf({ name, namespace: namespace ?? this.#usual }))?.handle;
  }

  /** The name of an actor, if it has one. */
  nameOf(actor: ActorId): string | null {
    return this.#byActor.get(actor)?.name ?? null;
  }

  list(everywhere: boolean): ActorName[] {
    const all = [...this.#byName.values()].filter(({ namespace }) => everywhere || namespace === this.#usual);
    return all.map(({ name, namespace, actor }) => ({ name, namespace, actor }));
  }

  /** An actor is dead. */
  free(actor: ActorId): void {
    const holder = this.#byActor.get(actor);
    if (holder === undefined) return;
    this.#byActor.delete(actor);
    this.#byName.delete(keyOf(holder));
  }

  /** A thread has ended: frees what it claimed for actors that it did not come to make. */
  freeUnmade(client: ClientId, isMade: (actor: ActorId) => boolean): void {
    for (const actor of [...this.#byActor.keys()]) {
      if (Math.floor(actor / 2 ** 32) === client && !isMade(actor)) this.free(actor);
    }
  }
}

function keyOf({ namespace, name }: Pick<ActorName, "namespace" | "name">): string {
  return JSON.stringify([namespace, name]);
}
