import { readFileSync } from "node:fs";
import path from "node:path";
import { type ClientTls, FlightClient } from "arrow-flight-node";
import { all } from "../all.js";
import { equal } from "../equal.js";
import { expectFailure } from "../expect-failure.js";
import type { Scenario } from "../scenario.js";
import { text } from "../scenarios/command.js";

/** An authority's certificate, a server's and a client's that it has signed, and a stranger's; make.sh beside them says how. */
export const certificates: string = path.resolve("test/conformance/certificates");

/** A client that trusts the server's certificate, and one that trusts others. */
export const tls: Scenario = {
  name: "call: tls",
  handlers: () => ({ doAction: () => [Buffer.from("someone")] }),
  serverOptions: { tls: identity("server") },
  async client(_, uri) {
    equal(await who(uri, { ca: pem("authority.pem") }), "someone", "who a client without a certificate is");
    await expectFailure(
      who(uri, { ca: pem("stranger.pem") }),
      "UNAVAILABLE",
      "a server that the client does not trust",
    );
  },
};

/** A client whose certificate the server asks for, one with another's, and one without. */
export const mtls: Scenario = {
  name: "call: mtls",
  handlers: () => ({ doAction: (_, { certificate }) => [Buffer.from(String(certificate?.subject.CN))] }),
  serverOptions: { tls: { ...identity("server"), clientCa: pem("authority.pem") } },
  async client(_, uri) {
    const ca = pem("authority.pem");
    equal(await who(uri, { ca, ...identity("ann") }), "ann", "who the client is");
    await expectFailure(who(uri, { ca, ...identity("stranger") }), "UNAVAILABLE", "a stranger's certificate");
    await expectFailure(who(uri, { ca }), "UNAVAILABLE", "a client without a certificate");
  },
};

async function who(uri: string, tls: ClientTls): Promise<string> {
  const client = new FlightClient(uri.replace("grpc:", "grpc+tls:"), { tls });
  try {
    return (await all(client.doAction({ type: "who" }))).map(text).join();
  } finally {
    await client.close();
  }
}

function pem(name: string): Buffer {
  return readFileSync(path.join(certificates, name));
}

function identity(name: string): { cert: Buffer; key: Buffer } {
  return { cert: pem(`${name}.pem`), key: pem(`${name}.key`) };
}
