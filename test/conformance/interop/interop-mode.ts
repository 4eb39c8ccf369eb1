import { readFileSync } from "node:fs";
import { FlightClient, FlightServer } from "arrow-flight-node";
import { interopCases } from "../../flight/interop-cases.js";
import { interopServices } from "../../flight/interop-service.js";
import { tail } from "../child.js";
import { type Outcome, outcomeOf, type Result } from "../result.js";
import { certificate, key, runGrpcGoClient, startGrpcGoServer } from "./go-programs.js";

const notRun: Readonly<Record<string, string>> = {
  pick_first_unary: "grpc-go's server does not say its name in a response, which the case needs.",
};

/** The names of gRPC's interop cases that need no account of a cloud's, without and with TLS. */
export const interopNames = Object.keys(interopCases).flatMap((name) => [`grpc: ${name}`, `grpc: ${name} (TLS)`]);

/** gRPC's interop cases, those of `names`: grpc-go's client against our server with TestService, then our client against grpc-go's server. */
export async function* interopMode(names: readonly string[]): AsyncGenerator<Result> {
  for (const tls of [false, true]) {
    const chosen = names.filter((name) => name.endsWith("(TLS)") === tls);
    if (chosen.length > 0) yield* interopOver(tls, chosen);
  }
}

async function* interopOver(tls: boolean, names: readonly string[]): AsyncGenerator<Result> {
  const options = tls ? { tls: { cert: readFileSync(certificate), key: readFileSync(key) } } : {};
  const ours = new FlightServer({}, { ...options, host: "localhost", services: interopServices() });
  const { port } = await ours.listen();
  const theirs = await startGrpcGoServer(tls);
  try {
    for (const scenario of names) {
      const name = scenario.replace(/^grpc: | \(TLS\)$/g, "");
      yield {
        scenario,
        peer: "grpc-go client",
        outcome: await outcomeOf(() => runGrpcGoClient(port, name, tls)),
      };
      yield { scenario, peer: "grpc-go server", outcome: await against(theirs.port, name, tls, theirs.output) };
    }
  } finally {
    await ours.close({ graceMs: 0 });
    await theirs.stop();
  }
}

async function against(port: number, name: string, tls: boolean, output: () => string): Promise<Outcome> {
  const why = notRun[name];
  if (why !== undefined) return { is: "not run", why };
  const connect = () =>
    tls
      ? new FlightClient(`grpc+tls://localhost:${port}`, { tls: { ca: readFileSync(certificate) } })
      : new FlightClient(`grpc://localhost:${port}`);
  const client = connect();
  try {
    return await outcomeOf(async () => {
      try {
        await interopCases[name]!(client, connect);
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : error}\n${tail(output())}`, { cause: error });
      }
    });
  } finally {
    await client.close();
  }
}
