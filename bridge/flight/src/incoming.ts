import type { Allocate } from "./messages.js";
import type { MessageReader } from "./transport/message-reader.js";

/** The messages of a call that is under way, decoded as they are asked for. */
export class Incoming<Message> implements AsyncIterableIterator<Message> {
  readonly #reader: MessageReader;
  readonly #decode: (bytes: Uint8Array) => Message;

  constructor(reader: MessageReader, decode: (bytes: Uint8Array) => Message) {
    this.#reader = reader;
    this.#decode = decode;
  }

  get allocate(): Allocate {
    return this.#reader.allocate;
  }

  set allocate(allocate: Allocate) {
    this.#reader.allocate = allocate;
  }

  async next(): Promise<IteratorResult<Message>> {
    const { done, value } = await this.#reader.next();
    return done ? { done, value: undefined } : { done: false, value: this.#decode(value) };
  }

  async return(): Promise<IteratorResult<Message>> {
    await this.#reader.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
