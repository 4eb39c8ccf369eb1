import { RayflightError } from "../error.js";
import { collectGarbage } from "../store/garbage.js";
import { isShared, packValue, type StoredValue, unpackValue, type ValueCodec } from "../store/value.js";
import { isPrimitive } from "../store/value-survey.js";
import { type ActorControl, createActorHandle, type MethodTarget } from "./actor-handle.js";
import type { Backend, CancelOptions, GetOptions, GetSyncOptions, NodeInfo, Place, WaitOptions } from "./backend.js";
import { CallList } from "./call-list.js";
import { LocalHandles } from "./client-handles.js";
import { LocalRefs } from "./client-refs.js";
import { PendingRequests } from "./client-requests.js";
import { ClientReturns, objectsOf } from "./client-returns.js";
import type { Definition } from "./closures/definition.js";
import { runningTask } from "./context.js";
import { KeepAlive } from "./deadline.js";
import { checkFeasible } from "./feasibility.js";
import { freed } from "./host/requests.js";
import type { CallFacts } from "./journal.js";
import { type ActorRecord, type CodeRegistry, isLive, type LiveRecord, type RemoteCode, toRecord } from "./live.js";
import type { LocalCall, LocalCalls, PublicCalls, RunningLocally } from "./local-calls.js";
import { nameTaken } from "./named-actors.js";
import { formatObjectId, ObjectRef, type RefOwner } from "./object-ref.js";
import { ObjectRefGenerator } from "./object-ref-generator.js";
import type { FilledActorOptions, FilledTaskOptions } from "./options.js";
import type { Outbox } from "./outbox.js";
import type { LineCall } from "./owner/actor-lines.js";
import { Dependency, type OwnArgument } from "./owner/dependency.js";
import { HeldObjects } from "./owner/held-objects.js";
import { type OwnCallee, OwnCalls } from "./owner/own-calls.js";
import { OwnedObjects, objectState } from "./owner/owned-objects.js";
import { PendingCalls } from "./pending-calls.js";
import type { Argument, ClientMessage, ClientReply, Outcome, Welcome } from "./protocol.js";
import { type ActorName, type Answers, askNode, type Question } from "./questions.js";
import { Reads } from "./reads.js";
import type { Returns } from "./returns.js";
import { reviveLive } from "./revive-live.js";
import { type CallArgument, type ResolvedArgument, ResultOf, StoredAt } from "./rings/words.js";
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
  /** Whether `get` looks for a moment before it waits: where no tasks run that others wait for. */
  readonly looks?: boolean;
  /** Takes messages that have come, now: while this thread stops, it does not get to its event loop. */
  receiveNow?(): void;
  /** Instead of stopping the thread: does what there is to do, until `look` says that what is waited for is there, or the time has come. */
  workUntil?(look: () => boolean, until: number): boolean;
  close(): Promise<void>;
}

/**
 * The submitting half of an engine, in the driver and in each worker. What it submits and puts it owns: results of calls
 * that any CPU worker may run come back to it directly, and the node has nothing to do with them. What other threads may
 * refer to, what asks for more than a CPU and what lies in shared memory goes through the node (`TaskHost`).
 */
export class TaskClient implements Backend, RefOwner, CodeRegistry, ValueCodec, PublicCalls {
  readonly kind: Backend["kind"];
  readonly place: Place;
  /** The tasks on this thread that went on after their calls returned; its runners note them. */
  readonly awaiting = new Set<TaskId>();
  readonly #options: ClientOptions;
  readonly #outbox: Outbox<ClientMessage>;
  readonly #capacity: ResourceLedger;
  readonly #keepAlive = new KeepAlive();
  readonly #refs: LocalRefs;
  readonly #handles = new LocalHandles((actor) => this.#letGo(actor));
  readonly #pending = new PendingCalls();
  readonly #requests: PendingRequests;
  readonly #codes = new WeakMap<RemoteCode, CodeId>();
  readonly #owned: OwnedObjects;
  readonly #unread = new UnreadFailures();
  readonly #calls: OwnCalls | undefined;
  readonly #reads: Reads;
  readonly #syncReads: SyncReads;
  readonly #returns: ClientReturns;
  #running: RunningLocally | undefined;
  readonly #held: HeldObjects;
  readonly #memory: SharedMemory | undefined;
  /** What ids of this thread begin with. */
  readonly #base: number;
  #lastNumber = 0;
  #depends = false;
  /** Whether something inside of the arguments that were packed last is counted. */
  #isCounted = false;
  /** What the arguments that were packed last name at the node; own ones were put for them alone. */
  readonly #named: { readonly id: ObjectId; readonly ref: ObjectRef; readonly isOwn: boolean }[] = [];
  #closed: RayflightError | undefined;

  constructor(options: ClientOptions) {
    this.kind = options.kind;
    this.place = options.welcome.place;
    this.#options = options;
    this.#outbox = options.outbox;
    this.#capacity = new ResourceLedger(options.welcome.total);
    this.#refs = new LocalRefs(options.outbox);
    this.#requests = new PendingRequests(options.outbox, this.#keepAlive);
    this.#base = options.welcome.client * 2 ** 32;
    this.#owned = new OwnedObjects(
      (number) => this.#refs.drop(this.#base + number),
      (failure) => this.#unread.report(failure),
    );
    this.#held = new HeldObjects(this.#refs);
    this.#reads = new Reads({
      owned: this.#owned,
      requests: this.#requests,
      keepAlive: this.#keepAlive,
      base: this.#base,
      numberOf: (ref) => this.#privateNumber(ref),
      unpack: (stored) => this.unpack(stored),
      find: (id) => this.find(id),
      came: (ids, values) => {
        ids.forEach((id, i) => {
          this.#refs.made(id);
          this.#memory?.keep(id, values[i]);
        });
      },
      look: (done) => {
        if (options.looks === true) this.#calls!.lookFor(done);
      },
    });
    const { workUntil } = options;
    this.#syncReads = new SyncReads({
      owned: this.#owned,
      requests: this.#requests,
      patienceMs: workUntil === undefined ? patienceMilliseconds : 0,
      awaiting: this.awaiting,
      needsOf: (object) => this.#needsOf(object),
      numberOf: (ref) => this.#privateNumber(ref),
      unpack: (stored) => this.unpack(stored),
      runHere: (number) => this.#running?.run(number) ?? false,
      stop: workUntil ?? ((look, until) => this.#stop(look, until)),
    });
    const borrow = (id: ObjectId) => this.#borrow(id);
    this.#returns = new ClientReturns({ outbox: options.outbox, keepAlive: this.#keepAlive, borrow });
    if (options.welcome.words === undefined) return;
    this.#memory = new SharedMemory(options.welcome.words, this.#outbox);
    this.#calls = new OwnCalls(this.#owned, {
      words: options.welcome.words,
      outbox: this.#outbox,
      base: this.#base,
      settle: (number, outcome) => this.#settle(number, outcome),
      moved: (number) => this.#move(number),
      lines: {
        byNode: (call, life, mayRestart) => this.#callByNode(call, life, mayRestart),
        deposited: (number) => {
          this.#pending.ended(number);
          this.#move(number);
        },
        placed: (actor, life, calls) => {
          const places = calls.map(({ number, sequence }) => [this.#base + number, sequence] as const);
          this.#outbox.push({ type: "placed", actor, life, calls: places });
        },
      },
      deposited: (number, callee, attempt, args) => this.#deposited(number, callee, attempt, args),
      storedAt: (call, number) => {
        this.#held.hold(call, [this.#base + number]);
        return new StoredAt(this.#base + number);
      },
      byNode: (number, callee, args) => this.#handOn(number, callee, args),
      unsent: (args) => this.#dropOwn(args),
      codeId: (code) => this.codeId(code),
    });
  }

  submit(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions): ObjectRef {
    this.#checkOpen();
    const { demand } = options;
    const calls = this.#calls;
    const isOrdinary = demand.cpus === unit && demand.gpus === 0 && demand.custom === undefined;
    if (calls === undefined || !isOrdinary || this.#capacity.total.cpus === 0) {
      return this.#submitByNode(code, args, options);
    }
    const stored = this.#packOwn(options.name, args);
    if (stored === undefined) return this.#submitByNode(code, args, options);
    const callee = calls.calleeOf(code, options);
    const number = ++this.#lastNumber;
    if (this.#named.length > 0) this.#holdNamed(number);
    const token = this.#owned.add(number);
    const parent = runningTask()?.task ?? 0;
    if (this.#depends) calls.submit(number, callee, stored, parent);
    else calls.submitValues(number, callee, stored as ResolvedArgument[], parent);
    return new ObjectRef(this.#base + number, this, token);
  }

  submitReturning(
    code: RemoteCode,
    args: readonly unknown[],
    options: FilledTaskOptions & { returns: Returns },
  ): ObjectRef[] | ObjectRefGenerator {
    this.#checkFeasible(options.name, options.demand);
    const { returns } = options;
    return this.#returns.give(this.#base + this.#pushSubmit(code, args, options, objectsOf(returns)), returns);
  }

  createActor(
    code: RemoteCode,
    methods: readonly string[],
    args: readonly unknown[],
    options: FilledActorOptions,
  ): ActorControl {
    const { className, name, namespace, demand, maxRestarts, shared, detached } = options;
    this.#checkFeasible(className, demand);
    const message = { code: this.codeId(code), className, args: this.#packArguments(className, args) };
    const actor = this.#base + ++this.#lastNumber;
    const { maxTaskRetries, maxPendingCalls, concurrencyGroups } = options;
    const groups = Object.keys(concurrencyGroups);
    const calls = { maxTaskRetries, maxPendingCalls, groups, methods: options.methods };
    const handle: ActorRecord = { kind: "actor", actor, className, methods, calls };
    if (name !== undefined) {
      const holder = this.#ask({ kind: "claim", name, namespace, handle });
      if (holder !== null && options.getIfExists) return this.#adopt(holder);
      if (holder !== null) throw nameTaken(name, namespace);
    }
    const parent = runningTask()?.task;
    const limits = [options.maxConcurrency, ...Object.values(concurrencyGroups)];
    const traits = { limits, maxRestarts, shared, detached };
    this.#outbox.push({ type: "create", actor, ...message, demand, ...traits, parent });
    this.#dropNamed();
    return this.#adopt(handle);
  }

  findActor(name: string, namespace: string | undefined): ActorControl {
    const found = this.#ask({ kind: "find", name, namespace });
    if (found !== null) return this.#adopt(found);
    throw new RayflightError("NOT_FOUND", `There is no actor with the name ${JSON.stringify(name)}.`, {
      hint: "Look at listNamedActors({ allNamespaces: true }); the name of an actor is free again when it is dead.",
    });
  }

  listActors(everywhere: boolean): ActorName[] {
    return this.#ask({ kind: "list", everywhere });
  }

  call(target: MethodTarget, args: readonly unknown[]): ObjectRef {
    this.#checkOpen();
    const calls = this.#calls;
    if (target.maxPendingCalls > 0) this.#pending.check(target);
    if (calls === undefined) {
      const ref = this.#borrow(this.#callByMessage(target, args, 1));
      this.#returns.noteActor(ref);
      return ref;
    }
    const call = this.#lineCall(calls, target, args, 1);
    const { number } = call;
    const token = this.#owned.add(number);
    calls.lines.call(call);
    return new ObjectRef(this.#base + number, this, token);
  }

  callReturning(
    target: MethodTarget & { returns: Returns },
    args: readonly unknown[],
  ): ObjectRef[] | ObjectRefGenerator {
    this.#checkOpen();
    const calls = this.#calls;
    const count = objectsOf(target.returns);
    if (target.maxPendingCalls > 0) this.#pending.check(target);
    if (calls === undefined) return this.#returns.giveOfActor(this.#callByMessage(target, args, count), target.returns);
    const call = this.#lineCall(calls, target, args, count);
    const numbers = Array.from({ length: count }, (_, i) => call.number + i);
    for (const number of numbers) {
      this.#owned.add(number);
      this.#shareNumber(number);
    }
    const returned = this.#returns.giveOfActor(this.#base + call.number, target.returns);
    this.#returns.hold(call.number, count);
    calls.lines.call(call);
    // They are asked for at the node: this thread keeps them only until it has told the node of them.
    for (const number of numbers) this.#owned.release(number);
    return returned;
  }

  /** A call that makes so many objects, numbered from its own number on. */
  #lineCall(calls: OwnCalls, target: MethodTarget, args: readonly unknown[], objects: number): LineCall {
    const { actor, method, group, maxTaskRetries, maxPendingCalls, returns } = target;
    const { callee, name } = calls.methodOf(target);
    // First, as packing may give numbers.
    const own = this.#packForLine(name, args);
    const number = this.#lastNumber + 1;
    this.#lastNumber += objects;
    if (maxPendingCalls > 0) this.#pending.begin(number, actor);
    return {
      actor,
      number,
      callee,
      name,
      method,
      group,
      args: own,
      origin: this.#isCounted ? args : undefined,
      parent: runningTask()?.task ?? 0,
      submitted: calls.now,
      retriesLeft: maxTaskRetries,
      attempt: 0,
      sequence: -1,
      returns,
    };
  }

  /** Calls where there are no lines; returns the task. */
  #callByMessage(target: MethodTarget, args: readonly unknown[], objects: number): TaskId {
    const { actor, method, name, group, maxTaskRetries, maxPendingCalls, returns } = target;
    const packed = this.#packArguments(name, args);
    const number = this.#lastNumber + 1;
    const task = this.#base + number;
    this.#lastNumber += objects;
    const tell = maxPendingCalls > 0;
    if (tell) this.#pending.begin(number, actor);
    const parent = runningTask()?.task;
    const what = { task, actor, name, method, group, args: packed, returns };
    this.#outbox.push({ type: "call", ...what, maxTaskRetries, tell, parent });
    this.#dropNamed();
    return task;
  }

  put(value: unknown): ObjectRef {
    this.#checkOpen();
    const packed = packValue(value, this, "The value given to put()");
    if (this.#calls === undefined || (!isPrimitive(packed) && !this.#calls.mayTravel(packed))) {
      return this.#putByNode(packed);
    }
    const number = ++this.#lastNumber;
    const token = this.#owned.add(number);
    this.#owned.settle(number, objectState.value, packed);
    return new ObjectRef(this.#base + number, this, token);
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
    const objects: ObjectId[] = [];
    for (const ref of refs) {
      const number = this.#privateNumber(ref);
      const state = number < 0 ? objectState.none : this.#owned.stateOf(number);
      this.#memory?.forget(ref.id);
      if (state === objectState.none) objects.push(ref.id);
      else if (state !== objectState.pending) this.#owned.spoil(number, freed(formatObjectId(ref.id)));
      else this.#settle(number, { failure: freed(formatObjectId(ref.id)) });
    }
    if (objects.length > 0) this.#outbox.push({ type: "free", objects });
  }

  kill(actor: ActorId, restart: boolean): void {
    this.#calls?.lines.kill(actor, restart);
    this.#outbox.push({ type: "kill", actor, restart });
  }

  cancel(ref: ObjectRef | ObjectRefGenerator, options: Required<CancelOptions>): void {
    const isPrivate = ref instanceof ObjectRef && ref.isFirst;
    if (options.force && (this.#returns.isOfActor(ref) || (isPrivate && this.#calls!.lines.has(ref.id - this.#base)))) {
      throw new RayflightError("INVALID_ARGUMENT", "cancel() got force for a call of an actor.", {
        hint: "Leave it out, or end the actor by kill().",
      });
    }
    if (ref instanceof ObjectRefGenerator) this.#outbox.push({ type: "cancel", task: ref.task, ...options });
    else {
      const number = this.#privateNumber(ref);
      if (number < 0) this.#outbox.push({ type: "cancel", task: ref.id, ...options });
      else this.#cancelOwn(number, options);
    }
  }

  /** What a task of this thread submitted is not wanted any more, nor what that submitted. */
  cancelChildren(parent: TaskId): void {
    for (const number of this.#calls?.childrenOf(parent) ?? []) {
      this.#cancelOwn(number, { force: false, recursive: true });
    }
    this.#running?.cancelChildren(parent);
  }

  #cancelOwn(number: number, options: Required<CancelOptions>): void {
    if (this.#owned.stateOf(number) !== objectState.pending) return;
    const task = this.#base + number;
    const actor = this.#calls!.lines.cancel(number);
    if (actor === true) return;
    if (actor !== undefined) {
      this.#outbox.push({ type: "cancel", task, ...options, force: false, actor });
      return;
    }
    if (this.#calls!.cancel(number)) return;
    this.#running?.cancel(task, options.recursive);
    if (this.#owned.stateOf(number) === objectState.pending) this.#outbox.push({ type: "cancel", task, ...options });
  }

  nodes(): Promise<readonly NodeInfo[]> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    return this.#requests.nodes();
  }

  async close(): Promise<void> {
    this.disconnected(new RayflightError("UNAVAILABLE", "The session was closed.", { hint: "Start a new one." }));
    await this.#options.close();
  }

  /** The other half is gone: everything pending rejects with `reason`, and so does everything from now on. */
  disconnected(reason: RayflightError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    this.tellUnread();
    this.#requests.close(reason);
    this.#refs.close();
    this.#returns.streams.close(reason);
    this.#handles.close();
    this.#calls?.close();
    this.#owned.failPending({ code: reason.code, message: reason.message, hint: "" });
  }

  /** Prints the failures of this thread's tasks that nobody has asked for. */
  tellUnread(): void {
    this.#owned.tellUnread();
  }

  receive(reply: ClientReply): void {
    if (reply.type === "callEnded") this.#pending.ended(reply.task - this.#base);
    if (reply.type === "got") {
      this.take(reply.values);
      this.#requests.resolve(reply.request, reply.values);
    } else if (reply.type === "waited") this.#requests.resolve(reply.request, reply.ready);
    else if (reply.type === "nodes") this.#requests.resolve(reply.request, reply.nodes);
    else if (reply.type === "item" || reply.type === "streamEnd") this.#returns.streams.receive(reply);
    else if (reply.type === "cancelOwn") this.#cancelOwn(reply.task - this.#base, reply);
    else if (reply.type === "look") this.#look(reply.request);
    else if (reply.type === "failed") this.#requests.fail(reply.request, reply.failure);
    else if (reply.type === "collect") void this.tidy().then(() => this.#outbox.push({ type: "collected" }));
    else if (isAboutMemory(reply)) this.#memory?.receive(reply);
    else this.#calls?.receive(reply);
  }

  /** Tells the node which calls of this thread have not ended. */
  #look(request: number): void {
    this.pump();
    const list = new CallList();
    this.#calls?.look(list);
    this.#outbox.push({ type: "looked", request, calls: list.numbers });
  }

  /** Collects this thread's garbage, and lets go of what that held. */
  async tidy(): Promise<void> {
    this.#owned.seal();
    // What this turn still has goes with the second round. Finalizers run in turns of their own.
    for (let round = 0; round < 2; round++) {
      collectGarbage();
      for (let i = 0; i < 2; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Reads what came for this thread without a message. */
  pump(): void {
    this.#calls?.pump();
  }

  /** Calls `work` whenever this thread is rung, after what came was read. */
  onRing(work: () => void): void {
    this.#calls?.onRing(work);
  }

  /** From now on calls are kept here that are better run on this thread. */
  keepCalls(local: LocalCalls, running: RunningLocally): void {
    this.#calls!.keepIn(local);
    this.#running = running;
  }

  /** Takes a call back from this thread's board that nobody has taken, if its callee is accepted. */
  takeBack(
    number: number,
    accepts: (callee: number) => boolean,
  ): (CallFacts & { args: ResolvedArgument[] }) | undefined {
    return this.#calls!.takeBack(number, accepts);
  }

  /** The objects that the call waits for that makes this one, as far as it is this thread's. */
  #needsOf(object: ObjectId): readonly ObjectId[] {
    const number = object - this.#base;
    if (this.#calls === undefined || number < 0 || number >= 2 ** 32) return [];
    return this.#calls.needsOf(number).map((needed) => this.#base + needed);
  }

  /** Shows others now what was submitted in this turn. */
  flush(): void {
    this.#calls?.flush();
  }

  nameOf(callee: number): string {
    return this.#calls!.nameOf(callee);
  }

  /** The code of a function, as this thread's calls name it. */
  codeOf(callee: number): CodeId | undefined {
    return this.#calls!.codeOf(callee);
  }

  putUp(call: LocalCall): void {
    this.#calls!.putUp(call);
  }

  get someoneIdles(): boolean {
    return this.#calls!.someoneIdles;
  }

  /** A kept call has ended; without an outcome, that is with the node. */
  answer(call: LocalCall, outcome: Outcome | undefined): void {
    const { number } = call;
    if (outcome !== undefined && "failure" in outcome && this.#calls!.retry(call)) return;
    if (outcome === undefined) this.#calls!.leave(call);
    else this.#settle(number, outcome);
  }

  /** Grows whenever somebody on this thread has what it waited for. */
  get answered(): number {
    return this.#owned.answered;
  }

  /** What is this thread's own and not done yet, and the words of shared memory that its calls take; for tests and for people. */
  load(): { objects: number; requests: number; tasks: number; waiting: number; words: number } {
    const { waiting = 0, running = 0, words = 0 } = this.#calls?.load() ?? {};
    return { objects: this.#owned.size, requests: this.#reads.waiting, tasks: running, waiting, words };
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
  async resolve(args: readonly ResolvedArgument[]): Promise<readonly StoredValue[]> {
    const ids = args.flatMap((argument) => (argument instanceof StoredAt ? [argument.object] : []));
    const values = await this.#reads.read(ids);
    let next = 0;
    return args.map((argument) => (argument instanceof StoredAt ? values[next++] : argument));
  }

  allocate(bytes: number): SharedArrayBuffer {
    return this.#memory?.allocate(bytes) ?? new SharedArrayBuffer(bytes);
  }

  isStored(buffer: SharedArrayBuffer): boolean {
    return this.#memory?.has(buffer) ?? false;
  }

  unpack(stored: StoredValue): unknown {
    return isPrimitive(stored) ? stored : unpackValue(stored, this);
  }

  async fetch(ref: ObjectRef, options: GetOptions): Promise<unknown> {
    return (await this.get([ref], options))[0];
  }

  fetchSync(ref: ObjectRef, options: GetSyncOptions): unknown {
    return this.getSync([ref], options)[0];
  }

  release(ref: ObjectRef): void {
    if (ref.isFirst) this.#owned.release(ref.id - this.#base);
    else this.#refs.release(ref);
  }

  codeId(code: RemoteCode): CodeId {
    const known = this.#codes.get(code);
    if (known !== undefined) return known;
    const id = this.#base + ++this.#lastNumber;
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
    if (object instanceof ObjectRef) this.#share(object);
    return object[toRecord](this);
  }

  /** Makes a handle of an actor that the node knows, or is told of in this turn, to be this thread's. */
  #adopt(record: ActorRecord): ActorControl {
    const handle = createActorHandle(record);
    this.#handles.add(handle, record.actor);
    return handle;
  }

  #ask<K extends Question["kind"]>(question: Extract<Question, { kind: K }>): Answers[K] {
    this.#checkOpen();
    return askNode<K>(question, (asked, answer) => {
      this.#outbox.push({ type: "ask", question: asked, answer });
      this.#outbox.flush();
    });
  }

  /** The last handle of an actor is gone from this thread. */
  #letGo(actor: ActorId): void {
    const tell = () => {
      if (this.#closed === undefined && !this.#handles.has(actor)) {
        this.#outbox.push({ type: "release", objects: [actor] });
      }
    };
    if (this.#calls === undefined) tell();
    else this.#calls.lines.whenIdle(actor, tell);
  }

  fromHandle(record: LiveRecord): object {
    if (record.kind === "ref") {
      this.#outbox.push({ type: "hold", objects: [record.object] });
      return this.#borrow(record.object);
    }
    if (record.kind === "actor") {
      this.#outbox.push({ type: "hold", objects: [record.actor] });
      return this.#adopt(record);
    }
    return reviveLive(record, (code, id) => this.#codes.set(code, id));
  }

  /** A reference to an object that the node has. */
  #borrow(id: ObjectId): ObjectRef {
    const ref = new ObjectRef(id, this);
    this.#refs.add(ref);
    return ref;
  }

  /** The number of an object that this thread owns and the node has not; -1 for any other. Throws for one that was released. */
  #privateNumber(ref: ObjectRef): number {
    if (!ref.belongsTo(this)) {
      throw new RayflightError("FAILED_PRECONDITION", `${ref} belongs to another session.`, {
        hint: "Use a reference in the session that made it.",
      });
    }
    if (ref.isFirst) {
      const number = ref.id - this.#base;
      if (!this.#owned.isReleased(number)) return this.#owned.stateOf(number) === objectState.away ? -1 : number;
    } else if (this.#refs.holds(ref)) return -1;
    throw new RayflightError("OBJECT_FREED", `${ref} was released.`, {
      hint: "Use it before its `using` scope ends.",
    });
  }

  /** The id of an object that the node has from now on. */
  #share(ref: ObjectRef): ObjectId {
    const number = this.#privateNumber(ref);
    if (number >= 0) this.#shareNumber(number);
    return ref.id;
  }

  #shareNumber(number: number): void {
    const state = this.#owned.stateOf(number);
    if (this.#owned.isShared(number) || state === objectState.none || state === objectState.away) return;
    const object = this.#base + number;
    this.#refs.count(object);
    this.#outbox.push({ type: "share", object, outcome: this.#outcomeOf(number) });
    this.#owned.share(number);
  }

  /** A result has come for a pending object, or it is clear that none will. */
  #settle(number: number, outcome: Outcome): void {
    if (this.#pending.size > 0) this.#pending.ended(number);
    const parts = this.#returns.holds ? this.#returns.letGo(number) : undefined;
    if (parts !== undefined) {
      // It was refused: what goes by the node is settled there.
      for (const part of parts) this.#settle(part, outcome);
      this.#returns.streams.receive({ type: "streamEnd", task: this.#base + number, failed: true });
    }
    this.#held.ended(number);
    const isShared = this.#owned.isShared(number);
    const settled =
      "value" in outcome
        ? this.#owned.settle(number, objectState.value, outcome.value)
        : this.#owned.settle(number, objectState.failure, outcome.failure);
    if (!settled || !isShared) return;
    this.#outbox.push({ type: "share", object: this.#base + number, outcome });
    this.#owned.handOver(number);
  }

  /** The outcome of a pending object is with the node, or will be. */
  #move(number: number): void {
    for (const part of (this.#returns.holds && this.#returns.letGo(number)) || []) this.#move(part);
    if (!this.#owned.isShared(number)) {
      this.#refs.count(this.#base + number);
      this.#outbox.push({ type: "share", object: this.#base + number, outcome: undefined });
    }
    this.#owned.settle(number, objectState.away, undefined);
    this.#held.ended(number);
  }

  /** The node has the result of a call from here; should it lose that, it can run the call again. */
  #deposited(
    number: number,
    { code, options }: OwnCallee,
    attempt: number,
    own: readonly (CallArgument | Dependency)[],
  ): void {
    const { name, demand, maxRetries, retryExceptions } = options;
    if (maxRetries < 0 || attempt <= maxRetries) {
      const args = own.map((argument) =>
        this.#asReference(argument instanceof ResultOf ? new Dependency(argument.number) : argument),
      );
      const left = maxRetries < 0 ? maxRetries : maxRetries - attempt + 1;
      const task = this.#base + number;
      const call = { task, code: this.codeId(code), name, args, demand, maxRetries: left, retryExceptions };
      this.#outbox.push({ type: "lineage", call });
    }
    this.#move(number);
    this.#refs.made(this.#base + number);
  }

  /** Gives the node a value that lies in shared memory, or that must be counted there. */
  #putByNode(value: StoredValue): ObjectRef {
    const object = this.#base + ++this.#lastNumber;
    this.#outbox.push({ type: "put", object, value });
    const ref = this.#borrow(object);
    this.#refs.made(object);
    return ref;
  }

  /** Objects that the arguments name which were packed last are held until the call with this number has ended. */
  #holdNamed(call: number): void {
    const named = this.#named.splice(0);
    this.#held.hold(
      call,
      named.map(({ id }) => id),
    );
    for (const { isOwn, ref } of named) if (isOwn) this.#refs.release(ref);
  }

  #outcomeOf(number: number): Outcome | undefined {
    const state = this.#owned.stateOf(number);
    if (state === objectState.value) return { value: this.#owned.valueOf(number) };
    return state === objectState.failure ? { failure: this.#owned.failureOf(number) } : undefined;
  }

  /**
   * The arguments of a call for a board, and whether one is a `Dependency` (`#depends`); undefined when it must go through
   * the node.
   */
  #packOwn(name: string, args: readonly unknown[]): OwnArgument[] | undefined {
    const stored = new Array<OwnArgument>(args.length);
    this.#dropNamed();
    this.#depends = false;
    for (let i = 0; i < args.length; i++) {
      const argument = args[i];
      if (isPrimitive(argument)) stored[i] = argument;
      else if (argument instanceof ObjectRef) {
        const number = this.#privateNumber(argument);
        if (number < 0) {
          if (!this.#refs.isMade(argument.id)) return undefined;
          this.#named.push({ id: argument.id, ref: argument, isOwn: false });
          stored[i] = new StoredAt(argument.id);
        } else if (this.#owned.stateOf(number) === objectState.value) stored[i] = this.#owned.valueOf(number);
        else {
          stored[i] = new Dependency(number);
          this.#depends = true;
        }
      } else {
        const packed = packValue(argument, this, `Argument ${i + 1} of ${name}`);
        if (isPrimitive(packed) || this.#calls!.mayTravel(packed)) stored[i] = packed;
        else if (isShared(packed)) {
          const ref = this.#putByNode(packed);
          this.#named.push({ id: ref.id, ref, isOwn: true });
          stored[i] = new StoredAt(ref.id);
        } else return undefined;
      }
    }
    return stored;
  }

  /** A call of this thread goes through the node after all: something that it needs is there. */
  #handOn(number: number, { code, options }: OwnCallee, own: readonly OwnArgument[]): void {
    const { name, demand, maxRetries, retryExceptions } = options;
    const args = own.map((argument) => this.#asReference(argument));
    const task = this.#base + number;
    const message = { code: this.codeId(code), name, args, demand, maxRetries, retryExceptions };
    this.#outbox.push({ type: "submit", task, ...message, parent: undefined });
    this.#move(number);
  }

  /** The arguments of a call of a method. What only the node can bring stays a dependency. */
  #packForLine(name: string, args: readonly unknown[]): OwnArgument[] {
    this.#isCounted = false;
    return args.map((argument, i) => {
      if (isPrimitive(argument)) return argument;
      if (!(argument instanceof ObjectRef)) {
        const packed = packValue(argument, this, `Argument ${i + 1} of ${name}`);
        this.#isCounted ||= !isPrimitive(packed) && packed.handles !== undefined;
        return isPrimitive(packed) || !isShared(packed) ? packed : new Dependency(-1, this.#putByNode(packed), true);
      }
      const number = this.#privateNumber(argument);
      if (number < 0) return new Dependency(-1, argument);
      return this.#owned.stateOf(number) === objectState.value
        ? this.#owned.valueOf(number)
        : new Dependency(number, argument);
    });
  }

  #callByNode(call: LineCall, life: number, mayRestart: boolean): void {
    const { actor, number, name, method, group, args, retriesLeft: maxTaskRetries, sequence, returns } = call;
    const packed = args.map((argument) => this.#asReference(argument));
    const parent = call.parent || undefined;
    const tell = mayRestart || this.#pending.has(number);
    const task = this.#base + number;
    const place = { life, sequence };
    const what = { task, actor, name, method, group, args: packed, returns };
    this.#outbox.push({ type: "call", ...what, maxTaskRetries, tell, parent, place });
    this.#dropOwn(args);
  }

  /** A call is sent, or will never be: what was put for it alone is the node's affair. */
  #dropOwn(args: readonly OwnArgument[]): void {
    for (const argument of args)
      if (argument instanceof Dependency && argument.isOwn) this.#refs.release(argument.ref!);
  }

  #asReference(argument: OwnArgument): Argument {
    if (argument instanceof StoredAt) return { ref: argument.object };
    if (!(argument instanceof Dependency)) return argument;
    if (argument.number < 0) return { ref: argument.ref!.id };
    this.#shareNumber(argument.number);
    return { ref: this.#base + argument.number };
  }

  #submitByNode(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions): ObjectRef {
    this.#checkFeasible(options.name, options.demand);
    return this.#borrow(this.#base + this.#pushSubmit(code, args, options, 1));
  }

  /** Submits through the node; returns the number of the first of its objects. */
  #pushSubmit(code: RemoteCode, args: readonly unknown[], options: FilledTaskOptions, objects: number): number {
    const { name, demand, maxRetries, retryExceptions, returns } = options;
    const packed = this.#packArguments(name, args);
    const message = { code: this.codeId(code), name, args: packed, demand, maxRetries, retryExceptions, returns };
    const number = this.#lastNumber + 1;
    this.#lastNumber += objects;
    this.#outbox.push({ type: "submit", task: this.#base + number, ...message, parent: runningTask()?.task });
    this.#dropNamed();
    return number;
  }

  #packArguments(name: string, args: readonly unknown[]): Argument[] {
    this.#dropNamed();
    return args.map((argument, i) => {
      if (argument instanceof ObjectRef) return { ref: this.#share(argument) };
      const packed = packValue(argument, this, `Argument ${i + 1} of ${name}`);
      if (isPrimitive(packed) || !isShared(packed)) return packed;
      const ref = this.#putByNode(packed);
      this.#named.push({ id: ref.id, ref, isOwn: true });
      return { ref: ref.id };
    });
  }

  /** What was put for arguments is the node's affair: their call is sent, or never will be. */
  #dropNamed(): void {
    for (const { ref, isOwn } of this.#named.splice(0)) if (isOwn) this.#refs.release(ref);
  }

  #stop(look: () => boolean, until: number): boolean {
    const calls = this.#calls!;
    return calls.stop(() => {
      this.#options.receiveNow?.();
      calls.pump();
      calls.flush();
      this.#outbox.flush();
      return look();
    }, until);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #checkFeasible(name: string, demand: Demand): void {
    this.#checkOpen();
    checkFeasible(this.#capacity, name, demand);
  }
}
