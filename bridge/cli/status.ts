import { parseArgs } from "node:util";
import { endpointHelp, endpointOptions, withEndpoint } from "./endpoint.js";

const help = `rayflight status: what an endpoint holds

${endpointHelp}`;

/** Prints an endpoint's status as JSON. Resolves with the exit code; throws when the endpoint does not answer. */
export async function status(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: endpointOptions });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  await withEndpoint(values, async (client) => {
    for await (const body of client.doAction({ type: "status", body: new Uint8Array() })) {
      process.stdout.write(`${JSON.stringify(JSON.parse(new TextDecoder().decode(body)), null, 2)}\n`);
    }
  });
  return 0;
}
