import { fail } from "node:assert";
import { existsSync } from "node:fs";
import { type LineProcess, Processes } from "./line-process.js";
import { type BenchRow, compare, compareSeveral, type RoomOptions } from "./measure.js";
import { cpuSeconds, mostResidentBytes } from "./process-usage.js";

export const room =
  "arrow-flight-node's server and client against pyarrow's: throughput, processor time, calls, memory";
export const rounds = 9;

const commands = {
  ourServer: [process.execPath, ["dist/test/bench/programs/flight-server.js"]],
  ourClient: [process.execPath, ["dist/test/bench/programs/flight-client.js"]],
  peerServer: [".venv/bin/python", ["test/bench/programs/pyarrow_server.py"]],
  peerClient: [".venv/bin/python", ["test/bench/programs/flight_client.py"]],
} as const;
/** Where there is none, why processor time and memory are not measured. */
const noProc = existsSync("/proc/self/stat") ? undefined : "it is read from Linux's /proc";
const total = 512 * 2 ** 20;
/** How much is put and compared byte by byte before a figure is measured; the measured puts and gets count rows and bytes. */
const checkedTotal = 128 * 2 ** 20;
const sizes = [
  ["64 KiB", 2 ** 16],
  ["1 MiB", 2 ** 20],
  ["8 MiB", 2 ** 23],
] as const;
const streams = [
  ["put", "DoPut"],
  ["get", "DoGet"],
] as const;
const dataset = "bench";
const relayed = { name: "relay", batch: 2 ** 20, total: 10_000 * 2 ** 20, rate: 300e6 };
const relayBound = 256;
const calls = [
  ["DoAction, one after the other", { op: "action", threads: 1, calls: 1000 }],
  ["DoAction, 64 in flight", { op: "action", threads: 64, calls: 2000 }],
  ["DoExchange, round trips on one stream", { op: "exchange", threads: 1, calls: 2000 }],
] as const;

/** The rows of the room. Each server and each client is a process of its own, ended with the generator. */
export async function* rows(options: RoomOptions): AsyncGenerator<BenchRow> {
  await using processes = new Processes();
  const sides = {
    ourServer: await processes.serve(...commands.ourServer),
    peerServer: await processes.serve(...commands.peerServer),
    ourClient: new Client(processes.start(...commands.ourClient)),
    peerClient: new Client(processes.start(...commands.peerClient)),
  };
  yield* serverStreams(sides, options);
  yield* clientStreams(sides, options);
  yield* serverCalls(sides, options);
  yield* clientCalls(sides, options);
  yield* relay(processes, options);
}

interface Sides {
  readonly ourServer: Server;
  readonly peerServer: Server;
  readonly ourClient: Client;
  readonly peerClient: Client;
}

interface Server {
  readonly uri: string;
  readonly process: LineProcess;
}

/** Both servers, the same pyarrow client: wall time and the server's processor time of the same rounds (at most 1.1 times as much: a ratio of 0.91). */
async function* serverStreams(
  { ourServer, peerServer, peerClient }: Sides,
  { rounds, wanted }: RoomOptions,
): AsyncGenerator<BenchRow> {
  for (const [op, rpc] of streams) {
    for (const [size, batch] of sizes) {
      const name = `server ${rpc}, batches of ${size}`;
      if (!begin(name, wanted)) continue;
      for (const { uri } of [ourServer, peerServer]) {
        await peerClient.requireKept(uri, batch, peerClient);
        await peerClient.move({ op: "put", uri, name: dataset, batch, total });
      }
      const measure = async ({ uri, process: { pid } }: Server) => {
        const before = noProc === undefined ? cpuSeconds(pid) : 0;
        const { seconds } = await peerClient.move({ op, uri, name: dataset, batch, total });
        const used = noProc === undefined ? cpuSeconds(pid) - before : 0;
        return [total / seconds / 1e9, used / (total / 1e9)];
      };
      const peer = `pyarrow's server, ${op === "put" ? "read_all" : "RecordBatchStream"}`;
      const wall = { name, unit: "GB/s", peer, target: 0.9 };
      const processor = { name: `${name}, processor time`, unit: "s/GB", peer, target: 0.91, smallerIsBetter: true };
      yield* await compareSeveral({
        figures: noProc === undefined ? [wall, processor] : [wall],
        rounds,
        ours: () => measure(ourServer),
        peers: () => measure(peerServer),
      });
      if (noProc !== undefined) yield { name: processor.name, not_run: noProc, target: processor.target };
    }
  }
}

/** Both clients, the same pyarrow server. */
async function* clientStreams({ peerServer, ourClient, peerClient }: Sides, { rounds, wanted }: RoomOptions) {
  for (const [op, rpc] of streams) {
    for (const [size, batch] of sizes) {
      const name = `client ${rpc}, batches of ${size}`;
      if (!begin(name, wanted)) continue;
      const { uri } = peerServer;
      await ourClient.requireKept(uri, batch, peerClient);
      await peerClient.move({ op: "put", uri, name: dataset, batch, total });
      const measure = async (client: Client) => {
        const { seconds } = await client.move({ op, uri, name: dataset, batch, total });
        return total / seconds / 1e9;
      };
      yield await compare({
        name,
        unit: "GB/s",
        peer: "pyarrow's client",
        target: op === "put" ? 0.9 : 0.7,
        rounds,
        ours: () => measure(ourClient),
        peers: () => measure(peerClient),
      });
    }
  }
}

async function* serverCalls({ ourServer, peerServer, peerClient }: Sides, { rounds, wanted }: RoomOptions) {
  for (const [what, command] of calls) {
    const name = `server ${what}`;
    if (!begin(name, wanted)) continue;
    yield await compare({
      name,
      unit: "calls/s",
      peer: "pyarrow's server",
      target: 1,
      rounds,
      ours: () => peerClient.callRate({ ...command, uri: ourServer.uri }),
      peers: () => peerClient.callRate({ ...command, uri: peerServer.uri }),
    });
  }
}

async function* clientCalls({ peerServer: { uri }, ourClient, peerClient }: Sides, { rounds, wanted }: RoomOptions) {
  for (const [what, command] of calls) {
    const name = `client ${what}`;
    if (!begin(name, wanted)) continue;
    yield await compare({
      name,
      unit: "calls/s",
      peer: "pyarrow's client",
      target: 0.7,
      rounds,
      ours: () => ourClient.callRate({ ...command, uri }),
      peers: () => peerClient.callRate({ ...command, uri }),
    });
  }
}

/** A server with default options passes 10 GB from a writer at full speed to a reader of 300 MB/s; both are pyarrow's. */
async function* relay(processes: Processes, { wanted }: RoomOptions): AsyncGenerator<BenchRow> {
  const name = "server relays 10 GB to a slow reader: most resident memory";
  if (!begin(name, wanted)) return;
  if (noProc !== undefined) {
    yield { name, not_run: noProc, target: 1 };
    return;
  }
  const { uri, process } = await processes.serve(...commands.ourServer);
  const writer = new Client(processes.start(...commands.peerClient));
  const reader = new Client(processes.start(...commands.peerClient));
  const idle = mostResidentBytes(process.pid);
  await Promise.all([
    reader.move({ op: "relay-get", uri, ...relayed }),
    writer.move({ op: "relay-put", uri, ...relayed }),
  ]);
  const value = Math.round(mostResidentBytes(process.pid) / 2 ** 20);
  const ratio = Number((relayBound / value).toPrecision(4));
  yield {
    name,
    value,
    unit: "MiB",
    peer: `the bound; idle, the server has ${Math.round(idle / 2 ** 20)} MiB`,
    peer_value: relayBound,
    ratio,
    target: 1,
    holds: value < relayBound,
    rounds: 1,
    quartiles: [value, value],
    peer_quartiles: [relayBound, relayBound],
    ratio_quartiles: [ratio, ratio],
  };
}

/** Whether a figure is to be measured; says so, since one takes seconds. */
function begin(name: string, wanted: RoomOptions["wanted"]): boolean {
  if (!wanted(name)) return false;
  process.stderr.write(`${name} …\n`);
  return true;
}

interface Stream {
  readonly op: "put" | "get" | "relay-put" | "relay-get";
  readonly uri: string;
  readonly name: string;
  readonly batch: number;
  readonly total: number;
}

interface Calls {
  readonly op: "action" | "exchange";
  readonly uri: string;
  readonly threads: number;
  readonly calls: number;
}

/** A client of Flight in another process, ours or pyarrow's: both take the same commands. */
class Client {
  readonly #process: LineProcess;

  constructor(process: LineProcess) {
    this.#process = process;
  }

  /** One put or get. Throws when it did not move every byte and row, or read other values than were put. */
  async move(command: Stream): Promise<{ seconds: number }> {
    const { batch, total } = command;
    const { seconds, bytes, rows, touched } = await this.#run<{
      seconds: number;
      bytes: number;
      rows: number;
      touched?: number;
    }>(command);
    const count = total / batch;
    if (bytes !== total || rows !== total / bytesOfRow) fail(`${command.op} moved ${bytes} bytes in ${rows} rows.`);
    if (touched !== undefined && touched !== firstValues(count)) fail("The values are not those that were put.");
    return { seconds };
  }

  /** Puts with this client, and has `reader` read every byte back. Throws when they are not what was put. */
  async requireKept(uri: string, batch: number, reader: Client): Promise<void> {
    const total = checkedTotal;
    await this.move({ op: "put", uri, name: dataset, batch, total });
    const kept = await reader.#run<{ bytes: number; crc: number }>({ op: "kept", uri, name: dataset, batch });
    const expected = await reader.#run<{ crc: number }>({ op: "expected", batch, total });
    if (kept.bytes !== total || kept.crc !== expected.crc) fail(`${uri} does not keep what is put.`);
  }

  /** Calls a second. The clients compare each answer with what they sent. */
  async callRate(command: Calls): Promise<number> {
    const { seconds, calls } = await this.#run<{ seconds: number; calls: number }>(command);
    if (calls !== command.calls) fail(`${calls} of ${command.calls} calls were answered.`);
    return calls / seconds;
  }

  async #run<Answer>(command: object): Promise<Answer> {
    this.#process.write(JSON.stringify(command));
    return JSON.parse(await this.#process.read()) as Answer;
  }
}

const columns = 4;
const variants = 16;
const bytesOfRow = 8 * columns;

/** The sum of the first values of `count` batches as the clients make them. */
function firstValues(count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++)
    for (let column = 0; column < columns; column++) sum += 1000 * (i % variants) + column;
  return sum;
}
