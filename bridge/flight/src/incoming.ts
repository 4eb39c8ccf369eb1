import type { Allocate, FlightData, IncomingMessages } from "./messages.js";
import { decodeFlightData } from "./protocol/flight-data.js";
import type { MessageReader } from "./transport/message-reader.js";

/** The FlightData messages of a call that is under way. */
export class IncomingFlightData implements IncomingMessages, AsyncIterableIterator<FlightData> {
  readonly #reader: MessageReader;

  constructor(reader: MessageReader) {
    this.#reader = reader;
  }

  get allocate(): Allocate {
    return this.#reader.allocate;
  }

  set allocate(allocate: Allocate) {
    this.#reader.allocate = allocate;
  }

  async next(): Promise<IteratorResult<FlightData>> {
    const { done, value } = await this.#reader.next();
    return done ? { done, value: undefined } : { done: false, value: decodeFlightData(value) };
  }

  async return(): Promise<IteratorResult<FlightData>> {
    await this.#reader.return();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
