import { RayflightError } from "../error.js";
import { collectGarbage } from "../store/garbage.js";
import type { StoredValue, ValueCodec } from "../store/value.js";
import { isPrimitive } from "../store/value-survey.js";
import type { ActorControl, MethodTarget } from "./actor-handle.js";
import type { Backend, CancelOptions, GetOptions, GetSyncOptions, NodeInfo, Place, WaitOptions } from "./backend.js";
import { CallList } from "./call-list.js";
import { ClientActorCalls } from "./client-actor-calls.js";
import { ClientActors } from "./client-actors.js";
import { ClientArguments } from "./client-arguments.js";
import { ClientCancels } from "./client-cancels.js";
import { ClientCodec, type ClientCodecOptions } from "./client-codec.js";
import { LocalHandles } from "./client-handles.js";
import { ClientNodeTasks } from "./client-node-tasks.js";
import { ClientObjects } from "./client-objects.js";
import { ClientOutcomes } from "./client-outcomes.js";
import { isAnswer, PendingRequests } from "./client-requests.js";
import { ClientReturns, objectsOf } from "./client-returns.js";
import type { Definition } from "./closures/definition.js";
import { runningTask } from "./context.js";
import { KeepAlive } from "./deadline.js";
import { checkFeasible } from "./feasibility.js";
import { freed } from "./host/reasons.js";
import type { RemoteCode } from "./live.js";
import type { LocalCalls, RunningLocally } from "./local-calls.js";
import { formatObjectId, type ObjectRef, type RefOwner } from "./object-ref.js";
import type { ObjectRefGenerator } from "./object-ref-generator.js";
import type { FilledActorOptions, FilledTaskOptions } from "./options.js";
import type { Outbox } from "./outbox.js";
import { HeldObjects } from "./owner/held-objects.js";
import { OwnCalls } from "./owner/own-calls.js";
import { objectState } from "./owner/owned-objects.js";
import { PendingCalls } from "./pending-calls.js";
import type { ClientMessage, ClientReply, Welcome } from "./protocol.js";
import type { ActorName } from "./questions.js";
import { Reads } from "./reads.js";
import type { Returns } from "./returns.js";
import { fitsWords, type ResolvedArgument } from "./rings/words.js";
import type { ActorId, CodeId, ObjectId, TaskId } from "./scheduler/events.js";
import { type Demand, ResourceLedger, unit } from "./scheduler/resources.js";
import { isAboutMemory, SharedMemory } from "./shared-memory.js";
import { SyncReads } from "./sync-reads.js";
import { UnreadFailures } from "./unread-failures.js";

/** A thread that waits no longer than this keeps its CPU: others would need longer to take over. */
const patienceMilliseconds = 1;

export interface ClientOptions {
  readonly kind: Backend["kind"];
  readonly welcome: Welcome;
  readonly outbox: Outbox<ClientMessage>;
  /** Makes a function ready to travel. */
  define(code: RemoteCode, id: CodeId, codec: ValueCodec): Definition;
  /** How values leave and arrive, if more is to be done with them than usual. */
  createCodec?(parts: ClientCodecOptions): ClientCodec;
  /** Whether `get` looks for a moment before it waits: where no tasks run that others wait for. */
  readonly looks?: boolean;
  /** Takes messages that have come, now: while this thread stops, it does not get to its event loop. */
  receiveNow?(): void;
  /** Instead of stopping the thread: does what there is to do, until `look` says that what is waited for is there, or the time has come. */
  workUntil?(look: () => boolean, until: number): boolean;
  /** Ends what runs, where that ends with the client. */
  close?(): Promise<void>;
}

/**
 * The submitting half of an engine, in the driver and in each worker. What it submits and puts it owns: results of calls
 * that any CPU worker may run come back to it directly, and the node has nothing to do with them. What other threads may
 * refer to, what asks for more than a CPU and what lies in shared memory goes through the node (`TaskHost`).
 *
 * It puts the parts together that have an idea each: objects and references (`ClientObjects`), values that leave and
 * arrive (`ClientCodec`), arguments (`ClientArguments`), calls by board (`OwnCalls`), of actors (`ClientActorCalls`) and
 * by the node (`ClientNodeTasks`), how they end (`ClientOutcomes`, `ClientCancels`), reads (`Reads`, `SyncReads`).
 */
export class TaskClient implements Backend, RefOwner {
  readonly kind: Backend["kind"];
  readonly place: Place;
  /** How values leave this thread and arrive. */
  readonly codec: ClientCodec;
  /** The calls of this thread that any CPU worker may run, and those of actors; absent where all goes through the node. */
  readonly calls: OwnCalls | undefined;
  /** The tasks on this thread that went on after their calls returned; its runners note them. */
  readonly awaiting = new Set<TaskId>();
  readonly #options: ClientOptions;
  readonly #outbox: Outbox<ClientMessage>;
  readonly #capacity: ResourceLedger;
  readonly #memory: SharedMemory | undefined;
  readonly #objects: ClientObjects;
  readonly #handles: LocalHandles;
  readonly #arguments: ClientArguments;
  readonly #requests: PendingRequests;
  readonly #returns: ClientReturns;
  readonly #pending = new PendingCalls();
  readonly #outcomes: ClientOutcomes;
  readonly #nodeTasks: ClientNodeTasks;
  readonly #actors: ClientActors;
  readonly #actorCalls: ClientActorCalls;
  readonly #cancels: ClientCancels;
  readonly #reads: Reads;
  readonly #syncReads: SyncReads;
  #running: RunningLocally | undefined;
  #closed: RayflightError | undefined;

  constructor(options: ClientOptions) {
    const { welcome, outbox, workUntil } = options;
    const base = welcome.client * 2 ** 32;
    const keepAlive = new KeepAlive();
    const unreadFailures = new UnreadFailures();
    this.kind = options.kind;
    this.place = welcome.place;
    this.#options = options;
    this.#outbox = outbox;
    this.#capacity = new ResourceLedger(welcome.total);
    const memory = welcome.words && new SharedMemory(welcome.words, outbox);
    this.#memory = memory;
    const objects = new ClientObjects({
      owner: this,
      outbox,
      base,
      unread: (failure) => unreadFailures.report(failure),
    });
    this.#objects = objects;
    const handles = new LocalHandles({
      owner: this,
      outbox,
      whenIdle: (actor, then) => {
        if (this.calls === undefined) then();
        else this.calls.lines.whenIdle(actor, then);
      },
    });
    this.#handles = handles;
    const { define } = options;
    const parts = { objects, handles, outbox, memory, define };
    const codec = options.createCodec?.(parts) ?? new ClientCodec(parts);
    this.codec = codec;
    const held = new HeldObjects(objects.refs);
    const args = new ClientArguments(objects, codec, held);
    this.#arguments = args;
    const requests = new PendingRequests(outbox, keepAlive);
    this.#requests = requests;
    const returns = new ClientReturns({
      outbox,
      keepAlive,
      borrow: (id) => objects.borrow(id),
      cancel: (task) => this.#cancels.cancelMaker(task, { force: false, recursive: true }),
    });
    this.#returns = returns;
    const pending = this.#pending;
    const outcomes = new ClientOutcomes({ objects, held, pending, returns });
    this.#outcomes = outcomes;
    const nodeTasks = new ClientNodeTasks({ objects, codec, args, outbox });
    this.#nodeTasks = nodeTasks;
    const calls =
      welcome.words &&
      new OwnCalls(objects.owned, {
        words: welcome.words,
        outbox,
        base,
        settle: (number, outcome) => outcomes.settle(number, outcome),
        moved: (number) => outcomes.move(number),
        lines: {
          byNode: (call, life, mayRestart) => this.#actorCalls.handOn(call, life, mayRestart),
          deposited: (number) => outcomes.deposited(number),
          placed: (actor, life, placed) => this.#actorCalls.place(actor, life, placed),
        },
        deposited: (number, callee, attempt, own) => {
          nodeTasks.explain(number, callee, attempt, own);
          outcomes.move(number);
          objects.refs.made(base + number);
        },
        storedAt: (call, number) => args.hold(call, number),
        byNode: (number, callee, own, parent) => {
          nodeTasks.handOn(number, callee, own, parent);
          outcomes.move(number);
        },
        unsent: (own) => args.dropOwn(own),
        codeId: (code) => codec.codeId(code),
      });
    this.calls = calls;
    this.#actors = new ClientActors({ objects, codec, handles, args, outbox });
    this.#actorCalls = new ClientActorCalls({ objects, args, returns, pending, outbox, calls });
    this.#cancels = new ClientCancels({ objects, returns, outbox, calls, running: () => this.#running });
    const known = {
      owned: objects.owned,
      requests,
      numberOf: (ref: ObjectRef) => objects.numberOf(ref),
    };
    this.#reads = new Reads({
      ...known,
      unpack: (stored) => codec.read(stored),
      keepAlive,
      base,
      refs: objects.refs,
      memory,
      look: (done) => {
        if (options.looks === true) calls!.lookFor(done);
      },
    });
    this.#syncReads = new SyncReads({
      ...known,
      unpack: (stored) => codec.unpack(stored),
      patienceMs: workUntil === undefined ? patienceMilliseconds : 0,
      awaiting: this.awaiting,
      needsOf: (object) => calls?.needsOf(object) ?? [],
      runHere: (number) => this.#running?.run(number) ?? false,
      stop: workUntil ?? ((look, until) => calls!.stop(() => options.receiveNow?.(), look, until)),
    });
  }

  submit(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions): ObjectRef {
    this.#checkOpen();
    const { demand } = options;
    const calls = this.calls;
    const isOrdinary = demand.cpus === unit && demand.gpus === 0 && demand.custom === undefined;
    if (calls === undefined || !isOrdinary || this.#capacity.total.cpus === 0) {
      return this.#submitByNode(code, args, options);
    }
    const packed = this.#arguments.packForBoard(options.name, args);
    if (packed === undefined) return this.#submitByNode(code, args, options);
    const callee = calls.callees.ofFunction(code, options);
    const number = this.#objects.takeNumber();
    this.#arguments.holdNamed(number);
    const ref = this.#objects.open(number);
    const parent = runningTask()?.task ?? 0;
    if (this.#arguments.depend) calls.submit(number, callee, packed, parent);
    else calls.submitValues(number, callee, packed as ResolvedArgument[], parent);
    return ref;
  }

  #submitByNode(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions): ObjectRef {
    this.#checkFeasible(options.name, options.demand);
    return this.#objects.borrow(this.#nodeTasks.submit(code, args, options, 1));
  }

  submitReturning(
    code: RemoteCode,
    args: readonly unknown[],
    options: FilledTaskOptions & { returns: Returns },
  ): ObjectRef[] | ObjectRefGenerator {
    this.#checkFeasible(options.name, options.demand);
    const { returns } = options;
    return this.#returns.give(this.#nodeTasks.submit(code, args, options, objectsOf(returns)), returns);
  }

  createActor(
    code: RemoteCode,
    methods: readonly string[],
    args: readonly unknown[],
    options: FilledActorOptions,
  ): ActorControl {
    this.#checkFeasible(options.className, options.demand);
    return this.#actors.create(code, methods, args, options);
  }

  findActor(name: string, namespace: string | undefined): ActorControl {
    this.#checkOpen();
    return this.#actors.find(name, namespace);
  }

  listActors(everywhere: boolean): ActorName[] {
    this.#checkOpen();
    return this.#actors.list(everywhere);
  }

  call(target: MethodTarget, args: readonly unknown[]): ObjectRef {
    this.#checkOpen();
    return this.#actorCalls.call(target, args);
  }

  callReturning(
    target: MethodTarget & { returns: Returns },
    args: readonly unknown[],
  ): ObjectRef[] | ObjectRefGenerator {
    this.#checkOpen();
    return this.#actorCalls.callReturning(target, args);
  }

  put(value: unknown): ObjectRef {
    this.#checkOpen();
    const packed = this.codec.pack(value, "The value given to put()");
    const isHere = this.calls !== undefined && (isPrimitive(packed) || fitsWords(packed));
    return isHere ? this.#objects.keep(packed) : this.#objects.give(packed);
  }

  get(refs: readonly ObjectRef[], options: GetOptions): Promise<unknown[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    this.pump();
    return this.#reads.get(refs, options);
  }

  getSync(refs: readonly ObjectRef[], options: GetSyncOptions): unknown[] {
    this.#checkOpen();
    return this.#syncReads.get(refs, options);
  }

  async wait(refs: readonly ObjectRef[], options: { numReturns: number } & WaitOptions): Promise<boolean[]> {
    this.#checkOpen();
    const ready = await this.#reads.wait(refs, options);
    this.#checkOpen();
    return ready;
  }

  free(refs: readonly ObjectRef[]): void {
    const { owned } = this.#objects;
    const atNode: ObjectId[] = [];
    for (const ref of refs) {
      const number = this.#objects.numberOf(ref);
      const state = number < 0 ? objectState.none : owned.stateOf(number);
      this.#memory?.forget(ref.id);
      if (state === objectState.none) atNode.push(ref.id);
      else if (state !== objectState.pending) owned.spoil(number, freed(formatObjectId(ref.id)));
      else this.#outcomes.settle(number, { failure: freed(formatObjectId(ref.id)) });
    }
    if (atNode.length > 0) this.#outbox.push({ type: "free", objects: atNode });
  }

  kill(actor: ActorId, restart: boolean): void {
    if (this.#closed !== undefined) return;
    this.calls?.lines.kill(actor, restart);
    this.#outbox.push({ type: "kill", actor, restart });
  }

  cancel(ref: ObjectRef | ObjectRefGenerator, options: Required<CancelOptions>): void {
    this.#cancels.cancel(ref, options);
  }

  /** What a task of this thread submitted is not wanted any more, nor what that submitted. */
  cancelChildren(parent: TaskId): void {
    this.#cancels.cancelChildren(parent);
  }

  nodes(): Promise<readonly NodeInfo[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return this.#requests.nodes();
  }

  async close(): Promise<void> {
    this.disconnected(new RayflightError("UNAVAILABLE", "The session was closed.", { hint: "Start a new one." }));
    await this.#options.close?.();
  }

  /** The other half is gone: everything pending rejects with `reason`, and so does everything from now on. */
  disconnected(reason: RayflightError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.tellUnread();
    this.#requests.close(reason);
    this.#objects.refs.close();
    this.#returns.streams.close(reason);
    this.#handles.close();
    this.calls?.close();
    this.#objects.owned.failPending({ code: reason.code, message: reason.message, hint: "" });
  }

  /** Prints the failures of this thread's tasks that nobody has asked for. */
  tellUnread(): void {
    this.#objects.owned.tellUnread();
  }

  receive(reply: ClientReply): void {
    if (reply.type === "callEnded") this.#pending.ended(reply.task - this.#objects.base);
    if (reply.type === "got") this.take(reply.values);
    if (isAnswer(reply)) this.#requests.receive(reply);
    else if (reply.type === "item" || reply.type === "streamEnd") this.#returns.streams.receive(reply);
    else if (reply.type === "cancelOwn") this.#cancels.cancelOwn(reply.task - this.#objects.base, reply);
    else if (reply.type === "look") this.#look(reply.request);
    else if (reply.type === "collect") void this.#collect(reply.round);
    else if (isAboutMemory(reply)) this.#memory?.receive(reply);
    else this.calls?.receive(reply);
  }

  /** Tells the node which calls of this thread have not ended. */
  #look(request: number): void {
    this.pump();
    const list = new CallList();
    this.calls?.look(list);
    this.#outbox.push({ type: "looked", request, calls: list.numbers });
  }

  async #collect(round: number): Promise<void> {
    await this.tidy();
    this.#outbox.push({ type: "collected", round });
  }

  /** Collects this thread's garbage, and lets go of what that held. */
  async tidy(): Promise<void> {
    this.#objects.owned.seal();
    // What this turn still has goes with the second round. Finalizers run in turns of their own.
    for (let round = 0; round < 2; round++) {
      collectGarbage();
      for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Reads what came for this thread without a message. */
  pump(): void {
    this.calls?.pump();
  }

  /** Calls `work` whenever this thread is rung, after what came was read. */
  onRing(work: () => void): void {
    this.calls?.onRing(work);
  }

  /** From now on calls are kept here that are better run on this thread. */
  keepCalls(local: LocalCalls, running: RunningLocally): void {
    this.calls!.keepIn(local);
    this.#running = running;
  }

  /** Grows whenever somebody on this thread has what it waited for. */
  get answered(): number {
    return this.#objects.owned.answered;
  }

  /** What is this thread's own and not done yet, and the words of shared memory that its calls take; for tests and for people. */
  load(): { objects: number; requests: number; tasks: number; waiting: number; words: number } {
    const { waiting = 0, running = 0, words = 0 } = this.calls?.load() ?? {};
    return { objects: this.#objects.owned.size, requests: this.#reads.waiting, tasks: running, waiting, words };
  }

  /** Values have come from the node for this thread's tasks. */
  take(values: readonly StoredValue[]): void {
    this.#memory?.take(values);
  }

  /** What this thread has read of an object that the node has, if it still has it. */
  find(id: ObjectId): StoredValue | undefined {
    return this.#memory?.find(id);
  }

  /** The arguments of a call, with those that the node has. */
  resolve(args: readonly ResolvedArgument[]): Promise<readonly StoredValue[]> {
    return this.#reads.resolve(args);
  }

  unpack(stored: StoredValue): unknown {
    return this.codec.unpack(stored);
  }

  async fetch(ref: ObjectRef, options: GetOptions): Promise<unknown> {
    return (await this.get([ref], options))[0];
  }

  fetchSync(ref: ObjectRef, options: GetSyncOptions): unknown {
    return this.getSync([ref], options)[0];
  }

  release(ref: ObjectRef): void {
    this.#objects.release(ref);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #checkFeasible(name: string, demand: Demand): void {
    this.#checkOpen();
    checkFeasible(this.#capacity, name, demand);
  }
}
