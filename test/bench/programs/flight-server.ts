// The server of arrow-flight-node's benchmark: it keeps what is put, untouched, and gives it back; actions and exchanges echo.
// What is put as "relay" is kept by nobody: it waits for the reader of the ticket "relay", message by message.
import { allocateShared, type FlightData, type FlightDataOut, FlightError, FlightServer } from "arrow-flight-node";
import { Handover } from "./handover.js";

const kept = new Map<string, FlightData[]>();
const relay = new Handover<FlightData>();

const server = new FlightServer({
  async doPut(messages) {
    const heap = messages.allocate;
    messages.allocate = allocateShared();
    const iterator = messages[Symbol.asyncIterator]();
    const first = await iterator.next();
    if (first.done || first.value.descriptor?.type !== "path") throw unknown();
    const name = first.value.descriptor.path.join("/");
    const own = name === "relay" ? undefined : [first.value];
    if (own === undefined) {
      messages.allocate = heap;
      await relay.give(first.value);
    }
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
      if (own === undefined) await relay.give(next.value);
      else own.push(next.value);
    }
    if (own === undefined) relay.end();
    else kept.set(name, own);
  },
  doGet(ticket) {
    const name = Buffer.from(ticket).toString();
    if (name === "relay") return untold(relay);
    const messages = kept.get(name);
    if (messages === undefined) throw unknown();
    return messages.map(({ header, body }) => ({ header, body }));
  },
  getFlightInfo(descriptor) {
    if (descriptor.type !== "path" || !kept.has(descriptor.path.join("/"))) throw unknown();
    const endpoints = [{ ticket: Buffer.from(descriptor.path.join("/")) }];
    return { descriptor, endpoints, totalRecords: -1, totalBytes: -1 };
  },
  doAction: ({ body }) => [body],
  doExchange: (messages) => untold(messages),
});
process.stdout.write(`listening on ${(await server.listen()).uri}\n`);
process.stdin.resume().once("end", () => void server.close({ graceMs: 0 }));

/** Without the descriptor, which only a client's messages have. */
async function* untold(messages: AsyncIterable<FlightData>): AsyncGenerator<FlightDataOut> {
  for await (const { header, body } of messages) if (header.byteLength > 0) yield { header, body };
}

function unknown(): FlightError {
  return new FlightError("NOT_FOUND", "No such dataset.", { hint: "Put it first." });
}
