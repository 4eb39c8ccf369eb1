import { RayflightError } from "../error.js";
import { packValue, type StoredValue, unpackValue, type ValueCodec } from "../store/value.js";
import type { Backend, GetOptions, WaitOptions } from "./backend.js";
import { LocalRefs } from "./client-refs.js";
import { PendingRequests } from "./client-requests.js";
import type { Definition } from "./closures/definition.js";
import { runningTask, whileBlocked } from "./context.js";
import { type CodeRegistry, isLive, type LiveRecord, type RemoteCode, toRecord } from "./live.js";
import { ObjectRef, type RefOwner } from "./object-ref.js";
import type { FilledActorOptions, FilledTaskOptions } from "./options.js";
import type { Outbox } from "./outbox.js";
import type { Argument, ClientMessage, ClientReply, Welcome } from "./protocol.js";
import { reviveLive } from "./revive-live.js";
import type { ActorId, CodeId, ObjectId } from "./scheduler/events.js";
import { type Demand, ResourceLedger } from "./scheduler/resources.js";

export interface ClientOptions {
  readonly kind: Backend["kind"];
  readonly welcome: Welcome;
  readonly outbox: Outbox<ClientMessage>;
  /** Makes a function ready to travel. */
  define(code: RemoteCode, id: CodeId, codec: ValueCodec): Definition;
  close(): Promise<void>;
}

/**
 * The submitting half of an engine, in the driver and in each worker: turns calls into messages and answers into values.
 * The other half, `TaskHost`, may be on another thread.
 */
export class TaskClient implements Backend, RefOwner, CodeRegistry, ValueCodec {
  readonly kind: Backend["kind"];
  readonly #options: ClientOptions;
  readonly #outbox: Outbox<ClientMessage>;
  readonly #capacity: ResourceLedger;
  readonly #refs: LocalRefs;
  readonly #requests: PendingRequests;
  readonly #codes = new WeakMap<RemoteCode, CodeId>();
  #lastId: number;
  #closed: RayflightError | undefined;

  constructor(options: ClientOptions) {
    this.kind = options.kind;
    this.#options = options;
    this.#outbox = options.outbox;
    this.#capacity = new ResourceLedger(options.welcome.total);
    this.#refs = new LocalRefs(options.outbox);
    this.#requests = new PendingRequests(options.outbox);
    this.#lastId = options.welcome.client * 2 ** 32;
  }

  submit(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions): ObjectRef {
    this.#checkFeasible(options.name, options.demand);
    const { name, demand, maxRetries } = options;
    const message = { code: this.codeId(code), name, args: this.#packArguments(name, args), demand, maxRetries };
    const task = ++this.#lastId;
    this.#outbox.push({ type: "submit", task, ...message, parent: runningTask()?.task });
    return this.#made(task);
  }

  createActor(code: RemoteCode, args: readonly unknown[], options: FilledActorOptions): ActorId {
    this.#checkFeasible(options.name, options.demand);
    const { name: className, demand, maxConcurrency } = options;
    const message = { code: this.codeId(code), className, args: this.#packArguments(className, args) };
    const actor = ++this.#lastId;
    this.#outbox.push({ type: "create", actor, ...message, demand, maxConcurrency, parent: runningTask()?.task });
    return actor;
  }

  call(actor: ActorId, className: string, method: string, args: readonly unknown[]): ObjectRef {
    this.#checkOpen();
    const name = `${className}.${method}`;
    const packed = this.#packArguments(name, args);
    const task = ++this.#lastId;
    this.#outbox.push({ type: "call", task, actor, name, method, args: packed, parent: runningTask()?.task });
    return this.#made(task);
  }

  put(value: unknown): ObjectRef {
    this.#checkOpen();
    const packed = packValue(value, this, "The value given to put()");
    const object = ++this.#lastId;
    this.#outbox.push({ type: "put", object, value: packed });
    return this.#made(object);
  }

  async get(refs: readonly ObjectRef[], options: GetOptions): Promise<unknown[]> {
    this.#checkOpen();
    const objects = refs.map((ref) => this.#idOf(ref));
    if (objects.length === 0) return [];
    const values = await whileBlocked(this.#requests.get(objects, options));
    const unpacked = values.map((value) => this.unpack(value));
    // References stay in use until here, so that none is collected and released under way.
    this.#refs.keep(refs);
    return unpacked;
  }

  async wait(refs: readonly ObjectRef[], options: { numReturns: number } & WaitOptions): Promise<boolean[]> {
    this.#checkOpen();
    const objects = refs.map((ref) => this.#idOf(ref));
    const ready = new Set(await whileBlocked(this.#requests.wait(objects, options)));
    this.#refs.keep(refs);
    return objects.map((id) => ready.has(id));
  }

  free(refs: readonly ObjectRef[]): void {
    this.#outbox.push({ type: "free", objects: refs.map((ref) => this.#idOf(ref)) });
  }

  kill(actor: ActorId): void {
    this.#outbox.push({ type: "kill", actor });
  }

  cancel(ref: ObjectRef): void {
    this.#outbox.push({ type: "cancel", task: this.#idOf(ref) });
  }

  async close(): Promise<void> {
    this.disconnected(new RayflightError("UNAVAILABLE", "The session was closed.", { hint: "Start a new one." }));
    await this.#options.close();
  }

  /** The other half is gone: everything pending rejects with `reason`, and so does everything from now on. */
  disconnected(reason: RayflightError): void {
    this.#closed ??= reason;
    this.#requests.close(reason);
    this.#refs.close();
  }

  receive(reply: ClientReply): void {
    if (reply.type === "got") this.#requests.resolve(reply.request, reply.values);
    else if (reply.type === "waited") this.#requests.resolve(reply.request, reply.ready);
    else this.#requests.fail(reply.request, reply.failure);
  }

  unpack(stored: StoredValue): unknown {
    return unpackValue(stored, this);
  }

  async fetch(ref: ObjectRef, options: GetOptions): Promise<unknown> {
    return (await this.get([ref], options))[0];
  }

  release(ref: ObjectRef): void {
    this.#refs.release(ref);
  }

  codeId(code: RemoteCode): CodeId {
    const known = this.#codes.get(code);
    if (known !== undefined) return known;
    const id = ++this.#lastId;
    // Before it is packed, because a recursive function captures itself.
    this.#codes.set(code, id);
    try {
      this.#outbox.push({ type: "define", code: id, definition: this.#options.define(code, id, this) });
    } catch (error) {
      this.#codes.delete(code);
      throw error;
    }
    return id;
  }

  toHandle(object: object): LiveRecord | undefined {
    if (!isLive(object)) return undefined;
    if (object instanceof ObjectRef) this.#idOf(object);
    return object[toRecord](this);
  }

  fromHandle(record: LiveRecord): object {
    if (record.kind === "ref") {
      this.#outbox.push({ type: "hold", objects: [record.object] });
      return this.#made(record.object);
    }
    return reviveLive(record, (code, id) => this.#codes.set(code, id));
  }

  #made(id: ObjectId): ObjectRef {
    const ref = new ObjectRef(id, this);
    this.#refs.add(ref);
    return ref;
  }

  #idOf(ref: ObjectRef): ObjectId {
    if (!ref.belongsTo(this)) {
      throw new RayflightError("FAILED_PRECONDITION", `${ref} belongs to another session.`, {
        hint: "Use a reference in the session that made it.",
      });
    }
    if (!this.#refs.holds(ref)) {
      throw new RayflightError("OBJECT_FREED", `${ref} was released.`, {
        hint: "Use it before its `using` scope ends.",
      });
    }
    return ref.id;
  }

  #packArguments(name: string, args: readonly unknown[]): Argument[] {
    return args.map((argument, i) => {
      if (argument instanceof ObjectRef) return { ref: this.#idOf(argument) };
      return packValue(argument, this, `Argument ${i + 1} of ${name}`);
    });
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #checkFeasible(name: string, demand: Demand): void {
    this.#checkOpen();
    checkFeasible(this.#capacity, name, demand);
  }
}

/** Throws FAILED_PRECONDITION when a node of this capacity can never run this. */
function checkFeasible(capacity: ResourceLedger, name: string, demand: Demand): void {
  const { total } = capacity;
  if (total.cpus === 0) {
    throw new RayflightError("FAILED_PRECONDITION", `${name} cannot run: this node has no workers.`, {
      hint: "Start it with at least one CPU, as in `ray.init({ numCpus: 2 })`.",
    });
  }
  if (capacity.feasible(demand)) return;
  const [wanted, had] = [demand, total].map(({ cpus, gpus }) => `${cpus / 10_000} CPUs and ${gpus / 10_000} GPUs`);
  throw new RayflightError("FAILED_PRECONDITION", `${name} asks for ${wanted}, but this node has ${had}.`, {
    hint: "Ask for less, or declare more with `ray.init({ numCpus, numGpus })`.",
  });
}
