import { startDataServer } from "./data-server.js";
import { type GoPrograms, makeJson, runGoClient, startGoServer } from "./go-programs.js";
import type { IpcFile } from "./ipc-files.js";
import { dataFromServer } from "./peer-mode.js";
import { PeerClient } from "./peer-program.js";
import { outcomeOf, type Result } from "./result.js";
import type { Same } from "./same.js";

/** Data of every type, put and read back, in each direction with Arrow's Go programs. pyarrow compares every byte that came. */
export async function* dataMode({ peer }: GoPrograms, files: readonly IpcFile[], same: Same): AsyncGenerator<Result> {
  yield* againstGoClients(peer.client, files, same);
  yield* dataFromServer(peer.name, startGoServer, files, same);
}

/**
 * Arrow's client, and then ours on Arrow's library: the former takes its data from JSON, which has no form for some types, and
 * does not look at what its DoGet gave; the latter reads the file and compares.
 */
async function* againstGoClients(
  ownClient: readonly string[],
  files: readonly IpcFile[],
  same: Same,
): AsyncGenerator<Result> {
  const server = await startDataServer();
  const own = new PeerClient({ client: ownClient });
  for (const file of files) {
    const readable = await outcomeOf(() => makeJson(file.file, file.json));
    const outcome = await outcomeOf(async () => {
      if (readable.is === "pass") {
        await runGoClient(server.port, "-path", file.json);
        await same(file, server.kept(file.json));
      }
      await own.ask(server.uri, "data", file.file);
      await same(file, server.kept(file.file));
    });
    yield { scenario: `data: ${file.name}`, peer: "arrow-go client", outcome };
  }
  await own.end();
  await server.close();
}
