import { FlightClient } from "arrow-flight-node";

/** The options of a command that asks an endpoint. */
export const endpointOptions = {
  uri: { type: "string", default: "grpc://127.0.0.1:8815" },
  token: { type: "string" },
  help: { type: "boolean", short: "h" },
} as const;

/** Their lines in its help. */
export const endpointHelp = `  --uri URI       endpoint to ask (default grpc://127.0.0.1:8815)
  --token TOKEN   its bearer token (or RAYFLIGHT_TOKEN)
  --help
`;

/** Runs `work` with a client of the endpoint, which is closed then. */
export async function withEndpoint<T>(
  { uri, token = process.env.RAYFLIGHT_TOKEN }: { uri: string; token?: string | undefined },
  work: (client: FlightClient) => Promise<T>,
): Promise<T> {
  const client = new FlightClient(uri, token === undefined ? {} : { token });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}
