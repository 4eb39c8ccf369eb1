import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type IpcMessage, joinStream } from "arrow-flight-node/ipc";
import { type LineProcess, startProcess } from "../bench/line-process.js";
import { startServer } from "./child.js";
import { putAndGet } from "./data-client.js";
import { startDataServer } from "./data-server.js";
import { makeJson, runGoClient, startGoServer } from "./go-programs.js";
import { type IpcFile, python, pythonProgram } from "./ipc-files.js";
import { outcomeOf, type Result } from "./result.js";

/** Data of every type, put and read back, in each direction with each peer. pyarrow compares every byte that came. */
export async function* dataMode(files: readonly IpcFile[]): AsyncGenerator<Result> {
  const folder = mkdtempSync(path.join(tmpdir(), "conformance-"));
  const comparer = startProcess(python, [pythonProgram("compare.py")]);
  const same = async ({ file }: IpcFile, messages: Iterable<IpcMessage>) => {
    const stream = path.join(folder, "got.arrows");
    writeFileSync(stream, Buffer.concat([...joinStream(messages)]));
    await ask(comparer, [file, stream]);
  };
  try {
    yield* againstGoClient(files, same);
    yield* againstServer(files, same, "arrow-go server", () => startGoServer());
    yield* againstPyarrowClient(files, same);
    yield* againstServer(
      files,
      same,
      "pyarrow server",
      () => startServer(python, [pythonProgram("data_server.py")]),
      pyarrowAlone,
    );
  } finally {
    await comparer.end();
    rmSync(folder, { recursive: true });
  }
}

type Same = (file: IpcFile, messages: Iterable<IpcMessage>) => Promise<void>;

/** Go's client checks what is acknowledged and the FlightInfo, but not its DoGet; the scenarios that read do check that. */
async function* againstGoClient(files: readonly IpcFile[], same: Same): AsyncGenerator<Result> {
  const server = await startDataServer();
  for (const file of files) {
    const readable = await outcomeOf(() => makeJson(file.file, file.json));
    const outcome =
      readable.is === "FAIL"
        ? ({ is: "not run", why: `Go cannot read the JSON that it makes of this. ${readable.why}` } as const)
        : await outcomeOf(async () => {
            await runGoClient(server.port, "-path", file.json);
            await same(file, server.kept(file.json));
          });
    yield { scenario: `data: ${file.name}`, peer: "arrow-go client", outcome };
  }
  await server.close();
}

async function* againstPyarrowClient(files: readonly IpcFile[], same: Same): AsyncGenerator<Result> {
  const server = await startDataServer();
  const client = startProcess(python, [pythonProgram("data_client.py")]);
  for (const file of files) {
    const outcome = await outcomeOf(async () => {
      await ask(client, [server.uri, file.file]);
      await same(file, server.kept(file.file));
    });
    yield { scenario: `data: ${file.name}`, peer: "pyarrow client", outcome };
  }
  await client.end();
  await server.close();
}

async function* againstServer(
  files: readonly IpcFile[],
  same: Same,
  peer: "arrow-go server" | "pyarrow server",
  start: () => ReturnType<typeof startServer>,
  ownFault: (uri: string, file: IpcFile) => Promise<string | undefined> = async () => undefined,
): AsyncGenerator<Result> {
  let server = await start();
  for (const file of files) {
    const uri = `grpc://127.0.0.1:${server.port}`;
    const outcome = await outcomeOf(async () => {
      for await (const got of putAndGet(uri, file)) await same(file, got);
    });
    const own = outcome.is === "FAIL" ? await ownFault(uri, file) : undefined;
    yield { scenario: `data: ${file.name}`, peer, outcome: own === undefined ? outcome : { is: "not run", why: own } };
    if (outcome.is !== "FAIL") continue;
    // A server that broke on one type must not fail the others.
    await server.stop();
    server = await start();
  }
  await server.stop();
}

/** What goes wrong when pyarrow's client talks to pyarrow's server: what these two cannot do says nothing of us. */
async function pyarrowAlone(uri: string, file: IpcFile): Promise<string | undefined> {
  const client = startProcess(python, [pythonProgram("data_client.py")]);
  const outcome = await outcomeOf(() => ask(client, [uri, file.file]));
  await client.end();
  return outcome.is === "FAIL" ? `pyarrow's own client fails against this server, too: ${outcome.why}` : undefined;
}

/** Hands a line to one of our Python programs; throws what it objects to. */
async function ask(program: LineProcess, question: unknown): Promise<void> {
  program.write(JSON.stringify(question));
  const objection: unknown = JSON.parse(await program.read());
  if (objection !== null) throw new Error(String(objection));
}
