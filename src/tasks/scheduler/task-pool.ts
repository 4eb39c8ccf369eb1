import type { CodeId, FailReason, Instruction, TaskId, WorkerId } from "./events.js";
import { Queue } from "./queue.js";
import { type Demand, type Grant, isCpusOnly, type ResourceLedger, shapeOf, unit } from "./resources.js";

/** A task whose arguments are ready, or that runs. */
export interface PoolTask {
  readonly id: TaskId;
  readonly code: CodeId;
  readonly demand: Demand;
  retriesLeft: number;
  attempts: number;
  /** Must not share a lease: it was with others on a worker that died, and one of them is to blame. */
  alone: boolean;
  /** Was cancelled while it ran: it is not tried again. */
  unwanted?: boolean;
  /** CPUs that it need not hold since it goes on: its thread has a permit, and does one thing at a time. */
  covered?: number;
  /** Resources of its own, once it blocked; before, it runs on its lease's. */
  grant?: Grant;
}

/** Tasks of one demand that a worker runs one after the other on one grant. */
interface Lease {
  readonly grant: Grant;
  readonly shape: string;
  readonly tasks: Set<PoolTask>;
  /** Whether all of them are known to be short, so that more may be sent ahead. */
  readonly quick: boolean;
}

interface Permit {
  readonly grant: Grant;
  /** Whether it ends without being revoked, or is revoked: then `parked` follows. */
  ends: boolean;
}

interface PoolWorker {
  readonly id: WorkerId;
  up: boolean;
  /** How many of its tasks, on top of each other, stop the thread: it takes nothing up, and another one has its CPU. */
  stops: number;
  /** The CPUs that its other tasks held when that began. */
  readonly held: Map<PoolTask, number>;
  lease: Lease | undefined;
  /** The CPU on which it runs calls from boards, which the node does not see. */
  permit: Permit | undefined;
  /** Tasks that wait for an object or went on after that, beside the lease. */
  readonly apart: Set<PoolTask>;
}

/** What a worker holds that runs calls from boards. */
const oneCpu: Demand = { cpus: unit, gpus: 0 };

/** Below this many milliseconds a function counts as short; one that never ran counts as long. */
const quickMilliseconds = 0.1;
/** How far ahead short tasks are sent to a worker: in estimated milliseconds, and in tasks. */
const leaseMilliseconds = 1;
const leaseTasks = 256;
/** How many threads there may be that stand still, besides those that run. */
const sparesAtMost = 500;
/** How far back in a queue an awaited task is looked for. */
const hurryAtMost = 256;
/** After so many threads in a row that ended before they were up, what is queued fails. */
const startAttempts = 3;
/** The least that boards get a turn for, in milliseconds of CPU that tasks from the queues had. */
const turnMilliseconds = 1;

/**
 * Tasks on threads that are not any actor's. A thread runs one task at a time until that task awaits `get` or `wait`;
 * then it gives its CPUs back and the thread may be given another one, so waiting can never use the pool up.
 */
export class TaskPool {
  readonly #ledger: ResourceLedger;
  readonly #size: number;
  readonly #ahead: boolean;
  readonly #emit: (instruction: Instruction) => void;
  readonly #nextWorker: () => WorkerId;
  readonly #queues = new Map<string, Queue<PoolTask>>();
  readonly #workers = new Map<WorkerId, PoolWorker>();
  readonly #running = new Map<TaskId, { task: PoolTask; worker: PoolWorker }>();
  readonly #durations = new Map<CodeId, number>();
  #boards = false;
  #queued = 0;
  #failedStarts = 0;
  /** CPU milliseconds that tasks from the queues had since the boards had a turn. */
  #owed = 0;

  constructor(
    ledger: ResourceLedger,
    size: number,
    ahead: boolean,
    emit: (instruction: Instruction) => void,
    nextWorker: () => WorkerId,
  ) {
    this.#ledger = ledger;
    this.#size = size;
    this.#ahead = ahead;
    this.#emit = emit;
    this.#nextWorker = nextWorker;
  }

  /** There are boards: as many workers as CPUs are free take calls from them. */
  openBoards(): void {
    this.#boards = true;
  }

  /** The worker runs nothing from boards any more. */
  parked(id: WorkerId): void {
    const worker = this.#workers.get(id);
    if (worker?.permit === undefined || !worker.permit.ends) return;
    this.#ledger.give(worker.permit.grant);
    worker.permit = undefined;
    for (const task of worker.apart) {
      this.#ledger.takeBack(task.grant!, task.covered ?? 0);
      task.covered = 0;
    }
  }

  has(worker: WorkerId): boolean {
    return this.#workers.has(worker);
  }

  /** How many tasks are queued or running. */
  get size(): number {
    return this.#queued + this.#running.size;
  }

  enqueue(task: PoolTask): void {
    const shape = shapeOf(task.demand);
    let queue = this.#queues.get(shape);
    if (queue === undefined) {
      queue = new Queue();
      this.#queues.set(shape, queue);
    }
    queue.push(task);
    this.#queued += 1;
  }

  /** Nobody wants the outcome of a task; returns the worker that runs it. */
  disown(id: TaskId): WorkerId | undefined {
    const running = this.#running.get(id);
    if (running !== undefined) running.task.unwanted = true;
    return running?.worker.id;
  }

  /** Ends the thread that runs a task, and with it the task; returns false when none does. */
  end(id: TaskId): boolean {
    const running = this.#running.get(id);
    if (running === undefined) return false;
    const { task, worker } = running;
    this.#running.delete(id);
    if (worker.apart.delete(task)) this.#ledger.give(task.grant!);
    else worker.lease?.tasks.delete(task);
    this.discard(worker.id);
    return true;
  }

  /** Ends a thread; what else it had runs again. */
  discard(id: WorkerId): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    this.#emit({ type: "stop", worker: id });
    for (const task of this.#lose(worker)) {
      if (!this.#isGivenUp(task)) this.enqueue(task);
    }
  }

  /** Takes a queued task out; returns false when it is not queued. */
  withdraw(id: TaskId): boolean {
    if (this.#running.has(id)) return false;
    for (const [shape, queue] of this.#queues) {
      for (const task of queue) {
        if (task.id !== id) continue;
        queue.remove(task);
        this.#queued -= 1;
        if (queue.length === 0) this.#queues.delete(shape);
        return true;
      }
    }
    return false;
  }

  started(id: WorkerId): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    worker.up = true;
    this.#failedStarts = 0;
  }

  /** Without a time, it had not begun. */
  finished(id: TaskId, milliseconds: number | undefined): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const { task, worker } = running;
    this.#running.delete(id);
    if (milliseconds !== undefined) {
      const known = this.#durations.get(task.code);
      this.#durations.set(task.code, known === undefined ? milliseconds : 0.8 * known + 0.2 * milliseconds);
    }
    if (worker.apart.delete(task)) this.#ledger.give(task.grant!);
    else {
      worker.lease?.tasks.delete(task);
      if (this.#boards) this.#owed += ((milliseconds ?? 0) * task.demand.cpus) / unit;
    }
  }

  blocked(id: TaskId): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const { task, worker } = running;
    if (worker.apart.has(task)) {
      this.#ledger.giveCpus(task.grant!);
      task.covered = 0;
    } else {
      const lease = worker.lease!;
      lease.tasks.delete(task);
      worker.apart.add(task);
      if (isCpusOnly(task.demand)) {
        task.grant = { cpus: 0, gpus: [] };
      } else {
        // Other resources are never leased to more than one task: what it holds stays its own.
        task.grant = lease.grant;
        this.#ledger.giveCpus(task.grant);
        worker.lease = undefined;
      }
    }
  }

  resumed(id: TaskId): void {
    const running = this.#running.get(id);
    if (running === undefined) return;
    const { task, worker } = running;
    if (!worker.apart.has(task)) return;
    const isCovered = worker.permit !== undefined && ![...worker.apart].some(({ covered = 0 }) => covered > 0);
    task.covered = isCovered ? Math.min(task.demand.cpus, unit) : 0;
    this.#ledger.takeBack(task.grant!, task.demand.cpus - task.covered - task.grant!.cpus);
  }

  /** The worker stands still: its CPU is another thread's meanwhile. */
  stopped(id: WorkerId, task: TaskId): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    worker.stops += 1;
    this.blocked(task);
    for (const other of worker.apart) {
      if (other.grant!.cpus === 0) continue;
      worker.held.set(other, other.grant!.cpus);
      this.#ledger.giveCpus(other.grant!);
    }
    const { permit } = worker;
    if (permit === undefined) return;
    this.#ledger.giveCpus(permit.grant);
    if (permit.ends) return;
    permit.ends = true;
    this.#emit({ type: "revoke", worker: id });
  }

  /**
   * A thread stands still until this task is done: of those that were submitted lately, it comes first. So a recursion is
   * walked depth first, and no more threads stand still than it is deep.
   */
  hurry(id: TaskId): void {
    for (const queue of this.#queues.values()) if (queue.advance((task) => task.id === id, hurryAtMost)) return;
  }

  /** It goes on beside whoever got its CPU meanwhile, and parks when its task has ended. */
  wentOn(id: WorkerId, task: TaskId): void {
    const worker = this.#workers.get(id);
    if (worker === undefined || worker.stops === 0) return;
    worker.stops -= 1;
    this.resumed(task);
    if (worker.stops > 0) return;
    for (const [other, cpus] of worker.held) if (worker.apart.has(other)) this.#ledger.takeBack(other.grant!, cpus);
    worker.held.clear();
    const { permit } = worker;
    if (permit !== undefined) this.#ledger.takeBack(permit.grant, unit - permit.grant.cpus);
  }

  /** The task did not begin: it waits for another worker. */
  returned(id: WorkerId, task: TaskId): void {
    const running = this.#running.get(task);
    if (running === undefined || running.worker.id !== id || !running.worker.lease?.tasks.delete(running.task)) return;
    this.#running.delete(task);
    running.task.attempts -= 1;
    this.enqueue(running.task);
    // It was on its way already.
    this.hurry(task);
  }

  /** Runs again what the worker had, as often as each task allows. Whoever was not alone on it runs alone next. */
  died(id: WorkerId): void {
    const worker = this.#workers.get(id);
    if (worker === undefined) return;
    const shared = (worker.lease?.tasks.size ?? 0) > 1;
    for (const task of this.#lose(worker)) this.#retry(task, id, worker.apart.has(task) || !shared);
    if (!worker.up && ++this.#failedStarts >= startAttempts) this.#giveUp();
  }

  /** Gives idle workers what fits. `actors` are the demands of actors that wait for resources. */
  dispatch(actors: Iterable<Demand> = []): void {
    for (const worker of this.#workers.values()) {
      if (worker.lease?.tasks.size !== 0) continue;
      this.#ledger.give(worker.lease.grant);
      worker.lease = undefined;
    }
    if (this.#boards) this.#takeTurns();
    const threadsShort = this.#lease();
    if (this.#ahead && this.#queues.size === 1 && this.#owed < turnMilliseconds) this.#sendAhead();
    if (this.#boards) this.#divide([...actors]);
    const starting = [...this.#workers.values()].filter((worker) => !worker.up).length;
    const wanted = this.#boards ? this.#size : threadsShort ? this.#queued - starting : 0;
    const stopped = [...this.#workers.values()].filter(({ stops }) => stops > 0).length;
    const room = Math.min(this.#size + stopped, this.#size + sparesAtMost) - this.#workers.size;
    const missing = Math.min(wanted, room);
    for (let i = 0; i < missing; i++) {
      const id = this.#nextWorker();
      this.#workers.set(id, {
        id,
        up: false,
        stops: 0,
        held: new Map(),
        lease: undefined,
        permit: undefined,
        apart: new Set(),
      });
      this.#emit({ type: "start", worker: id, actor: undefined });
    }
  }

  /**
   * As long as something is queued, boards get as much of the CPUs as queued tasks had, in turns: so neither of two endless
   * streams starves the other.
   */
  #takeTurns(): void {
    if (this.#queued === 0) this.#owed = 0;
    if (this.#owed < turnMilliseconds) return;
    const room = Math.max(0, Math.floor(this.#ledger.free().cpus / unit));
    const idle = this.#unleased().slice(0, room);
    if (idle.length === 0) return;
    const milliseconds = Math.max(turnMilliseconds, this.#owed / idle.length);
    for (const worker of idle) {
      worker.permit = { grant: this.#ledger.take(oneCpu), ends: true };
      this.#emit({ type: "permit", worker: worker.id, milliseconds });
    }
    this.#owed = 0;
  }

  /**
   * Divides CPUs between the boards and what waits here: takes permits back as long as that lets something start that waits;
   * where nothing waits, permits whoever is idle.
   */
  #divide(actors: readonly Demand[]): void {
    const permits = [...this.#workers.values()].filter(({ permit, stops }) => permit !== undefined && stops === 0);
    const cpus = permits.length * unit;
    const queued = [...this.#queues.values()].map((queue) => queue.peek()!.demand);
    if ([...queued, ...actors].some((demand) => this.#ledger.wouldFit(demand, cpus))) {
      // All of them: who idles gives its permit back at once, and who runs something long must not be waited for.
      for (const worker of permits) {
        if (worker.permit!.ends) continue;
        worker.permit!.ends = true;
        this.#emit({ type: "revoke", worker: worker.id });
      }
      return;
    }
    for (const worker of this.#unleased()) {
      if (!this.#ledger.fits(oneCpu)) return;
      worker.permit = { grant: this.#ledger.take(oneCpu), ends: false };
      this.#emit({ type: "permit", worker: worker.id });
    }
  }

  /** Leases in turn to the shapes that wait; returns whether a task could run if there were one more thread. */
  #lease(): boolean {
    for (let progress = true; progress; ) {
      progress = false;
      for (const [shape, queue] of this.#queues) {
        const first = queue.peek()!;
        if (!this.#ledger.fits(first.demand)) continue;
        const worker = this.#idleWorker();
        if (worker === undefined) return true;
        const grant = this.#ledger.take(first.demand);
        worker.lease = { grant, shape, tasks: new Set(), quick: this.#isQuick(first) };
        this.#run(worker, worker.lease, queue);
        // The shape goes to the end of the line, or away when it is empty.
        this.#queues.delete(shape);
        if (queue.length > 0) this.#queues.set(shape, queue);
        progress = true;
        break;
      }
    }
    return false;
  }

  #sendAhead(): void {
    for (const worker of this.#workers.values()) {
      const { lease, stops } = worker;
      if (lease === undefined || stops > 0 || !lease.quick || lease.tasks.size > leaseTasks / 2) continue;
      const queue = this.#queues.get(lease.shape);
      if (queue === undefined) return;
      const share = Math.min(leaseTasks, Math.ceil(queue.length / this.#size));
      let expected = 0;
      for (let i = 0; i < share; i++) {
        const next = queue.peek();
        if (next === undefined || !this.#isQuick(next)) break;
        expected += this.#durations.get(next.code)!;
        if (expected > leaseMilliseconds) break;
        this.#run(worker, lease, queue);
      }
      if (queue.length === 0) this.#queues.delete(lease.shape);
    }
  }

  #run(worker: PoolWorker, lease: Lease, queue: Queue<PoolTask>): void {
    const task = queue.shift()!;
    this.#queued -= 1;
    lease.tasks.add(task);
    this.#running.set(task.id, { task, worker });
    task.attempts += 1;
    this.#emit({ type: "run", worker: worker.id, task: task.id, gpus: lease.grant.gpus.map(({ gpu }) => gpu) });
  }

  /** Workers that could take something. */
  #unleased(): PoolWorker[] {
    return [...this.#workers.values()].filter(
      ({ up, stops, lease, permit }) => up && stops === 0 && lease === undefined && permit === undefined,
    );
  }

  /** The worker without a lease on which fewest tasks wait. */
  #idleWorker(): PoolWorker | undefined {
    let best: PoolWorker | undefined;
    for (const worker of this.#unleased()) {
      if (best === undefined || worker.apart.size < best.apart.size) best = worker;
    }
    return best;
  }

  #isQuick(task: PoolTask): boolean {
    return !task.alone && isCpusOnly(task.demand) && (this.#durations.get(task.code) ?? Infinity) < quickMilliseconds;
  }

  /** Strikes a worker off that has ended; returns the tasks that it had. */
  #lose(worker: PoolWorker): PoolTask[] {
    this.#workers.delete(worker.id);
    if (worker.lease !== undefined) this.#ledger.give(worker.lease.grant);
    if (worker.permit !== undefined) this.#ledger.give(worker.permit.grant);
    for (const task of worker.apart) this.#ledger.give(task.grant!);
    const tasks = [...worker.apart, ...(worker.lease?.tasks ?? [])];
    for (const task of tasks) {
      this.#running.delete(task.id);
      delete task.grant;
      delete task.covered;
    }
    return tasks;
  }

  /** Whether a task that lost its worker was cancelled before: then it ends here. */
  #isGivenUp({ id, unwanted }: PoolTask): boolean {
    if (unwanted) this.#emit({ type: "fail", task: id, reason: { kind: "cancelled" } });
    return unwanted === true;
  }

  #retry(task: PoolTask, worker: WorkerId, blamed: boolean): void {
    if (this.#isGivenUp(task)) return;
    if (blamed && task.retriesLeft <= 0) {
      this.#emit({ type: "fail", task: task.id, reason: { kind: "worker", worker, attempts: task.attempts } });
      return;
    }
    if (blamed) task.retriesLeft -= 1;
    task.alone = true;
    this.enqueue(task);
  }

  #giveUp(): void {
    this.#failedStarts = 0;
    if (this.#boards) this.#emit({ type: "stranded" });
    // Whoever puts up the next call says so again.
    this.#boards = false;
    const reason: FailReason = { kind: "no-workers" };
    for (const queue of this.#queues.values()) {
      for (const task of queue) this.#emit({ type: "fail", task: task.id, reason });
    }
    this.#queues.clear();
    this.#queued = 0;
  }
}
