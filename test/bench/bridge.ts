import { type LineProcess, Processes } from "./line-process.js";
import { type BenchRow, compare, type RoomOptions } from "./measure.js";

export const room = "DoPut and DoGet of the endpoint, against a pyarrow server that keeps the data, too";

const python = ".venv/bin/python";
const total = 256 * 2 ** 20;
const sizes = [
  ["64 KiB", 2 ** 16],
  ["1 MiB", 2 ** 20],
  ["8 MiB", 2 ** 23],
] as const;
const busySeconds = 10;

/** The rows of the room; each server and the client is a process of its own, ended with the generator. */
export async function* rows({ rounds, wanted }: RoomOptions): AsyncGenerator<BenchRow> {
  await using processes = new Processes();
  const client = new Client(processes.start(python, ["test/bench/programs/flight_client.py"]));
  const ours = await processes.serve(process.execPath, ["dist/bridge/cli/main.js", "start", "--port", "0"]);
  const peers = await processes.serve(python, ["test/bench/programs/pyarrow_server.py"]);

  for (const [op, name] of [
    ["put", "DoPut"],
    ["get-raw", "DoGet"],
  ] as const) {
    for (const [size, batch] of sizes) {
      const figure = `${name}, batches of ${size}`;
      if (!wanted(figure)) continue;
      yield await compare({
        name: figure,
        unit: "GB/s",
        peer: op === "put" ? "pyarrow server, read_all" : "pyarrow server, RecordBatchStream",
        target: 0.8,
        rounds,
        ours: () => client.rate({ op, uri: ours.uri, name: `bench-${batch}`, batch, total }),
        peers: () => client.rate({ op, uri: peers.uri, name: `bench-${batch}`, batch, total }),
      });
    }
  }

  const busy = `DoPut while the driver computes for ${busySeconds} s`;
  if (!wanted(busy)) return;
  const driver = await processes.serve(process.execPath, ["dist/test/bench/programs/busy-driver.js"]);
  const puts = { op: "put-for", uri: driver.uri, name: "bench", batch: 2 ** 20, total } as const;
  yield await compare({
    name: busy,
    unit: "GB/s",
    peer: "the same node, its driver idle",
    target: 0.5,
    rounds,
    async ours() {
      driver.process.write(String(busySeconds));
      const rate = await client.rate({ ...puts, seconds: busySeconds });
      await driver.process.read();
      return rate;
    },
    peers: () => client.rate({ ...puts, seconds: busySeconds / 2 }),
  });
}

interface Command {
  readonly op: "put" | "get-raw" | "put-for";
  readonly uri: string;
  readonly name: string;
  readonly batch: number;
  readonly total: number;
  readonly seconds?: number;
}

class Client {
  readonly #process: LineProcess;

  constructor(process: LineProcess) {
    this.#process = process;
  }

  /** Gigabytes a second of one operation. */
  async rate(command: Command): Promise<number> {
    this.#process.write(JSON.stringify(command));
    const { seconds, bytes } = JSON.parse(await this.#process.read()) as { seconds: number; bytes: number };
    if (command.op !== "put-for" && bytes !== command.total) {
      throw new Error(`${command.op} moved ${bytes} bytes, not ${command.total}.`);
    }
    return bytes / seconds / 1e9;
  }
}
