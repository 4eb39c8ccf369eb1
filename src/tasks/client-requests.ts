import type { RayflightError } from "../error.js";
import type { StoredValue } from "../store/value.js";
import type { GetOptions, NodeInfo, WaitOptions } from "./backend.js";
import { abandoned, type KeepAlive } from "./deadline.js";
import { type Failure, toError } from "./failure.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage, ClientReply } from "./protocol.js";
import type { ObjectId } from "./scheduler/events.js";

/** A request that nobody awaits. */
export interface OpenRequest {
  answer: Answer | undefined;
  /** The answer is not wanted any more. Harmless after it came. */
  forget(): void;
}

export type Answer =
  | { readonly items: readonly unknown[] }
  | { readonly failure: Failure }
  | { readonly error: RayflightError };

/** What the node says about requests. */
type RequestReply = ClientReply & { type: "got" | "waited" | "nodes" | "failed" };

export function isAnswer(reply: ClientReply): reply is RequestReply {
  const { type } = reply;
  return type === "got" || type === "waited" || type === "nodes" || type === "failed";
}

/** What a thread asked the node, mostly by `get` and `wait`, and that was not answered yet. While there is any, the thread stays alive. */
export class PendingRequests {
  readonly #outbox: Outbox<ClientMessage>;
  readonly #pending = new Map<number, (answer: Answer) => void>();
  readonly #keepAlive: KeepAlive;
  #last = 0;

  constructor(outbox: Outbox<ClientMessage>, keepAlive: KeepAlive) {
    this.#outbox = outbox;
    this.#keepAlive = keepAlive;
  }

  async get(objects: readonly ObjectId[], options: GetOptions): Promise<readonly StoredValue[]> {
    const request = ++this.#last;
    return await this.#ask<readonly StoredValue[]>({ type: "get", request, objects }, options);
  }

  /** Of objects that the arguments of a call name. */
  async getHeld(objects: readonly ObjectId[]): Promise<readonly StoredValue[]> {
    const request = ++this.#last;
    return await this.#ask<readonly StoredValue[]>({ type: "get", request, objects, areHeld: true }, {});
  }

  async wait(
    objects: readonly ObjectId[],
    options: { numReturns: number } & WaitOptions,
  ): Promise<readonly ObjectId[]> {
    const request = ++this.#last;
    const message = { type: "wait", request, objects, count: options.numReturns } as const;
    return await this.#ask<readonly ObjectId[]>(message, options);
  }

  async nodes(): Promise<readonly NodeInfo[]> {
    return await this.#ask<readonly NodeInfo[]>({ type: "nodes", request: ++this.#last }, {});
  }

  /** Asks for values without waiting for them: `answer` is filled in when they come. */
  ask(objects: readonly ObjectId[]): OpenRequest {
    const request = ++this.#last;
    const open: OpenRequest = { answer: undefined, forget: () => this.#forget(request) };
    this.#pending.set(request, (answer) => {
      open.answer = answer;
    });
    this.#keepAlive.begin();
    this.#outbox.push({ type: "get", request, objects, stops: true });
    return open;
  }

  #forget(request: number): void {
    if (!this.#pending.delete(request)) return;
    this.#keepAlive.end();
    this.#outbox.push({ type: "forget", request });
  }

  receive(reply: RequestReply): void {
    const { request } = reply;
    if (reply.type === "got") this.#answer(request, { items: reply.values });
    else if (reply.type === "waited") this.#answer(request, { items: reply.ready });
    else if (reply.type === "nodes") this.#answer(request, { items: reply.nodes });
    else this.#answer(request, { failure: reply.failure });
  }

  close(error: RayflightError): void {
    for (const request of [...this.#pending.keys()]) this.#answer(request, { error });
  }

  async #ask<T>(
    message: ClientMessage & { request: number },
    { timeoutMs, signal }: Pick<GetOptions, "timeoutMs" | "signal">,
  ): Promise<T> {
    const { request } = message;
    if (signal?.aborted) throw abandoned(signal);
    const promise = new Promise<Answer>((resolve) => this.#pending.set(request, resolve));
    this.#keepAlive.begin();
    this.#outbox.push(message);
    if (signal === undefined && timeoutMs === undefined) return itemsOf(await promise) as T;
    const abort = () => {
      this.#outbox.push({ type: "forget", request });
      this.#answer(request, { error: abandoned(signal!) });
    };
    signal?.addEventListener("abort", abort, { once: true });
    // The node decides what was there in time: with 0, whatever is there when it reads this.
    const timedOut = () => this.#outbox.push({ type: "settle", request });
    if (timeoutMs === 0) timedOut();
    const timer = timeoutMs ? setTimeout(timedOut, Math.min(timeoutMs, 2 ** 31 - 1)) : undefined;
    try {
      return itemsOf(await promise) as T;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  #answer(request: number, answer: Answer): void {
    const resolve = this.#pending.get(request);
    if (resolve === undefined) return;
    this.#pending.delete(request);
    this.#keepAlive.end();
    resolve(answer);
  }
}

/** Throws where the caller awaits, so that the error's stack leads to it. */
export function itemsOf(answer: Answer): readonly unknown[] {
  if ("items" in answer) return answer.items;
  throw "failure" in answer ? toError(answer.failure) : answer.error;
}
