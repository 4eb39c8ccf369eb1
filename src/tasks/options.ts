import { RayflightError } from "../error.js";
import type { Returns } from "./returns.js";
import { type Demand, toCustom, toUnits, unit } from "./scheduler/resources.js";

/** How a remote function is run. `N` is the type of `numReturns`, from which the type of `.remote()` follows. */
export interface TaskOptions<N extends number = number> {
  /** What errors and the state tables call it; the function's name by default. */
  name?: string;
  /** CPUs that it holds while it runs, 1 by default. Waits until they are free. */
  numCpus?: number;
  /** GPUs that it holds until it ends, 0 by default: a whole number, or a part of one. `getGpuIds` says which. */
  numGpus?: number;
  /**
   * Other resources that it holds until it ends, as `{ licence: 1 }`: the node has as much of each as `init` was told. In steps
   * of 0.0001, like CPUs and GPUs. Replaces what the function had.
   */
  resources?: Readonly<Record<string, number>>;
  /** How often it runs again when its worker dies, 3 by default, -1 for ever. */
  maxRetries?: number;
  /** Whether it also runs again, within `maxRetries`, when it throws or rejects. False by default. */
  retryExceptions?: boolean;
  /**
   * How many objects a call makes, 1 by default: with another number the function returns an array of so many values, and
   * `.remote()` gives an array of references. What is no such array is a failure of all of them.
   */
  numReturns?: N;
  /**
   * Of a generator: how many of its items may be made and not taken, 16 by default, before it waits; -1 for no limit. While
   * it waits it holds no CPU.
   */
  generatorBackpressure?: number;
}

/** How an actor is made, and lives. */
export interface ActorOptions {
  /**
   * By this name others find it with `getActor`, and the state tables show it. Making a second one in the same namespace throws
   * ALREADY_EXISTS, until the first one is dead. None by default.
   */
  name?: string;
  /** The namespace of its name; that of the session by default. */
  namespace?: string;
  /**
   * With `"detached"`, it lives until it is killed or the node ends, whatever becomes of its handles. Otherwise it ends when
   * nobody has a handle of it any more and its calls have ended: some time after that, when the last handle is collected.
   */
  lifetime?: "detached";
  /** Where there is an actor with this name already, its handle is returned in place of a new one's. False by default. */
  getIfExists?: boolean;
  /**
   * CPUs that it holds as long as it lives. By default it needs a node with a CPU and then holds none, so that actors that
   * idle do not keep tasks waiting.
   */
  numCpus?: number;
  /** GPUs that it holds as long as it lives, 0 by default. */
  numGpus?: number;
  /** Other resources that it holds as long as it lives, as tasks do while they run. */
  resources?: Readonly<Record<string, number>>;
  /**
   * How many calls of async methods may be under way at once, 1000 by default: calls start in order, and one that awaits
   * lets the next one start. With 1 each call ends before the next one starts.
   */
  maxConcurrency?: number;
  /**
   * `"alone"`, the default: a thread of its own. `"shared"`: on one thread with other shared actors, which take turns, so that a
   * thousand of them are cheap; a call that computes for long holds up its neighbours, and what ends the thread ends them all.
   */
  hosted?: "alone" | "shared";
  /**
   * How often it is made anew, with the same arguments, when its thread ends otherwise than by `kill` or `exitActor`: 0 by
   * default, -1 for ever. It keeps what resources it holds; its state is lost. Of shared actors, this costs a restart to the one
   * whose call ended the thread; to all of them when that is not known.
   */
  maxRestarts?: number;
  /**
   * How often a call runs again that had begun when the actor's thread ended, if the actor is made anew: 0 by default, -1
   * for ever. Such a call fails with ACTOR_UNAVAILABLE otherwise. Calls that had not begun wait for the actor in any case.
   */
  maxTaskRetries?: number;
  /**
   * How many calls of one thread may be pending, be they queued or under way: one more throws PENDING_CALLS_LIMIT. Without limit
   * by default, which -1 says, too.
   */
  maxPendingCalls?: number;
  /**
   * Groups of calls, with how many of each may be under way at once: `{ io: 2, compute: 4 }`. A group that is full holds up no
   * other. Calls in no group are limited by `maxConcurrency`.
   */
  concurrencyGroups?: Readonly<Record<string, number>>;
  /**
   * Options of single methods, by name: `{ fetch: { concurrencyGroup: "io" } }`. A handle's method can be given others, and alone
   * `numReturns`, which the type of its calls follows from.
   */
  methods?: Readonly<Record<string, Omit<MethodOptions, "numReturns">>>;
}

/** Options of the calls of a method. */
export interface MethodOptions<N extends number = number> {
  /** What errors and the state tables call it; class and method by default. */
  name?: string;
  /** The group that it is counted in; none by default. */
  concurrencyGroup?: string;
  /** As for the actor, which has the default. */
  maxTaskRetries?: number;
  /** As for tasks. */
  numReturns?: N;
  /** As for tasks. */
  generatorBackpressure?: number;
}

/** Options with every default filled in. Plain data: they travel. */
export interface FilledTaskOptions {
  readonly name: string;
  readonly demand: Demand;
  readonly maxRetries: number;
  readonly retryExceptions: boolean;
  /** Absent where a call makes one object. */
  readonly returns?: Returns | undefined;
}

export interface FilledActorOptions {
  /** The class's name, for errors. */
  readonly className: string;
  readonly name: string | undefined;
  readonly namespace: string | undefined;
  readonly detached: boolean;
  readonly getIfExists: boolean;
  readonly demand: Demand;
  readonly maxConcurrency: number;
  /** Whether it lives with others on one thread. */
  readonly shared: boolean;
  readonly maxRestarts: number;
  readonly maxTaskRetries: number;
  /** 0 for no limit. */
  readonly maxPendingCalls: number;
  readonly concurrencyGroups: Readonly<Record<string, number>>;
  readonly methods: Readonly<Record<string, MethodOptions>>;
}

/** Fills in what `options` leaves open. Throws INVALID_ARGUMENT for what makes no sense. */
export function fillTaskOptions(options: TaskOptions, defaults: FilledTaskOptions): FilledTaskOptions {
  const { maxRetries = defaults.maxRetries, retryExceptions = defaults.retryExceptions } = options;
  checkRepeats("maxRetries", maxRetries);
  const demand = fillDemand(options, defaults.demand);
  const returns = fillReturns(options, defaults.returns);
  return { name: options.name ?? defaults.name, demand, maxRetries, retryExceptions, returns };
}

/** Of a call: what it makes. */
export function fillReturns(
  { numReturns, generatorBackpressure: ahead }: Pick<TaskOptions, "numReturns" | "generatorBackpressure">,
  defaults: Returns | undefined,
): Returns | undefined {
  const refuse = (option: string, value: number, hint: string) => {
    throw new RayflightError("INVALID_ARGUMENT", `${option} is ${value}.`, { hint });
  };
  if (defaults !== undefined && "ahead" in defaults) {
    if (numReturns !== undefined) refuse("numReturns", numReturns, "A generator makes as many objects as it yields.");
    if (ahead === undefined) return defaults;
    if (ahead !== -1 && !(Number.isInteger(ahead) && ahead >= 1)) {
      refuse("generatorBackpressure", ahead, "Give a whole number of at least 1, or -1 for no limit.");
    }
    return { ahead };
  }
  if (ahead !== undefined) refuse("generatorBackpressure", ahead, "Only generator functions take it.");
  if (numReturns === undefined) return defaults;
  if (!Number.isInteger(numReturns) || numReturns < 0) {
    refuse("numReturns", numReturns, "Give a whole number of at least 0.");
  }
  return numReturns === 1 ? undefined : { count: numReturns };
}

/** As `fillTaskOptions`, for actors whose class has these methods; a `*` marks generators. */
export function fillActorOptions(
  options: ActorOptions,
  defaults: FilledActorOptions,
  known: readonly string[],
): FilledActorOptions {
  const { maxConcurrency = defaults.maxConcurrency } = options;
  const { maxRestarts = defaults.maxRestarts, maxTaskRetries = defaults.maxTaskRetries } = options;
  checkRepeats("maxRestarts", maxRestarts);
  checkRepeats("maxTaskRetries", maxTaskRetries);
  checkLimit("maxConcurrency", maxConcurrency);
  const { hosted = defaults.shared ? "shared" : "alone" } = options;
  if (hosted !== "alone" && hosted !== "shared") {
    throw new RayflightError("INVALID_ARGUMENT", `hosted is ${JSON.stringify(hosted)}.`, {
      hint: 'Give "alone" or "shared".',
    });
  }
  const demand = fillDemand(options, defaults.demand);
  const shared = hosted === "shared";
  const { concurrencyGroups = defaults.concurrencyGroups, methods = defaults.methods } = options;
  for (const [group, limit] of Object.entries(concurrencyGroups)) checkLimit(`The concurrency group ${group}`, limit);
  for (const [method, its] of Object.entries<MethodOptions>(methods)) {
    const isGenerator = known.includes(`*${method}`);
    if (!isGenerator && !known.includes(method)) {
      throw new RayflightError("INVALID_ARGUMENT", `${defaults.className} has no method ${JSON.stringify(method)}.`, {
        hint: "Give options to methods of the class only.",
      });
    }
    checkMethodOptions(`${defaults.className}.${method}`, its, Object.keys(concurrencyGroups));
    if (its.numReturns !== undefined) {
      throw new RayflightError("INVALID_ARGUMENT", `${defaults.className}.${method} has numReturns in its class.`, {
        hint: "Give it where the method is called: handle.method.options({ numReturns: 2 }).",
      });
    }
    fillReturns(its, isGenerator ? streamed : undefined);
  }
  const { maxPendingCalls = defaults.maxPendingCalls } = options;
  if (maxPendingCalls !== -1 && maxPendingCalls !== 0) checkLimit("maxPendingCalls", maxPendingCalls);
  return {
    ...fillNaming(options, defaults),
    demand,
    maxConcurrency,
    shared,
    maxRestarts,
    maxTaskRetries,
    maxPendingCalls: Math.max(0, maxPendingCalls),
    concurrencyGroups,
    methods,
  };
}

/** Throws INVALID_ARGUMENT for options of a method that make no sense for an actor with these groups. */
export function checkMethodOptions(
  method: string,
  { concurrencyGroup, maxTaskRetries = 0 }: MethodOptions,
  groups: readonly string[],
): void {
  checkRepeats("maxTaskRetries", maxTaskRetries);
  if (concurrencyGroup === undefined || groups.includes(concurrencyGroup)) return;
  throw new RayflightError(
    "INVALID_ARGUMENT",
    `${method} is to be in the concurrency group ${JSON.stringify(concurrencyGroup)}, which its actor has not.`,
    { hint: `Name it in concurrencyGroups${groups.length > 0 ? `, or use ${groups.join(", ")}` : ""}.` },
  );
}

function checkLimit(what: string, limit: number): void {
  if (Number.isInteger(limit) && limit >= 1) return;
  throw new RayflightError("INVALID_ARGUMENT", `${what} is ${limit}.`, { hint: "Give a whole number of at least 1." });
}

type Naming = Pick<FilledActorOptions, "className" | "name" | "namespace" | "detached" | "getIfExists">;

function fillNaming(options: ActorOptions, defaults: FilledActorOptions): Naming {
  const {
    name = defaults.name,
    namespace = defaults.namespace,
    lifetime,
    getIfExists = defaults.getIfExists,
  } = options;
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw new RayflightError("INVALID_ARGUMENT", `The name of an actor is ${JSON.stringify(name)}.`, {
      hint: "Give a text that is not empty.",
    });
  }
  if (getIfExists && name === undefined) {
    throw new RayflightError("INVALID_ARGUMENT", "getIfExists was given without a name.", {
      hint: "Give the name by which the actor is found.",
    });
  }
  if (lifetime !== undefined && lifetime !== "detached") {
    throw new RayflightError("INVALID_ARGUMENT", `lifetime is ${JSON.stringify(lifetime)}.`, {
      hint: 'Give "detached", or leave it out.',
    });
  }
  const detached = lifetime === "detached" || defaults.detached;
  return { className: defaults.className, name, namespace, detached, getIfExists };
}

export function defaultTaskOptions(name: string, isGenerator: boolean): FilledTaskOptions {
  const returns = isGenerator ? streamed : undefined;
  return { name, demand: { cpus: unit, gpus: 0 }, maxRetries: 3, retryExceptions: false, returns };
}

/** What a generator makes: as many items ahead as a stream of Node's holds of objects. */
export const streamed: Returns = { ahead: 16 };

export function defaultActorOptions(className: string): FilledActorOptions {
  return {
    className,
    name: undefined,
    namespace: undefined,
    detached: false,
    getIfExists: false,
    demand: { cpus: 0, gpus: 0 },
    maxConcurrency: 1000,
    shared: false,
    maxRestarts: 0,
    maxTaskRetries: 0,
    maxPendingCalls: 0,
    concurrencyGroups: {},
    methods: {},
  };
}

function checkRepeats(option: string, times: number): void {
  if (Number.isInteger(times) && times >= -1) return;
  throw new RayflightError("INVALID_ARGUMENT", `${option} is ${times}.`, {
    hint: "Give a whole number of at least 0, or -1 for ever.",
  });
}

type Asked = Pick<TaskOptions, "numCpus" | "numGpus" | "resources">;

function fillDemand({ numCpus, numGpus, resources }: Asked, defaults: Demand): Demand {
  const custom = resources === undefined ? defaults.custom : toCustom(resources);
  return {
    cpus: numCpus === undefined ? defaults.cpus : toUnits("numCpus", numCpus),
    gpus: numGpus === undefined ? defaults.gpus : toUnits("numGpus", numGpus),
    ...(custom && { custom }),
  };
}
