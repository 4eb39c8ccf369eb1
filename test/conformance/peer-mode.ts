import { FlightClient, FlightServer } from "arrow-flight-node";
import { type ServerProcess, tail } from "./child.js";
import { putAndGet } from "./data-client.js";
import { startDataServer } from "./data-server.js";
import type { IpcFile } from "./ipc-files.js";
import { PeerClient, type PeerProgram, startPeerServer } from "./peer-program.js";
import { type Outcome, outcomeOf, type Result } from "./result.js";
import type { Same } from "./same.js";
import type { Scenario } from "./scenario.js";

const serverTimeoutMs = 120_000;

/** A peer of ours: its client and its server for each scenario that it has, and then the data of every type. */
export async function* peerMode(
  peer: PeerProgram,
  scenarios: readonly Scenario[],
  files: readonly IpcFile[],
  same: Same,
): AsyncGenerator<Result> {
  const client = new PeerClient(peer);
  try {
    for (const scenario of scenarios.filter(({ name }) => peer.knows(name))) {
      const { name } = scenario;
      yield {
        scenario: name,
        peer: `${peer.name} client`,
        outcome: await outcomeOf(() => meetClient(client, scenario)),
      };
      if (peer.server === undefined) continue;
      yield { scenario: name, peer: `${peer.name} server`, outcome: await outcomeOf(() => meetServer(peer, scenario)) };
    }
    if (files.length === 0) return;
    yield* dataFromClient(peer, client, files, same);
    if (peer.server === undefined) return;
    const start = () => startPeerServer(peer, "data");
    for await (const { outcome, file, ...result } of dataFromServer(peer.name, start, files, same, peer.unmarked)) {
      yield { ...result, outcome: await blame(outcome, peer, file) };
    }
  } finally {
    await client.end();
  }
}

async function meetClient(client: PeerClient, { name, handlers, serverOptions }: Scenario): Promise<void> {
  let closed: Promise<void> | undefined;
  const server: FlightServer = new FlightServer(
    handlers(() => {
      closed = server.close();
    }),
    serverOptions,
  );
  const { port } = await server.listen();
  try {
    await client.ask(`grpc://127.0.0.1:${port}`, name);
  } finally {
    await (closed ?? server.close({ graceMs: 0 }));
  }
}

async function meetServer(peer: PeerProgram, { name, client }: Scenario): Promise<void> {
  const server = await startPeerServer(peer, name);
  const uri = `grpc://127.0.0.1:${server.port}`;
  const ours = new FlightClient(uri);
  try {
    await within(client(ours, uri), serverTimeoutMs);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${tail(server.output())}`, { cause: error });
  } finally {
    await ours.close();
    await server.stop();
  }
}

async function* dataFromClient(
  peer: PeerProgram,
  client: PeerClient,
  files: readonly IpcFile[],
  same: Same,
): AsyncGenerator<Result> {
  const server = await startDataServer();
  for (const file of files) {
    const outcome = await outcomeOf(async () => {
      await client.ask(server.uri, "data", file.file);
      await same(file, server.kept(file.file));
    });
    yield { scenario: `data: ${file.name}`, peer: `${peer.name} client`, outcome: await blame(outcome, peer, file) };
  }
  await server.close();
}

/** Puts every file to a peer's server, and reads it back. */
export async function* dataFromServer(
  name: string,
  start: () => Promise<ServerProcess>,
  files: readonly IpcFile[],
  same: Same,
  unmarked: (file: IpcFile) => boolean = () => false,
): AsyncGenerator<Result & { file: IpcFile }> {
  let server = await start();
  for (const file of files) {
    const outcome = await outcomeOf(async () => {
      const uri = `grpc://127.0.0.1:${server.port}`;
      const read = async () => {
        for await (const got of putAndGet(uri, file, { unmarked: unmarked(file) })) await same(file, got);
      };
      await within(read(), serverTimeoutMs);
    });
    yield { scenario: `data: ${file.name}`, peer: `${name} server`, outcome, file };
    if (outcome.is !== "FAIL") continue;
    // A server that broke on one type must not fail the others.
    await server.stop();
    server = await start();
  }
  await server.stop();
}

/** What a peer's client and its own server cannot do with each other says nothing of us. */
async function blame(outcome: Outcome, peer: PeerProgram, file: IpcFile): Promise<Outcome> {
  if (outcome.is !== "FAIL" || peer.server === undefined) return outcome;
  const server = await startPeerServer(peer, "data");
  const client = new PeerClient(peer);
  const alone = await outcomeOf(() => client.ask(`grpc://127.0.0.1:${server.port}`, "data", file.file));
  await client.end();
  await server.stop();
  if (alone.is === "pass") return outcome;
  const [first] = alone.why.split("\n");
  return { is: "not run", why: `${peer.name}'s own client fails against its server, too: ${first}` };
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`It did not end within ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
