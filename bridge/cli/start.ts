import { parseArgs } from "node:util";
import { type InitOptions, init } from "../node.js";
import { parseCount, parseSize } from "./arguments.js";

const help = `rayflight start: a Flight endpoint that stays until Ctrl-C or SIGTERM

  --host ADDRESS               address to listen on (default 127.0.0.1; any other needs --token)
  --port N                     port to listen on (default 8815; 0 takes a free one)
  --token TOKEN                bearer token that clients must send (or RAYFLIGHT_TOKEN)
  --num-cpus N                 CPUs for tasks and actors (default: the machine's)
  --object-store-memory SIZE   memory before parts are spilled, such as 4GiB (default: 30 % of the machine's)
  --spill-directory PATH       where spilled parts go (default: the temporary folder; nothing is left there)
  --spill-limit SIZE           disk that spilled parts may take (default: four times the memory)
  --transaction-ttl SECONDS    how long a write that nobody goes on with may stay open (default 1800)
  --help
`;

/** Runs an endpoint until a signal, then lets what is being sealed finish. Resolves with the exit code. */
export async function start(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      host: { type: "string" },
      port: { type: "string", default: "8815" },
      token: { type: "string" },
      "num-cpus": { type: "string" },
      "object-store-memory": { type: "string" },
      "spill-directory": { type: "string" },
      "spill-limit": { type: "string" },
      "transaction-ttl": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const options: InitOptions = { port: parseCount("port", values.port), keepAlive: true };
  const token = values.token ?? process.env.RAYFLIGHT_TOKEN;
  if (values.host !== undefined) options.host = values.host;
  if (token !== undefined) options.token = token;
  if (values["num-cpus"] !== undefined) options.numCpus = parseCount("num-cpus", values["num-cpus"]);
  if (values["object-store-memory"] !== undefined) {
    options.objectStoreMemory = parseSize("object-store-memory", values["object-store-memory"]);
  }
  if (values["spill-directory"] !== undefined) options.spillDirectory = values["spill-directory"];
  if (values["spill-limit"] !== undefined) options.spillLimit = parseSize("spill-limit", values["spill-limit"]);
  if (values["transaction-ttl"] !== undefined) {
    options.transactionTtlMs = parseCount("transaction-ttl", values["transaction-ttl"]) * 1000;
  }

  const stop = untilSignal();
  const node = await init(options);
  process.stdout.write(`rayflight listens on ${node.uri}\n`);
  const ended = await Promise.race([stop, node.closed]);
  if (ended === undefined) return 1;
  process.stdout.write(`${ended}: finishing what is being sealed; again to stop at once\n`);
  await node.close();
  return 0;
}

/** Resolves with the first SIGINT or SIGTERM; a second one ends the process at once. */
function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.on(signal, () => {
        if (asked) process.exit(130);
        asked = true;
        resolve(signal);
      });
    }
  });
}
