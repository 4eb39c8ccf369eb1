import { parseArgs } from "node:util";
import { FlightClient } from "arrow-flight-node";

const help = `rayflight status: what an endpoint holds

  --uri URI       endpoint to ask (default grpc://127.0.0.1:8815)
  --token TOKEN   its bearer token (or RAYFLIGHT_TOKEN)
  --help
`;

/** Prints an endpoint's status as JSON. Resolves with the exit code; throws when the endpoint does not answer. */
export async function status(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      uri: { type: "string", default: "grpc://127.0.0.1:8815" },
      token: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) {
    process.stdout.write(help);
    return 0;
  }
  const token = values.token ?? process.env.RAYFLIGHT_TOKEN;
  const client = new FlightClient(values.uri, token === undefined ? {} : { token });
  try {
    for await (const body of client.doAction({ type: "status", body: new Uint8Array() })) {
      process.stdout.write(`${JSON.stringify(JSON.parse(new TextDecoder().decode(body)), null, 2)}\n`);
    }
    return 0;
  } finally {
    await client.close();
  }
}
