import { types } from "node:util";
import { RayflightError } from "../error.js";
import type { ActorHandle, RemoteArguments } from "./actor-handle.js";
import { isClass } from "./closures/definition.js";
import { currentContext } from "./context.js";
import { type CodeRegistry, type Live, type LiveRecord, type RemoteCode, toRecord } from "./live.js";
import {
  type ActorOptions,
  defaultActorOptions,
  defaultTaskOptions,
  type FilledActorOptions,
  type FilledTaskOptions,
  fillActorOptions,
  fillTaskOptions,
  type TaskOptions,
} from "./options.js";
import type { Returned, Returns } from "./returns.js";

/** A function whose calls run as tasks on other threads. Travels inside values. */
export class RemoteFunction<A extends unknown[] = unknown[], R = unknown, N extends number = 1> implements Live {
  readonly #code: RemoteCode;
  readonly #options: FilledTaskOptions;

  /** Use `remote(fn)`. */
  constructor(code: RemoteCode, options: FilledTaskOptions) {
    this.#code = code;
    this.#options = options;
  }

  /**
   * Submits a call and returns at once. References among the arguments are replaced by their values before the function
   * starts; references inside of arguments stay references. With `numReturns` it returns an array of references, for a
   * generator function an `ObjectRefGenerator`. Throws as `Backend` says.
   */
  remote(...args: RemoteArguments<A>): Returned<R, N> {
    const { backend } = currentContext();
    const options = this.#options;
    if (!makesOthers(options)) return backend.submit(this.#code, args, options) as Returned<R, N>;
    return backend.submitReturning(this.#code, args, options) as Returned<R, N>;
  }

  /** The same function with other options. Throws INVALID_ARGUMENT for those that make no sense. */
  options<const M extends number = N>(options: TaskOptions<M>): RemoteFunction<A, R, M> {
    return new RemoteFunction(this.#code, fillTaskOptions(options, this.#options));
  }

  [toRecord](codes: CodeRegistry): LiveRecord {
    const { name } = this.#code;
    return { kind: "function", code: codes.codeId(this.#code), name, options: this.#options };
  }
}

/** A class whose instances are actors. Travels inside values. */
export class RemoteClass<C extends ActorConstructor = ActorConstructor> implements Live {
  readonly #code: RemoteCode;
  readonly #methods: readonly string[];
  readonly #options: FilledActorOptions;

  /** Use `remote(Class)`. */
  constructor(code: RemoteCode, methods: readonly string[], options: FilledActorOptions) {
    this.#code = code;
    this.#methods = methods;
    this.#options = options;
  }

  /**
   * Starts an actor and returns its handle at once. When the constructor throws, every call of the actor fails with
   * ACTOR_DIED. It lives until `kill(handle)`, the end of the handle's `using` scope or the end of the session, or until nobody
   * has a handle of it, unless it is detached. Throws ALREADY_EXISTS when another actor has its name.
   */
  remote(...args: RemoteArguments<ConstructorParameters<C>>): ActorHandle<InstanceType<C>> {
    const { backend } = currentContext();
    return backend.createActor(this.#code, this.#methods, args, this.#options) as ActorHandle<InstanceType<C>>;
  }

  /** The same class with other options. Throws INVALID_ARGUMENT for those that make no sense. */
  options(options: ActorOptions): RemoteClass<C> {
    return new RemoteClass(this.#code, this.#methods, fillActorOptions(options, this.#options, this.#methods));
  }

  [toRecord](codes: CodeRegistry): LiveRecord {
    const { name } = this.#code;
    return { kind: "class", code: codes.codeId(this.#code), name, methods: this.#methods, options: this.#options };
  }
}

// biome-ignore lint/suspicious/noExplicitAny: any class fits, whatever its constructor takes.
export type ActorConstructor = new (...args: any[]) => object;

/**
 * Makes a class remote: `remote(Counter).remote(0)` is the handle of a new actor. Throws INVALID_ARGUMENT for options that make
 * no sense.
 */
export function remote<C extends ActorConstructor>(target: C, options?: ActorOptions): RemoteClass<C>;
/**
 * Makes a function remote: `remote(fn).remote(1)` runs `fn(1)` on another thread and returns a reference to the result.
 * The function is shipped at its first call, with the values that its captured variables have then; when another module
 * than the entry script exports it, workers import it from there instead. Throws INVALID_ARGUMENT for what is no function, and
 * for options that make no sense.
 */
export function remote<A extends unknown[], R, const N extends number = 1>(
  target: (...args: A) => R | Promise<R>,
  options?: TaskOptions<N>,
): RemoteFunction<A, R, N>;
export function remote(
  target: ActorConstructor | ((...args: never[]) => unknown),
  options: TaskOptions | ActorOptions = {},
): RemoteClass | RemoteFunction {
  if (typeof target !== "function") {
    throw new RayflightError("INVALID_ARGUMENT", `remote() got ${target === null ? "null" : `a ${typeof target}`}.`, {
      hint: "Give it a function or a class.",
    });
  }
  const code: RemoteCode = { name: target.name || "anonymous", target: target as (...args: never[]) => unknown };
  if (isClass(target)) {
    const methods = methodsOf(target);
    return new RemoteClass(code, methods, fillActorOptions(options, defaultActorOptions(code.name), methods));
  }
  return new RemoteFunction(code, fillTaskOptions(options, defaultTaskOptions(code.name, isGenerator(target))));
}

function makesOthers(options: FilledTaskOptions): options is FilledTaskOptions & { returns: Returns } {
  return options.returns !== undefined;
}

function isGenerator(target: unknown): boolean {
  return types.isGeneratorFunction(target);
}

/** The names of the methods; those of generators begin with `*`, as in a class. */
function methodsOf(target: ActorConstructor): string[] {
  const methods = new Map<string, string>();
  for (let proto = target.prototype; proto && Object.getPrototypeOf(proto); proto = Object.getPrototypeOf(proto)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(proto as object))) {
      if (typeof value !== "function" || name === "constructor" || methods.has(name)) continue;
      methods.set(name, isGenerator(value) ? `*${name}` : name);
    }
  }
  return [...methods.values()];
}
