import { readdirSync } from "node:fs";
import path from "node:path";
import type { RecordBatch } from "apache-arrow";
import { FlightError } from "arrow-flight-node";
import { batchesOf, splitStream, zstdReady } from "arrow-flight-node/ipc";
import { fixtures, readFixture } from "../flight/fixtures.js";
import { plainRows } from "../flight/plain-values.js";
import type { FuzzRoom } from "./room.js";

const folders = ["ipc", "ipc-compressed", "ipc-types"];

/** IPC streams of every type, against pyarrow's reading and full validation: what that refuses is refused here, what both read has the same values. */
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
      const batches = [...batchesOf(schema.header, messages, { maxDecodedBytes: 1 << 24 })];
      const rows = batches.reduce((sum, { numRows }) => sum + numRows, 0);
      return { value: { rows, values: rows > mostRows ? null : batches.flatMap(valuesOf) } };
    } catch (reason) {
      if (reason instanceof FlightError) return { refused: reason.code };
      throw reason;
    }
  },
  witness: () => "ipc",
  disagreement(answer, witness) {
    if (!("value" in answer) || witness === undefined) return undefined;
    if ("refused" in witness) return `pyarrow refuses it: ${witness.refused}`;
    const [ours, theirs] = [answer.value as Told, witness.value as Told];
    if (ours.rows !== theirs.rows) return `pyarrow reads ${theirs.rows} rows, not ${ours.rows}`;
    for (const [i, told] of (theirs.values ?? []).entries()) {
      const own = ours.values?.[i];
      if (told === null || own === null) continue;
      const [left, right] = [JSON.stringify(own), JSON.stringify(told)];
      if (left !== right) return `pyarrow reads ${right}, not ${left}`;
    }
    return undefined;
  },
};

interface Told {
  rows: number;
  /** A list a column; null for what is not told. */
  values: unknown[] | null;
}

/** Of streams that say they have more, values are not compared. */
const mostRows = 10_000;

function valuesOf(batch: RecordBatch): unknown[] {
  return batch.schema.fields.map((_, i) => {
    try {
      return plainRows(batch.getChildAt(i)!);
    } catch (reason) {
      // apache-arrow has no numbers for times beyond 2^53, nor this package texts for monstrous scales.
      if (reason instanceof TypeError || reason instanceof FlightError) return null;
      throw reason;
    }
  });
}
