import type { MethodTarget } from "../actor-handle.js";
import type { RemoteCode } from "../live.js";
import type { FilledTaskOptions } from "../options.js";
import type { Outbox } from "../outbox.js";
import type { ClientMessage } from "../protocol.js";
import type { ActorId, CodeId } from "../scheduler/events.js";

/** A function with its options, as calls name it. */
export interface OwnCallee {
  readonly code: RemoteCode;
  readonly options: FilledTaskOptions;
  readonly name: string;
  readonly maxRetries: number;
  readonly retryExceptions: boolean;
}

/** A method, as calls name it, and its full name. */
interface OwnMethod {
  readonly callee: number;
  readonly name: string;
  readonly method: string;
  readonly group: number;
}

/** What a method has in place of a function: it is called by name, and never put up. */
const noFunction = { code: undefined as never, options: undefined as never, maxRetries: 0, retryExceptions: false };

/** What calls of this thread name by number: functions with their options, and methods. The node is told of each once. */
export class OwnCallees {
  readonly #outbox: Outbox<ClientMessage>;
  readonly #codeId: (code: RemoteCode) => CodeId;
  readonly #list: OwnCallee[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #methods = new Map<string, Map<string, OwnMethod>>();
  #lastCode: RemoteCode | undefined;
  #lastOptions: FilledTaskOptions | undefined;
  #lastCallee = 0;
  #lastMethod: OwnMethod | undefined;

  constructor(outbox: Outbox<ClientMessage>, codeId: (code: RemoteCode) => CodeId) {
    this.#outbox = outbox;
    this.#codeId = codeId;
  }

  /** All of them: their numbers are their positions. It grows. */
  get list(): readonly OwnCallee[] {
    return this.#list;
  }

  /** The number of a function with these options, told to the node when it is new. */
  ofFunction(code: RemoteCode, options: FilledTaskOptions): number {
    if (code === this.#lastCode && options === this.#lastOptions) return this.#lastCallee;
    const { name, maxRetries, retryExceptions } = options;
    const codeId = this.#codeId(code);
    // Not by identity: every time that a handle arrives in a value, its code and options are new objects.
    const key = `${codeId} ${maxRetries} ${retryExceptions} ${name}`;
    let callee = this.#numbers.get(key);
    if (callee === undefined) {
      callee = this.#list.push({ code, options, name, maxRetries, retryExceptions }) - 1;
      this.#numbers.set(key, callee);
      const retries = retryExceptions ? maxRetries : 0;
      this.#outbox.push({ type: "callee", callee, code: codeId, name, retries });
    }
    this.#lastCode = code;
    this.#lastOptions = options;
    this.#lastCallee = callee;
    return callee;
  }

  /** A method's number and full name, told to the node when it is new. */
  ofMethod({ name, method, group }: MethodTarget): OwnMethod {
    // Not the target itself: that would keep the last actor's handle, and so the actor, alive.
    const last = this.#lastMethod;
    if (last !== undefined && last.name === name && last.method === method && last.group === group) return last;
    let methods = this.#methods.get(name);
    if (methods === undefined) {
      methods = new Map();
      this.#methods.set(name, methods);
    }
    const key = group === 0 ? method : `${method} ${group}`;
    let known = methods.get(key);
    if (known === undefined) {
      const callee = this.#list.push({ ...noFunction, name }) - 1;
      known = { callee, name, method, group };
      methods.set(key, known);
      this.#outbox.push({ type: "callee", callee, code: undefined, name, retries: 0 });
    }
    this.#lastMethod = known;
    return known;
  }

  /** A number for a method of one actor, where the method's alone does not say which. */
  ofActor(actor: ActorId, name: string): number {
    const callee = this.#list.push({ ...noFunction, name }) - 1;
    this.#outbox.push({ type: "callee", callee, code: undefined, name, retries: 0, actor });
    return callee;
  }

  /** What errors and tables call it. */
  nameOf(callee: number): string {
    return this.#list[callee]!.name;
  }

  /** The code of a callee; undefined for a method. */
  codeOf(callee: number): CodeId | undefined {
    const code = this.#list[callee]?.code;
    return code === undefined ? undefined : this.#codeId(code);
  }
}
