import { RayflightError } from "../error.js";
import { packValue, readValue, type StoredValue, unpackValue, type ValueCodec } from "../store/value.js";
import { isPrimitive } from "../store/value-survey.js";
import type { LocalHandles } from "./client-handles.js";
import type { ClientObjects } from "./client-objects.js";
import type { Definition } from "./closures/definition.js";
import { type CodeRegistry, isLive, type LiveRecord, type RemoteCode, toRecord } from "./live.js";
import { ObjectRef } from "./object-ref.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage } from "./protocol.js";
import { reviveLive } from "./revive-live.js";
import type { CodeId } from "./scheduler/events.js";
import type { SharedMemory } from "./shared-memory.js";

export interface ClientCodecOptions {
  readonly objects: ClientObjects;
  readonly handles: LocalHandles;
  readonly outbox: Outbox<ClientMessage>;
  /** Where large values are written; fresh memory each time where this is absent. */
  readonly memory: SharedMemory | undefined;
  /** Makes a function ready to travel. */
  define(code: RemoteCode, id: CodeId, codec: ValueCodec): Definition;
}

/**
 * How values leave this thread and arrive: references, handles of actors, remote functions and classes inside of them
 * travel as records. What leaves, the node knows before whoever gets it asks there: objects are shared, and code is defined
 * once, under the number that it has in this thread.
 */
export class ClientCodec implements ValueCodec, CodeRegistry {
  readonly #options: ClientCodecOptions;
  readonly #codes = new WeakMap<RemoteCode, CodeId>();

  constructor(options: ClientCodecOptions) {
    this.#options = options;
  }

  /** Copies a value, which errors call by the label. */
  pack(value: unknown, label: string): StoredValue {
    return packValue(value, this, label);
  }

  unpack(stored: StoredValue): unknown {
    return isPrimitive(stored) ? stored : unpackValue(stored, this);
  }

  /** As `unpack`, for whoever may read the same value again: what cannot be changed is made once. */
  read(stored: StoredValue): unknown {
    return readValue(stored, this);
  }

  codeId(code: RemoteCode): CodeId {
    const known = this.#codes.get(code);
    if (known !== undefined) return known;
    if (code.target === undefined) {
      throw new RayflightError("FAILED_PRECONDITION", `${code.name} came from a thread of another session.`, {
        hint: "Give the function or class itself to remote() in this session.",
      });
    }
    const { objects, outbox } = this.#options;
    const id = objects.base + objects.takeNumber();
    // Before it is packed, because a recursive function captures itself.
    this.#codes.set(code, id);
    try {
      outbox.push({ type: "define", code: id, definition: this.#options.define(code, id, this) });
    } catch (error) {
      this.#codes.delete(code);
      throw error;
    }
    return id;
  }

  toHandle(object: object): LiveRecord | undefined {
    if (!isLive(object)) return undefined;
    if (object instanceof ObjectRef) this.#options.objects.share(object);
    return object[toRecord](this);
  }

  fromHandle(record: LiveRecord): object {
    const { objects, handles, outbox } = this.#options;
    if (record.kind === "ref") {
      // A value may have thousands of references.
      const { last } = outbox;
      if (last?.type === "hold") last.objects.push(record.object);
      else outbox.push({ type: "hold", objects: [record.object] });
      return objects.borrow(record.object);
    }
    if (record.kind === "actor") {
      outbox.push({ type: "holdActor", actor: record.actor });
      return handles.adopt(record);
    }
    return reviveLive(record, (code, id) => this.#codes.set(code, id));
  }

  allocate(bytes: number): SharedArrayBuffer {
    return this.#options.memory?.allocate(bytes) ?? new SharedArrayBuffer(bytes);
  }

  isStored(buffer: SharedArrayBuffer): boolean {
    return this.#options.memory?.has(buffer) ?? false;
  }
}
