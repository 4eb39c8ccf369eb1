import type { StoredValue } from "../../store/value.js";
import { late } from "../deadline.js";
import type { Failure } from "../failure.js";
import { formatObjectId } from "../object-ref.js";
import type { ClientReply } from "../protocol.js";
import type { ClientId, ObjectId } from "../scheduler/events.js";
import type { ObjectTable } from "./object-table.js";
import { freed } from "./reasons.js";

interface Request {
  readonly client: ClientId;
  readonly id: number;
  readonly kind: "get" | "wait";
  readonly objects: readonly ObjectId[];
  /** How many more objects it waits for. */
  missing: number;
}

type Reply = (client: ClientId, reply: ClientReply) => void;

/** What was read for a thread; or why not, and which object must be made again. */
export type Reading =
  | { readonly values: readonly StoredValue[] }
  | { readonly failure: Failure; readonly lost: ObjectId | undefined };

/** How values are read. */
export interface Reader {
  /** The values of objects that have one, for a thread that may have views of them from then on. */
  read(client: ClientId, objects: readonly ObjectId[]): Reading | Promise<Reading>;
  /** Something was answered later than in the turn in which it was asked. */
  answered(): void;
  /** An object is not there any more; it is being made again, or it has a failure from now on. */
  lost(object: ObjectId, failure: Failure): void;
}

/** Who waits for which objects. Answers as soon as it can. */
export class Requests {
  readonly #objects: ObjectTable;
  readonly #reply: Reply;
  readonly #reader: Reader;
  /** Of those answered, how many still wait for a disk. */
  #reading = 0;
  readonly #requests = new Map<string, Request>();
  readonly #once = new Map<ObjectId, (() => void)[]>();
  readonly #waiters = new Map<ObjectId, Set<Request>>();

  constructor(objects: ObjectTable, reply: Reply, reader: Reader) {
    this.#objects = objects;
    this.#reply = reply;
    this.#reader = reader;
  }

  get size(): number {
    return this.#requests.size + this.#reading;
  }

  get(client: ClientId, id: number, objects: readonly ObjectId[]): void {
    this.#add({ client, id, kind: "get", objects, missing: new Set(objects.filter((o) => !this.#isReady(o))).size });
  }

  wait(client: ClientId, id: number, objects: readonly ObjectId[], count: number): void {
    const ready = objects.filter((object) => this.#isReady(object)).length;
    this.#add({ client, id, kind: "wait", objects, missing: count - ready });
  }

  /** The time is up: answers with what is there. */
  settle(client: ClientId, id: number): void {
    const request = this.#requests.get(keyOf(client, id));
    if (request?.kind === "wait") this.#answer(request);
    else if (request !== undefined) this.#fail(request, late);
  }

  /** The client no longer wants the answer. */
  forget(client: ClientId, id: number): void {
    const request = this.#requests.get(keyOf(client, id));
    if (request !== undefined) this.#remove(request);
  }

  /** A thread is gone. */
  forgetAll(client: ClientId): void {
    for (const request of [...this.#requests.values()]) if (request.client === client) this.#remove(request);
  }

  /** An object has a value or a failure now. */
  settled(object: ObjectId): void {
    const once = this.#once.get(object);
    if (once !== undefined) {
      this.#once.delete(object);
      for (const then of once) then();
    }
    const waiters = this.#waiters.get(object);
    if (waiters === undefined) return;
    this.#waiters.delete(object);
    for (const request of waiters) {
      request.missing -= 1;
      if (request.kind === "get" && this.#failureOf(object) !== undefined)
        this.#fail(request, this.#failureOf(object)!);
      else if (request.missing <= 0) this.#answer(request);
    }
  }

  /** Calls `then` when an object has a value or a failure. */
  once(object: ObjectId, then: () => void): void {
    if (this.#isReady(object)) {
      then();
      return;
    }
    const waiters = this.#once.get(object);
    if (waiters === undefined) this.#once.set(object, [then]);
    else waiters.push(then);
  }

  #add(request: Request): void {
    const failed = request.kind === "get" ? request.objects.find((object) => this.#failureOf(object)) : undefined;
    if (failed !== undefined) this.#fail(request, this.#failureOf(failed)!);
    else if (request.missing <= 0) this.#answer(request);
    else {
      this.#requests.set(keyOf(request.client, request.id), request);
      for (const object of request.objects) {
        if (this.#isReady(object)) continue;
        const waiters = this.#waiters.get(object);
        if (waiters === undefined) this.#waiters.set(object, new Set([request]));
        else waiters.add(request);
      }
    }
  }

  #answer(request: Request): void {
    this.#remove(request);
    const { client, id, objects } = request;
    if (request.kind === "wait") {
      this.#reply(client, { type: "waited", request: id, ready: objects.filter((object) => this.#isReady(object)) });
      return;
    }
    const reading = this.#reader.read(client, objects);
    if (!(reading instanceof Promise)) {
      this.#got(client, id, objects, reading);
      return;
    }
    this.#reading += 1;
    void reading.then((read) => {
      this.#reading -= 1;
      this.#got(client, id, objects, read);
      this.#reader.answered();
    });
  }

  #got(client: ClientId, id: number, objects: readonly ObjectId[], reading: Reading): void {
    if ("values" in reading) this.#reply(client, { type: "got", request: id, values: reading.values });
    else if (reading.lost === undefined) {
      this.#reply(client, { type: "failed", request: id, failure: reading.failure });
    } else {
      this.#reader.lost(reading.lost, reading.failure);
      this.get(client, id, objects);
    }
  }

  #fail(request: Request, failure: Failure): void {
    this.#remove(request);
    this.#reply(request.client, { type: "failed", request: request.id, failure });
  }

  #remove(request: Request): void {
    if (!this.#requests.delete(keyOf(request.client, request.id))) return;
    for (const object of request.objects) {
      const waiters = this.#waiters.get(object);
      waiters?.delete(request);
      if (waiters?.size === 0) this.#waiters.delete(object);
    }
  }

  #isReady(object: ObjectId): boolean {
    const entry = this.#objects.get(object);
    return entry === undefined || entry.outcome !== undefined;
  }

  #failureOf(object: ObjectId): Failure | undefined {
    const entry = this.#objects.get(object);
    if (entry === undefined) return freed(formatObjectId(object));
    return entry.outcome !== undefined && "failure" in entry.outcome ? entry.outcome.failure : undefined;
  }
}

function keyOf(client: ClientId, id: number): string {
  return `${client}:${id}`;
}
