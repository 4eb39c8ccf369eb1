import type { RandomStream } from "../../src/random.js";
import { ObjectTable } from "../../src/tasks/host/object-table.js";
import type { Instruction, SchedulerEvent } from "../../src/tasks/scheduler/events.js";
import { type Demand, unit } from "../../src/tasks/scheduler/resources.js";
import { Scheduler } from "../../src/tasks/scheduler/scheduler.js";
import { check } from "./promises.js";

interface SimulatedWorker {
  readonly id: number;
  /** The actors that it may have: undefined for a thread that runs tasks. */
  readonly actors: Set<number> | undefined;
  up: boolean;
  /** In the order in which they were sent. */
  readonly queue: number[];
  /** The one that computes; the threads of actors have none, their calls overlap. */
  active: number | undefined;
  readonly blocked: Set<number>;
  /** Those that waited and go on. */
  readonly resumed: Set<number>;
  permit: "none" | "granted" | "turn" | "revoked";
  /** Whether it runs a call from a board. */
  claims: boolean;
  /** What stops it, of which a call from a board has no number, and the task that it waits for. */
  stop: { readonly task: number; readonly child: number } | undefined;
}

interface SimulatedActor {
  alive: boolean;
  /** Whether it has its resources for certain. */
  placed: boolean;
  /** It is not to be made anew before the node says that its pause is over. */
  pausing: boolean;
  readonly shared: boolean;
  readonly demand: Demand;
  readonly maxRestarts: number;
  /** How often it was made anew, and how often that was its own fault. */
  life: number;
  charges: number;
  /** The newest call of each caller in this life. */
  readonly sent: Map<number, number>;
}

/** This caller gives its calls places for a life of the actor, and new ones when it is made anew. */
const orderingCaller = 1;
/** Stands for a call from a board, which the scheduler does not know. */
const fromBoard = -1;

interface Expected {
  readonly kind: "task" | "call";
  readonly demand: Demand;
  readonly caller: number;
  readonly actor: number | undefined;
  readonly arguments: readonly number[];
  readonly maxRetries: number;
  readonly code: number;
  outcome: "value" | "failure" | undefined;
  attempts: number;
  /** Of a call: how often a life of its actor ended after it had begun, and for which life it has a place. */
  interrupted: number;
  life: number | undefined;
  /** A task that it submitted and waits for. */
  child: number | undefined;
}

export interface Counts {
  tasks: number;
  deaths: number;
  blocks: number;
  stops: number;
  cancels: number;
  calls: number;
  retries: number;
  restarts: number;
  pauses: number;
  /** Actors that were made on a thread which had some. */
  tenants: number;
  claims: number;
  revocations: number;
  turns: number;
  /** Workers that were told that a task is not wanted any more. */
  signals: number;
  releases: number;
  /** Events and instructions. */
  steps: number;
}

export function noCounts(): Counts {
  return {
    tasks: 0,
    deaths: 0,
    blocks: 0,
    stops: 0,
    cancels: 0,
    calls: 0,
    retries: 0,
    restarts: 0,
    pauses: 0,
    tenants: 0,
    claims: 0,
    revocations: 0,
    turns: 0,
    signals: 0,
    releases: 0,
    steps: 0,
  };
}

/** What is simulated: the real code, or a copy with a bug in it. */
export interface Parts {
  readonly Scheduler: typeof Scheduler;
  readonly ObjectTable: typeof ObjectTable;
}

const steps = 150;
/** How many there are of a resource of one's own. */
const lamps = 2;

/** The first of the tasks that a worker runs on what it was given: those that waited have resources of their own. */
function leasedOf({ queue, blocked, resumed }: SimulatedWorker): number | undefined {
  return queue.find((id) => !blocked.has(id) && !resumed.has(id));
}

/**
 * A node in which everything happens in random order: submissions, starts, ends, waits, deaths, kills and cancels. Throws
 * when the scheduler breaks a promise: a second or missing outcome, a start before the arguments are there, CPUs or GPUs
 * given twice, calls of one caller out of order, an object that is gone though somebody refers to it or is there though nobody
 * does, or somebody who waits though nothing happens any more. `note` is told all that happens, in order.
 */
export function simulate(
  random: RandomStream,
  parts: Parts = { Scheduler, ObjectTable },
  note?: (line: string) => void,
): Counts {
  const cpus = 1 + random.integer(3);
  const gpus = random.integer(3);
  const scheduler = new parts.Scheduler({ cpus: cpus * unit, gpus: gpus * unit, custom: { lamp: lamps * unit } });
  const workers = new Map<number, SimulatedWorker>();
  const expected = new Map<number, Expected>();
  const actors = new Map<number, SimulatedActor>();
  /** Threads that were told to end, actors that were told to leave theirs, and those whose calls get new places. */
  const doomed: number[] = [];
  const leaving: { worker: number; actor: number }[] = [];
  const renewed: number[] = [];
  const pausing: number[] = [];
  const hosts = new Set<number>();
  const gpuHolders = new Map<number, number>();
  const counts = noCounts();
  let nextId = 1;
  /** Nobody begins to wait any more. */
  let ending = false;
  const world = new Objects(new parts.ObjectTable(), random);

  const pick = <T>(items: readonly T[]): T | undefined => items[random.integer(Math.max(1, items.length))];

  const letGo = (holder: number) => {
    for (const [gpu, id] of gpuHolders) if (id === holder) gpuHolders.delete(gpu);
  };

  const settle = (id: number, outcome: "value" | "failure") => {
    const item = expected.get(id)!;
    check(item.outcome === undefined, `${id} has a second outcome`);
    item.outcome = outcome;
    world.settle(id, item.arguments);
    handle({ type: outcome === "value" ? "available" : "unavailable", object: id });
  };

  const carryOut = (instruction: Instruction) => {
    counts.steps += 1;
    note?.(`    ${JSON.stringify(instruction)}`);
    switch (instruction.type) {
      case "host":
      case "start": {
        const { worker: id } = instruction;
        const isHost = instruction.type === "host";
        check(!workers.has(id), `worker ${id} starts twice`);
        const actor = isHost ? undefined : instruction.actor;
        if (isHost) hosts.add(id);
        if (actor !== undefined) check(!actors.get(actor)!.pausing, "an actor is made anew before its pause is over");
        workers.set(id, {
          id,
          actors: actor === undefined && !isHost ? undefined : new Set(actor === undefined ? [] : [actor]),
          up: false,
          queue: [],
          active: undefined,
          blocked: new Set(),
          resumed: new Set(),
          permit: "none",
          claims: false,
          stop: undefined,
        });
        const pool = [...workers.values()].filter(({ actors, stop }) => actors === undefined && stop === undefined);
        const isTaskThread = actor === undefined && !isHost;
        check(!isTaskThread || pool.length <= cpus, "more task threads than CPUs, besides those that stand still");
        check(
          [...hosts].filter((host) => workers.has(host)).length <= cpus,
          "more threads for shared actors than CPUs",
        );
        return;
      }
      case "stop": {
        const worker = workers.get(instruction.worker);
        check(workers.delete(instruction.worker), "a worker is stopped that is not there");
        world.died(instruction.worker);
        if (worker?.actors !== undefined) return;
        // What it had runs again, and was not to blame.
        for (const id of worker!.queue) {
          letGo(id);
          expected.get(id)!.attempts -= 1;
        }
        return;
      }
      case "cancel": {
        const item = expected.get(instruction.task)!;
        check(
          workers.get(instruction.worker)?.queue.includes(instruction.task) === true,
          "a worker is to cancel what it has not",
        );
        check(item.outcome === undefined, "what is over is cancelled");
        counts.signals += 1;
        return;
      }
      case "run":
      case "call": {
        const worker = workers.get(instruction.worker)!;
        const item = expected.get(instruction.task)!;
        check(worker.up, "a worker gets work before it is up");
        check(worker.stop === undefined, "a worker gets work while it stands still");
        check(worker.permit === "none", "a worker gets work while it may take calls from boards");
        check(item.outcome === undefined, `${instruction.task} runs after its outcome`);
        check(
          item.arguments.every((argument) => expected.get(argument)!.outcome === "value"),
          `${instruction.task} runs before its arguments are there`,
        );
        const shares = leasedOf(worker) !== undefined;
        worker.queue.push(instruction.task);
        // One that goes on may run beside another; but nobody is let in then, but to share what a worker has already.
        if (instruction.type === "run" && !shares) checkCpus();
        check(lampsInUse() <= lamps * unit, "lamps are given twice");
        item.attempts += 1;
        if (item.attempts > 1) counts.retries += 1;
        // Once more than it may be to blame: when it shared a worker that died.
        check(item.kind === "call" || item.attempts <= item.maxRetries + 2, `${instruction.task} runs too often`);
        if (instruction.type === "run") {
          check(item.kind === "task" && worker.actors === undefined, "a task runs on an actor's thread");
          check(instruction.gpus.length * unit === item.demand.gpus, "not the GPUs that were asked for");
          for (const gpu of instruction.gpus) {
            check(gpu < gpus && !gpuHolders.has(gpu), `GPU ${gpu} is given twice`);
            gpuHolders.set(gpu, instruction.task);
          }
          return;
        }
        check(worker.actors!.has(item.actor!), "a call on the wrong thread");
        check(item.interrupted <= item.maxRetries, `${instruction.task} runs again though it may not`);
        const { sent, life } = actors.get(item.actor!)!;
        check((item.life ?? life) === life, `${instruction.task} has a place for another life of its actor`);
        check((sent.get(item.caller) ?? 0) < instruction.task, "calls of one caller out of order");
        sent.set(item.caller, instruction.task);
        return;
      }
      case "construct":
        actors.get(instruction.actor)!.placed = true;
        check(!actors.get(instruction.actor)!.pausing, "an actor is made anew before its pause is over");
        check(workers.get(instruction.worker)?.up === true, "an actor is made on a thread that is not up");
        if (actors.get(instruction.actor)!.shared) {
          check(hosts.has(instruction.worker), "a shared actor is made on a thread for others");
          workers.get(instruction.worker)!.actors!.add(instruction.actor);
          if (workers.get(instruction.worker)!.actors!.size > 1) counts.tenants += 1;
        } else {
          check(
            workers.get(instruction.worker)!.actors!.has(instruction.actor) && !hosts.has(instruction.worker),
            "an actor is made on another's thread",
          );
        }
        for (const gpu of instruction.gpus) {
          check(!gpuHolders.has(gpu), `GPU ${gpu} is given twice`);
          gpuHolders.set(gpu, instruction.actor);
        }
        return;
      case "evict": {
        const { worker: id, actor } = instruction;
        check(hosts.has(id) && workers.get(id)!.actors!.has(actor), "an actor is to leave a thread that it is not on");
        const { actors: tenants, queue } = workers.get(id)!;
        if (!instruction.again) tenants!.delete(actor);
        if (instruction.again) {
          leaving.push({ worker: id, actor });
          return;
        }
        // What it had begun goes on, and what it ends to is nobody's any more.
        for (const call of [...queue]) if (expected.get(call)!.actor === actor) queue.splice(queue.indexOf(call), 1);
        return;
      }
      case "permit": {
        const worker = workers.get(instruction.worker)!;
        check(worker.up && worker.permit === "none" && worker.actors === undefined, "a permit for the wrong worker");
        worker.permit = instruction.milliseconds === undefined ? "granted" : "turn";
        if (worker.permit === "turn") counts.turns += 1;
        checkCpus();
        return;
      }
      case "revoke": {
        const worker = workers.get(instruction.worker)!;
        check(worker.permit === "granted", "a permit is revoked that is none");
        counts.revocations += 1;
        worker.permit = "revoked";
        if (!worker.claims) resting.push(worker.id);
        return;
      }
      case "stranded":
        return;
      case "terminate":
        check(workers.has(instruction.worker), "a thread is to end that is not there");
        doomed.push(instruction.worker);
        return;
      case "restarting": {
        const actor = actors.get(instruction.actor)!;
        check(actor.alive && actor.charges <= actor.maxRestarts, "an actor is made anew that may not be");
        check(actor.maxRestarts > 0, "an actor is made anew that may not be");
        actor.life += 1;
        actor.placed = false;
        actor.sent.clear();
        letGo(instruction.actor);
        renewed.push(instruction.actor);
        counts.restarts += 1;
        return;
      }
      case "fail":
        settle(instruction.task, "failure");
        return;
      case "dead":
        actors.get(instruction.actor)!.alive = false;
        letGo(instruction.actor);
        return;
    }
  };

  /** Workers that are at rest after their permit was revoked: the node is told next. */
  const resting: number[] = [];

  const take = (event: SchedulerEvent) => {
    counts.steps += 1;
    note?.(JSON.stringify(event));
    const before = scheduler.ledger.free();
    const instructions = scheduler.handle([event]);
    // A task is only let in where there is room: CPUs get below zero by nothing but a resumed task.
    const { cpus: left } = scheduler.ledger.free();
    check(
      left >= 0 || left >= before.cpus || event.type === "resumed" || event.type === "wentOn",
      "CPUs are given twice",
    );
    for (const instruction of instructions) carryOut(instruction);
  };

  const events: SchedulerEvent[] = [];
  let isTaking = false;
  /** What follows from carrying out instructions happens after all of them, as on a node. */
  const handle = (event: SchedulerEvent) => {
    events.push(event);
    if (isTaking) return;
    isTaking = true;
    for (let next = events.shift(); next !== undefined; next = events.shift()) {
      take(next);
      for (let worker = resting.shift(); worker !== undefined; worker = resting.shift()) park(worker);
    }
    isTaking = false;
  };

  /** A random part of the calls that a thread has, or of those of one actor, had begun. */
  const interrupt = (queue: readonly number[], only?: number): Set<number> => {
    const calls = queue.filter((id) => only === undefined || expected.get(id)!.actor === only);
    const began = new Set(calls.slice(0, random.integer(calls.length + 1)));
    for (const id of began) expected.get(id)!.interrupted += 1;
    return began;
  };

  const die = (worker: SimulatedWorker) => {
    workers.delete(worker.id);
    world.died(worker.id);
    for (const id of worker.queue) letGo(id);
    const tenants = [...(worker.actors ?? [])];
    const guilty = random.integer(2) === 0 ? pick(tenants) : undefined;
    for (const actor of tenants) if (guilty === undefined || guilty === actor) actors.get(actor)!.charges += 1;
    const paused = random.integer(3) === 0 ? (guilty ?? tenants[0]) : undefined;
    if (paused !== undefined) {
      actors.get(paused)!.pausing = true;
      pausing.push(paused);
      counts.pauses += 1;
    }
    handle({ type: "died", worker: worker.id, began: interrupt(worker.queue), guilty, paused });
  };

  /** What threads and callers do when the node told them to. */
  const obey = (): boolean => {
    const worker = workers.get(doomed.shift() ?? -1);
    if (worker !== undefined) die(worker);
    const left = leaving.shift();
    const host = workers.get(left?.worker ?? -1);
    if (left !== undefined && host?.actors?.has(left.actor)) {
      const began = interrupt(host.queue, left.actor);
      host.actors.delete(left.actor);
      for (const id of [...host.queue])
        if (expected.get(id)!.actor === left.actor) host.queue.splice(host.queue.indexOf(id), 1);
      actors.get(left.actor)!.charges += 1;
      handle({ type: "evicted", actor: left.actor, began });
    }
    const actor = renewed.shift();
    if (actor !== undefined) {
      const { life } = actors.get(actor)!;
      const open = [...expected].filter(([, item]) => item.actor === actor && item.life !== undefined && !item.outcome);
      for (const [, item] of open) item.life = life;
      handle({ type: "placed", actor, caller: orderingCaller, life, tasks: new Set(open.map(([id]) => id)) });
    }
    const paused = ending || random.integer(6) === 0 ? pausing.shift() : undefined;
    if (paused !== undefined) {
      actors.get(paused)!.pausing = false;
      handle({ type: "rested", actor: paused });
    }
    return worker !== undefined || left !== undefined || actor !== undefined || paused !== undefined;
  };

  const park = (id: number) => {
    const worker = workers.get(id);
    if (worker?.permit !== "revoked" && worker?.permit !== "turn") return;
    worker.permit = "none";
    handle({ type: "parked", worker: id });
  };

  const argumentsOf = (): number[] => {
    const ids = world.newest();
    return [...new Set(Array.from({ length: random.integer(3) }, () => pick(ids)!))].filter(Boolean);
  };
  const pendingOf = (ids: readonly number[]) => ids.filter((id) => expected.get(id)!.outcome === undefined);
  const hasFailed = (ids: readonly number[]) => ids.some((id) => expected.get(id)!.outcome === "failure");
  const demand = (): Demand => {
    const kind = random.integer(6);
    if (kind < 2 && gpus > 0) return { cpus: random.integer(2) * unit, gpus: (1 + random.integer(gpus)) * unit };
    if (kind === 2) return { cpus: unit, gpus: 0, custom: { lamp: (1 + random.integer(lamps)) * unit } };
    return { cpus: [unit / 2, unit, unit, cpus * unit][random.integer(4)]!, gpus: 0 };
  };

  const expect = (
    item: Pick<Expected, "kind" | "demand" | "arguments" | "maxRetries" | "caller" | "actor" | "code">,
  ) => {
    const id = nextId++;
    const life = item.actor !== undefined && item.caller === orderingCaller ? actors.get(item.actor)!.life : undefined;
    expected.set(id, { ...item, outcome: undefined, attempts: 0, child: undefined, interrupted: 0, life });
    world.expect(id, item.arguments);
    return id;
  };

  const submit = (wanted: Demand, args: readonly number[], code: number): number => {
    const maxRetries = random.integer(3);
    const task = expect({
      kind: "task",
      demand: wanted,
      arguments: args,
      maxRetries,
      caller: 0,
      actor: undefined,
      code,
    });
    counts.tasks += 1;
    handle({ type: "submit", task, code, demand: wanted, maxRetries, pending: pendingOf(args) });
    return task;
  };

  /** What runs now and what actors hold, by the simulation's own account. */
  const cpusInUse = (): number => {
    let sum = 0;
    for (const worker of workers.values()) {
      if (worker.actors !== undefined) continue;
      const leased = leasedOf(worker);
      // A thread that stands still holds nothing.
      if (worker.stop !== undefined) continue;
      for (const id of leased === undefined ? worker.resumed : [leased, ...worker.resumed]) {
        sum += expected.get(id)!.demand.cpus;
      }
      if (worker.permit === "none") continue;
      // A thread does one thing at a time: a task that goes on there uses the CPU of the permit.
      const shared = [...worker.resumed].map((id) => Math.min(unit, expected.get(id)!.demand.cpus));
      sum += unit - Math.max(0, ...shared);
    }
    for (const { alive, placed, demand: held } of actors.values()) if (alive && placed) sum += held.cpus;
    return sum;
  };
  const lampsInUse = () =>
    [...workers.values()]
      .flatMap(({ queue }) => queue)
      .reduce((sum, id) => sum + (expected.get(id)!.demand.custom?.lamp ?? 0), 0);
  const checkCpus = () => check(cpusInUse() <= cpus * unit, `${cpusInUse() / unit} of ${cpus} CPUs are in use`);

  /** Everything that could happen now. */
  const actions: (() => void)[] = [
    () => {
      const args = argumentsOf();
      if (!hasFailed(args)) submit(demand(), args, random.integer(3));
    },
    () => {
      // Short ones, of which a worker gets several.
      for (let left = random.integer(8); left > 0; left--) submit({ cpus: unit, gpus: 0 }, [], 0);
    },
    () => {
      const actor = nextId++;
      const wanted = { cpus: random.integer(3) === 0 ? unit : 0, gpus: gpus > 0 && random.integer(4) === 0 ? unit : 0 };
      const shared = random.integer(2) === 0;
      const maxRestarts = random.integer(3);
      actors.set(actor, {
        alive: true,
        placed: false,
        pausing: false,
        shared,
        demand: wanted,
        maxRestarts,
        life: 0,
        charges: 0,
        sent: new Map(),
      });
      handle({ type: "create", actor, demand: wanted, shared, maxRestarts, pending: [] });
    },
    () => {
      const actor = pick([...actors.keys()]);
      const args = argumentsOf();
      if (actor === undefined || hasFailed(args)) return;
      const caller = random.integer(2);
      const none = { cpus: 0, gpus: 0 };
      const maxTaskRetries = random.integer(3);
      const task = expect({
        kind: "call",
        demand: none,
        arguments: args,
        maxRetries: maxTaskRetries,
        caller,
        actor,
        code: 0,
      });
      counts.calls += 1;
      const { life } = expected.get(task)!;
      handle({ type: "call", task, actor, caller, maxTaskRetries, life, pending: pendingOf(args) });
    },
    () => {
      if (random.integer(8) === 0) handle({ type: "board" });
    },
    () => {
      const worker = pick(
        [...workers.values()].filter(({ permit, claims }) => (permit === "granted" || permit === "turn") && !claims),
      );
      if (worker === undefined) return;
      counts.claims += 1;
      worker.claims = true;
    },
    () => {
      const all = [...workers.values()];
      const busy = all.filter(({ queue }) => queue.length > 0);
      const worker = pick(busy.length > 0 ? busy : all);
      if (worker === undefined || random.integer(3) > 0) return;
      counts.deaths += 1;
      die(worker);
    },
    () => {
      const actor = pick([...actors.keys()]);
      if (actor !== undefined && random.integer(4) === 0) handle({ type: "kill", actor });
    },
    () => {
      const actor = pick([...actors.keys()]);
      if (actor !== undefined && random.integer(2) === 0) handle({ type: "kill", actor, restart: true });
    },
    () => {
      const task = pick([...expected.keys()]);
      if (task === undefined || expected.get(task)!.kind === "call") return;
      counts.cancels += 1;
      handle({ type: "cancel", task, force: random.integer(4) === 0, recursive: true });
    },
    () => {
      const worker = pick([...workers.keys()]);
      if (worker !== undefined) world.borrow(worker);
    },
    () => {
      if (world.release()) counts.releases += 1;
      check(world.wrong() === undefined, world.wrong()!);
    },
  ];

  /** Tasks of a worker that have what they waited for. */
  const resumable = ({ blocked }: SimulatedWorker) =>
    [...blocked].filter((id) => {
      const { child } = expected.get(id)!;
      return child === undefined || expected.get(child)!.outcome !== undefined;
    });

  /** What a worker runs submits a task and stops the thread to wait for it. */
  const standStill = (worker: SimulatedWorker) => {
    counts.stops += 1;
    const child = submit({ cpus: [unit / 2, unit][random.integer(2)]!, gpus: 0 }, [], 1);
    handle({ type: "hurry", task: child });
    const task = worker.claims ? fromBoard : worker.active!;
    worker.stop = { task, child };
    const waiting = worker.queue.filter((id) => id !== task && !worker.blocked.has(id) && !worker.resumed.has(id));
    handle({ type: "stopped", worker: worker.id, task });
    for (const id of waiting) {
      worker.queue.splice(worker.queue.indexOf(id), 1);
      expected.get(id)!.attempts -= 1;
      letGo(id);
      handle({ type: "returned", worker: worker.id, task: id });
    }
  };

  /** Lets one worker make a step; returns whether one could. */
  const progress = (): boolean => {
    if (obey()) return true;
    const able = [...workers.values()].filter((worker) =>
      worker.stop === undefined
        ? !worker.up ||
          worker.claims ||
          worker.permit === "turn" ||
          worker.queue.some((id) => !worker.blocked.has(id)) ||
          resumable(worker).length > 0
        : expected.get(worker.stop.child)!.outcome !== undefined,
    );
    const worker = pick(able);
    if (worker === undefined) return false;
    const { stop } = worker;
    if (stop !== undefined) {
      worker.stop = undefined;
      handle({ type: "wentOn", worker: worker.id, task: stop.task });
    } else if (worker.up && (worker.active !== undefined || worker.claims) && !ending && random.integer(6) === 0) {
      standStill(worker);
      return true;
    }
    if (worker.claims || worker.permit === "turn") {
      worker.claims = false;
      if (worker.permit !== "granted") park(worker.id);
      return true;
    }
    if (!worker.up) {
      worker.up = true;
      handle({ type: "started", worker: worker.id });
      return true;
    }
    const { queue, blocked, resumed } = worker;
    const finish = (id: number) => {
      queue.splice(queue.indexOf(id), 1);
      blocked.delete(id);
      resumed.delete(id);
      if (worker.active === id) worker.active = undefined;
      letGo(id);
      const isShort = expected.get(id)!.code === 0 || random.next() < 0.7;
      handle({ type: "finished", worker: worker.id, task: id, milliseconds: isShort ? 0.01 : 1 });
      settle(id, random.integer(8) === 0 ? "failure" : "value");
    };
    if (worker.actors !== undefined) {
      finish(queue[0]!);
      return true;
    }
    if (stop !== undefined) {
      finish(stop.task);
      return true;
    }
    worker.active ??= leasedOf(worker);
    if (worker.active === undefined || random.integer(3) === 0) {
      const waiting = pick(resumable(worker));
      if (waiting !== undefined) {
        blocked.delete(waiting);
        resumed.add(waiting);
        handle({ type: "resumed", worker: worker.id, task: waiting });
        return true;
      }
      const going = pick([...resumed]);
      if (going !== undefined) {
        finish(going);
        return true;
      }
    }
    const id = worker.active!;
    if (!ending && random.integer(3) === 0) {
      counts.blocks += 1;
      // Half of them wait for a task of their own, which must find room then.
      expected.get(id)!.child = random.integer(2) === 0 ? submit({ cpus: unit, gpus: 0 }, [], 1) : undefined;
      blocked.add(id);
      worker.active = undefined;
      handle({ type: "blocked", worker: worker.id, task: id });
    } else finish(id);
    return true;
  };

  for (let step = 0; step < steps; step++) {
    if (random.integer(2) === 0) progress();
    else pick(actions)!();
  }
  ending = true;
  while (progress());
  for (const [actor, { alive }] of actors) {
    if (!alive) continue;
    handle({ type: "kill", actor });
    while (progress());
  }

  for (const [id, { outcome }] of expected) check(outcome !== undefined, `${id} never ended`);
  const free = scheduler.ledger.free();
  const permits = [...workers.values()].filter(({ permit }) => permit === "granted").length;
  check(
    ![...workers.values()].some(({ permit }) => permit === "revoked"),
    "a permit is revoked though nothing waits any more",
  );
  const idle = [...workers.values()].filter(
    ({ up, actors, permit }) => up && actors === undefined && permit === "none",
  );
  check(permits === 0 || permits === cpus || idle.length === 0, "a worker idles while others may take calls");
  check(
    free.cpus + permits * unit === cpus * unit && free.gpus === gpus * unit && free.custom?.lamp === lamps * unit,
    `not all resources are back: ${JSON.stringify(free)}`,
  );
  check(
    scheduler.load.tasks === 0 && scheduler.load.actors === 0 && scheduler.load.waiting === 0,
    "something is left in the scheduler",
  );
  check(world.wrong() === undefined, world.wrong()!);
  for (const worker of workers.keys()) world.died(worker);
  while (world.release());
  check(world.table.size === 0, `${world.table.size} objects are left though nobody refers to any`);
  return counts;
}

/** The driver. */
const driver = 0;

/** The real table of objects, and who refers to what by a plain account of it. */
class Objects {
  readonly table: ObjectTable;
  readonly #random: RandomStream;
  readonly #holders = new Map<number, Set<number>>();
  readonly #contains = new Map<number, readonly number[]>();
  /** What tasks that did not end have as arguments. */
  readonly #needed = new Map<number, readonly number[]>();

  constructor(table: ObjectTable, random: RandomStream) {
    this.table = table;
    this.#random = random;
  }

  /** A task is submitted, whose result the driver refers to. */
  expect(id: number, args: readonly number[]): void {
    this.#holders.set(id, new Set([driver]));
    this.#needed.set(id, args);
    this.table.expect(id, driver);
    this.table.pin(args);
  }

  /** A task ended. Its value may refer to what its arguments were. */
  settle(id: number, args: readonly number[]): void {
    const contains = args.filter(() => this.#random.integer(3) === 0);
    this.#contains.set(id, contains);
    this.#needed.delete(id);
    this.table.settle(id, { value: undefined }, contains, undefined);
    this.table.unpin(args);
  }

  /** The newest of those that the driver refers to. */
  newest(): number[] {
    return [...this.#holders]
      .filter(([, clients]) => clients.has(driver))
      .map(([id]) => id)
      .slice(-12);
  }

  /** A worker gets a reference to something that the driver has one to. */
  borrow(worker: number): void {
    const ids = this.newest();
    const id = ids[this.#random.integer(Math.max(1, ids.length))];
    if (id === undefined) return;
    this.#holders.get(id)!.add(worker);
    this.table.hold(worker, [id]);
  }

  /** The driver lets go of one object; false when it has none. */
  release(): boolean {
    const ids = this.newest();
    const id = ids[this.#random.integer(Math.max(1, ids.length))];
    if (id === undefined) return false;
    this.#drop(driver, id);
    this.table.release(driver, [id]);
    return true;
  }

  died(worker: number): void {
    for (const id of [...this.#holders.keys()]) this.#drop(worker, id);
    this.table.releaseAll(worker);
  }

  /** What is in the table and should not be, or the other way round. */
  wrong(): string | undefined {
    const alive = new Set<number>();
    const visit = (id: number) => {
      if (alive.has(id)) return;
      alive.add(id);
      for (const inner of this.#contains.get(id) ?? []) visit(inner);
    };
    for (const id of this.#holders.keys()) visit(id);
    for (const [id, args] of this.#needed) for (const one of [id, ...args]) visit(one);
    for (const id of alive) if (this.table.get(id) === undefined) return `${id} is gone though somebody refers to it`;
    return this.table.size === alive.size ? undefined : `${this.table.size} objects are there, ${alive.size} should be`;
  }

  #drop(client: number, id: number): void {
    const clients = this.#holders.get(id);
    clients?.delete(client);
    if (clients?.size === 0) this.#holders.delete(id);
  }
}
