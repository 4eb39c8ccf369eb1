import type { TaskRow } from "../../control/index.js";
import { formatObjectId } from "../object-ref.js";
import type { ClientMessage } from "../protocol.js";
import { beganAt } from "../rings/began.js";
import { acceptedWord, Bell, createThreadWords } from "../rings/bell.js";
import { type BoardMemory, countUsed, hasWaiting, lookAtBoard } from "../rings/board.js";
import { PermitOffice } from "../rings/permit.js";
import { attemptOf, calleeOf, numberOf, parentOf, submittedOf } from "../rings/records.js";
import { createRing } from "../rings/ring.js";
import type { ActorId, ClientId, CodeId, TaskId, WorkerId } from "../scheduler/events.js";
import { unit } from "../scheduler/resources.js";
import { formatWorkerId } from "./changed-rows.js";
import type { Outgoing } from "./outgoing.js";

/** Words of a ring that carries results from one worker to one owner. */
const resultWords = 1 << 16;

/** What an owner's calls name by a number. */
export interface CalleeRecord {
  /** Absent for methods. */
  readonly code: CodeId | undefined;
  readonly name: string;
  /** Of a method of one shared actor. */
  readonly actor: ActorId | undefined;
  /** How often its calls are tried again when they throw; -1 for ever. */
  readonly retries: number;
}

/** Introduces threads to each other: whoever has a board, and the CPU workers that claim from it. */
export class BoardTable {
  readonly #outgoing: Outgoing;
  readonly #words = new Map<ClientId, SharedArrayBuffer>();
  readonly #boards = new Map<ClientId, BoardMemory>();
  readonly #permits = new Map<WorkerId, PermitOffice>();
  readonly #callees = new Map<ClientId, CalleeRecord[]>();
  /** Who has rings to a thread of shared actors. */
  readonly #linked = new Map<WorkerId, Set<ClientId>>();
  /** Who asked for a callee that was not told yet. */
  readonly #asking = new Map<string, WorkerId[]>();
  readonly #define: (worker: WorkerId, code: CodeId) => void;

  /** `define` sends a worker the definition of code that it does not have yet. */
  constructor(outgoing: Outgoing, define: (worker: WorkerId, code: CodeId) => void) {
    this.#outgoing = outgoing;
    this.#define = define;
  }

  /** A thread that can submit; returns its words. */
  addClient(client: ClientId): SharedArrayBuffer {
    const words = createThreadWords();
    this.#words.set(client, words);
    return words;
  }

  /** Tells a thread that so much of the shared memory it sent was counted. */
  accept(client: ClientId, bytes: number): void {
    const words = this.#words.get(client);
    if (words === undefined) return;
    const counted = new Int32Array(words);
    Atomics.add(counted, acceptedWord, Math.ceil(bytes / 1024));
    Atomics.notify(counted, acceptedWord);
  }

  /** A thread that runs calls from boards. */
  addClaimer(worker: WorkerId): void {
    this.#permits.set(worker, new PermitOffice(this.#words.get(worker)!));
    for (const owner of this.#boards.keys()) this.#introduce(worker, owner);
  }

  addBoard(owner: ClientId, memory: BoardMemory): void {
    if (this.#boards.has(owner) || !this.#words.has(owner)) return;
    this.#boards.set(owner, memory);
    for (const worker of this.#permits.keys()) this.#introduce(worker, owner);
  }

  /** A thread has ended. */
  remove(client: ClientId, reason: string, onPurpose = false): void {
    this.#words.delete(client);
    // It may have ended on its way to wake somebody.
    for (const words of this.#words.values()) new Bell(words).wake();
    for (const caller of this.#linked.get(client) ?? []) {
      this.#outgoing.push(caller, { type: "ended", worker: client, reason, onPurpose });
    }
    this.#linked.delete(client);
    for (const callers of this.#linked.values()) callers.delete(client);
    for (const key of this.#asking.keys()) if (key.startsWith(`${client}:`)) this.#asking.delete(key);
    const claimed = this.#permits.delete(client);
    if (this.#boards.delete(client)) {
      for (const worker of this.#permits.keys()) this.#outgoing.push(worker, { type: "disclaim", owner: client });
    }
    if (!claimed) return;
    for (const owner of this.#boards.keys()) {
      this.#outgoing.push(owner, { type: "ended", worker: client, reason, onPurpose });
    }
  }

  /** The thread's words; undefined when it has ended. */
  wordsOf(client: ClientId): SharedArrayBuffer | undefined {
    return this.#words.get(client);
  }

  /** Notes that a caller has rings to a thread; returns whether it had none. */
  link(caller: ClientId, worker: WorkerId): boolean {
    const callers = this.#linked.get(worker) ?? new Set();
    this.#linked.set(worker, callers);
    return callers.size < callers.add(caller).size;
  }

  /** Whether the thread is there. */
  has(client: ClientId): boolean {
    return this.#words.has(client);
  }

  /** All threads that can submit. */
  get clients(): ClientId[] {
    return [...this.#words.keys()];
  }

  /** Lets a worker take calls; returns false for a turn when there is none to take. */
  permit(worker: WorkerId, milliseconds?: number): boolean {
    if (milliseconds !== undefined && ![...this.#boards.values()].some(hasWaiting)) return false;
    this.#permits.get(worker)?.grant(milliseconds);
    this.#ring(worker);
    return true;
  }

  /** Returns whether the worker is at rest already. */
  revoke(worker: WorkerId): boolean {
    return this.#permits.get(worker)?.revoke() ?? false;
  }

  /** A worker says that it parked; returns whether that is about its newest permit. */
  parked(worker: WorkerId, permit: number): boolean {
    this.wakeIdle();
    return this.#permits.get(worker)?.isNewest(permit) ?? false;
  }

  /** A worker may have been woken for a call that it did not take: the others that have nothing to do look. */
  wakeIdle(): void {
    for (const [worker, permit] of this.#permits) if (permit.idle) this.#ring(worker);
  }

  /** The worker that runs a call from a board. */
  workerOf(task: TaskId): WorkerId | undefined {
    const memory = this.#boards.get(Math.floor(task / 2 ** 32));
    if (memory === undefined) return undefined;
    const words = new Int32Array(memory.area);
    for (const { at, worker } of lookAtBoard(memory)) if (numberOf(words, at) === task % 2 ** 32) return worker;
    return undefined;
  }

  /** The calls on boards that a task submitted, with the workers that have them. */
  *childrenOf(parent: TaskId): Iterable<{ readonly task: TaskId; readonly worker: WorkerId | undefined }> {
    for (const [owner, memory] of this.#boards) {
      const words = new Int32Array(memory.area);
      for (const { at, worker } of lookAtBoard(memory)) {
        if (parentOf(words, at) === parent) yield { task: owner * 2 ** 32 + numberOf(words, at), worker };
      }
    }
  }

  /** The rows of the calls that are on boards, or on that of one owner. */
  *rows(only?: ClientId): Iterable<TaskRow> {
    for (const [owner, memory] of this.#boards) {
      if (only !== undefined && only !== owner) continue;
      const words = new Int32Array(memory.area);
      for (const { at, worker, running } of lookAtBoard(memory)) {
        const parent = parentOf(words, at);
        const attempt = attemptOf(words, at);
        yield {
          id: formatObjectId(owner * 2 ** 32 + numberOf(words, at)),
          name: this.nameOf(owner, calleeOf(words, at)),
          kind: "task",
          state: running ? "running" : "pending",
          parent: parent === 0 ? null : formatObjectId(parent),
          actor: null,
          worker: worker === undefined ? null : formatWorkerId(worker),
          attempt: running ? attempt : attempt - 1,
          submittedAt: submittedOf(words, at),
          startedAt: running ? beganAt(this.#words.get(worker!)) : null,
          endedAt: null,
          error: null,
        };
      }
    }
  }

  /** How many calls are on boards, of whichever owner. */
  get calls(): number {
    return [...this.#boards.values()].reduce((sum, memory) => sum + countUsed(memory), 0);
  }

  /** Which workers run calls from boards now. */
  *busyWorkers(): Iterable<readonly [WorkerId, boolean]> {
    for (const [worker, permit] of this.#permits) yield [worker, permit.busy];
  }

  /** Whether no worker runs a call. */
  get isAtRest(): boolean {
    return [...this.#permits.values()].every(({ busy }) => !busy);
  }

  /** Units of CPU that workers hold which have nothing to do. */
  idleCpus(): number {
    return [...this.#permits.values()].filter((permit) => permit.idle).length * unit;
  }

  /** Threads end before they are up. */
  strand(reason: string): void {
    for (const owner of this.#boards.keys()) this.#outgoing.push(owner, { type: "stranded", reason });
  }

  addCallee(owner: ClientId, { callee, code, name, actor, retries }: ClientMessage & { type: "callee" }): void {
    const callees = this.#callees.get(owner) ?? [];
    callees[callee] = { code, name, actor, retries };
    this.#callees.set(owner, callees);
    const key = `${owner}:${callee}`;
    for (const worker of this.#asking.get(key) ?? []) this.learn(worker, owner, callee);
    this.#asking.delete(key);
  }

  /** A worker asks for a callee; when its owner's word is still under way, it gets it then. */
  learn(worker: WorkerId, owner: ClientId, callee: number): void {
    if (!this.#permits.has(worker)) return;
    const known = this.#callees.get(owner)?.[callee];
    if (known?.code !== undefined) {
      this.#define(worker, known.code);
      this.#outgoing.push(worker, { type: "callee", owner, callee, code: known.code, name: known.name });
      return;
    }
    const key = `${owner}:${callee}`;
    this.#asking.set(key, [...(this.#asking.get(key) ?? []), worker]);
  }

  nameOf(owner: ClientId, callee: number): string {
    return this.calleeOf(owner, callee)?.name ?? "a task";
  }

  calleeOf(owner: ClientId, callee: number): CalleeRecord | undefined {
    return this.#callees.get(owner)?.[callee];
  }

  #introduce(worker: WorkerId, owner: ClientId): void {
    const results = createRing(resultWords);
    const memory = this.#boards.get(owner)!;
    this.#outgoing.push(owner, { type: "claimer", worker, results, words: this.#words.get(worker)! });
    const words = this.#words.get(owner)!;
    // One that claims keeps what waits for its calls until it has their results.
    const chains = !this.#permits.has(owner);
    this.#outgoing.push(worker, { type: "claim", owner, memory, results, words, chains });
  }

  /** A message was posted to the thread, which may stand still. */
  posted(client: ClientId): void {
    const words = this.#words.get(client);
    if (words !== undefined) new Bell(words).ringIfStopped();
  }

  #ring(client: ClientId): void {
    const words = this.#words.get(client);
    if (words !== undefined) new Bell(words).ring();
  }
}
