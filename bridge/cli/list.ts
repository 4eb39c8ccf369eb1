import { parseArgs } from "node:util";
import { RayflightError } from "../../src/error.js";
import { parseCount } from "./arguments.js";
import { endpointHelp, endpointOptions, withEndpoint } from "./endpoint.js";

const help = `rayflight list TABLE: rows of a state table, one JSON object a line

  TABLE           tasks, actors, objects, workers, nodes, resources or datasets
  --where C=V     only rows whose column C is V, such as state=failed; may be given several times
  --limit N       at most so many rows (default 100; 0: all)
  --count         only how many there are
${endpointHelp}`;

/** Prints rows of a state table. Resolves with the exit code; throws when the endpoint does not answer. */
export async function list(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      ...endpointOptions,
      where: { type: "string", multiple: true, default: [] },
      limit: { type: "string", default: "100" },
      count: { type: "boolean" },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const [table, ...rest] = positionals;
  if (table === undefined || rest.length > 0) {
    throw new RayflightError("INVALID_ARGUMENT", "Name one table.", { hint: "As in `rayflight list tasks`." });
  }
  const wanted = values.where.map(parseCondition);
  let left = (values.count ? 0 : parseCount("limit", values.limit)) || Number.POSITIVE_INFINITY;
  let count = 0;
  await withEndpoint(values, async (client) => {
    const { endpoints } = await client.getFlightInfo({ type: "path", path: ["state", table] });
    for (const { ticket } of endpoints) {
      for await (const batch of (await client.read(ticket)).batches) {
        for (const row of batch) {
          const cells = Object.entries(row?.toJSON() ?? {});
          if (!wanted.every(([name, value]) => cells.some(([n, v]) => n === name && String(v) === value))) continue;
          count += 1;
          if (values.count) continue;
          process.stdout.write(`${JSON.stringify(Object.fromEntries(cells.map(shown)))}\n`);
          left -= 1;
          if (left === 0) return;
        }
      }
    }
  });
  if (values.count) process.stdout.write(`${count}\n`);
  return 0;
}

function parseCondition(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new RayflightError("INVALID_ARGUMENT", `--where is "${text}".`, { hint: "Give column=value." });
}

/** Times as people read them. */
function shown([name, value]: [string, unknown]): [string, unknown] {
  return name.endsWith("At") && value !== null ? [name, new Date(Number(value)).toISOString()] : [name, value];
}
