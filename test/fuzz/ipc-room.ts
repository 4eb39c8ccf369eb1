import { readdirSync } from "node:fs";
import path from "node:path";
import { FlightError } from "arrow-flight-node";
import { batchesOf, splitStream, zstdReady } from "arrow-flight-node/ipc";
import { fixtures, readFixture } from "../flight/fixtures.js";
import type { FuzzRoom } from "./room.js";

const folders = ["ipc", "ipc-compressed", "ipc-types"];

/** IPC streams of every type, against pyarrow's reading and full validation: what that refuses is refused here. */
export const ipcRoom: FuzzRoom = {
  name: "ipc",
  samples: folders.flatMap((folder) =>
    readdirSync(path.join(fixtures, folder))
      .filter((name) => name.endsWith(".arrows"))
      .map((name) => ({ name: `${folder}/${name}`, bytes: readFixture(`${folder}/${name}`) })),
  ),
  async judge({ bytes }) {
    await zstdReady;
    try {
      const [schema, ...messages] = splitStream(bytes);
      if (schema === undefined) return { refused: "INVALID_ARGUMENT" };
      let rows = 0;
      for (const batch of batchesOf(schema.header, messages, { maxDecodedBytes: 1 << 24 })) rows += batch.numRows;
      return { value: rows };
    } catch (reason) {
      if (reason instanceof FlightError) return { refused: reason.code };
      throw reason;
    }
  },
  witness: () => "ipc",
  disagreement(answer, witness) {
    if (!("value" in answer) || witness === undefined) return undefined;
    if ("refused" in witness) return `pyarrow refuses it: ${witness.refused}`;
    return witness.value === answer.value ? undefined : `pyarrow reads ${witness.value} rows, not ${answer.value}`;
  },
};
