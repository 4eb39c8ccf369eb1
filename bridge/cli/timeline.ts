import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { parseArgs } from "node:util";
import { endpointHelp, endpointOptions, withEndpoint } from "./endpoint.js";

const help = `rayflight timeline: what ran where and when, for ui.perfetto.dev, speedscope or chrome://tracing

  --out FILE      where to write it (default timeline.json)
${endpointHelp}`;

/** Writes an endpoint's timeline to a file. Resolves with the exit code; throws when the endpoint does not answer. */
export async function timeline(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { ...endpointOptions, out: { type: "string", default: "timeline.json" } },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  await withEndpoint(values, async (client) => {
    const pieces = client.doAction({ type: "timeline", body: new Uint8Array() });
    await pipeline(Readable.from(pieces), createWriteStream(values.out));
  });
  process.stdout.write(`${values.out}\n`);
  return 0;
}
