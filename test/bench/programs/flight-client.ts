// Our client in arrow-flight-node's benchmark: takes the same lines as flight_client.py and answers the same.
import { createInterface } from "node:readline";
import { Field, Float64, makeData, RecordBatch, Schema, Struct } from "apache-arrow";
import { FlightClient, type FlightDescriptor } from "arrow-flight-node";

interface Command {
  readonly op: string;
  readonly uri: string;
  readonly name: string;
  readonly batch: number;
  readonly total: number;
  readonly calls: number;
  readonly threads: number;
}

const columns = 4;
const variants = 16;
const schema = new Schema(Array.from({ length: columns }, (_, i) => new Field(`x${i}`, new Float64(), true)));
const clients = new Map<string, FlightClient>();
const made = new Map<number, RecordBatch[]>();

const operations: Readonly<Record<string, (command: Command) => Promise<object>>> = {
  async put({ uri, name, batch: size, total }) {
    const count = total / size;
    const batches = batchesOf(size);
    const turns = function* () {
      for (let i = 0; i < count; i++) yield batches[i % variants]!;
    };
    await clientOf(uri).write(descriptorOf(name), { schema, batches: turns() });
    return { bytes: total, rows: count * batches[0]!.numRows };
  },

  async get({ uri, name }) {
    const client = clientOf(uri);
    let bytes = 0;
    let rows = 0;
    let touched = 0;
    for (const { ticket } of (await client.getFlightInfo(descriptorOf(name))).endpoints) {
      for await (const batch of (await client.read(ticket)).batches) {
        rows += batch.numRows;
        for (const { values } of batch.data.children) {
          bytes += (values as Float64Array).byteLength;
          touched += (values as Float64Array)[0]!;
        }
      }
    }
    return { bytes, rows, touched };
  },

  async action({ uri, calls, threads }) {
    const client = clientOf(uri);
    let number = 0;
    const caller = async () => {
      while (number < calls) {
        const body = new Uint8Array(new Float64Array([number++]).buffer);
        for await (const result of client.doAction({ type: "echo", body })) requireSame(result, body);
      }
    };
    await Promise.all(Array.from({ length: threads }, caller));
    return { calls };
  },

  async exchange({ uri, calls }) {
    const one = new Schema([new Field("x", new Float64(), true)]);
    const batchOf = (number: number) => recordBatch(one, new Float64Array(8).fill(number));
    let answered: (() => void) | undefined;
    const turns = async function* () {
      for (let number = 0; number < calls; number++) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield batchOf(number);
        await answer;
      }
    };
    const { batches } = await clientOf(uri).exchange(
      { type: "path", path: ["echo"] },
      { schema: one, batches: turns() },
    );
    let number = 0;
    for await (const batch of batches) {
      if (batch.getChildAt(0)!.get(7) !== number++) throw new Error("The echo says something else.");
      answered?.();
    }
    return { calls: number };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line) as Command;
  const began = performance.now();
  const done = await operations[command.op]!(command);
  process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - began) / 1000, ...done })}\n`);
}
for (const client of clients.values()) await client.close();

function clientOf(uri: string): FlightClient {
  const client = clients.get(uri) ?? new FlightClient(uri);
  clients.set(uri, client);
  return client;
}

function descriptorOf(name: string): FlightDescriptor {
  return { type: "path", path: [name] };
}

/** The batches that flight_client.py makes, too. */
function batchesOf(size: number): RecordBatch[] {
  const rows = size / (8 * columns);
  const batches =
    made.get(size) ??
    Array.from({ length: variants }, (_, variant) =>
      recordBatch(
        schema,
        ...Array.from({ length: columns }, (_, i) =>
          Float64Array.from({ length: rows }, (_, row) => row + 1000 * variant + i),
        ),
      ),
    );
  made.set(size, batches);
  return batches;
}

function recordBatch(of: Schema, ...values: Float64Array[]): RecordBatch {
  const children = values.map((data) => makeData({ type: new Float64(), length: data.length, nullCount: 0, data }));
  return new RecordBatch(
    of,
    makeData({ type: new Struct(of.fields), length: values[0]!.length, nullCount: 0, children }),
  );
}

function requireSame(a: Uint8Array, b: Uint8Array): void {
  if (Buffer.compare(a, b) !== 0) throw new Error("The echo says something else.");
}
