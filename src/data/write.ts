import { randomUUID } from "node:crypto";
import { RecordBatch, Schema } from "apache-arrow";
import { batchEncoder, batchFromColumns, type Columns, encodeSchema } from "../arrow/index.js";
import type { MethodClient } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { SealMode, SealResult } from "./dataset.js";
import type { DataMethods } from "./methods.js";

/** How a dataset is written. */
export interface WriteOptions {
  /** What happens where the dataset is there already. Default: "overwrite". */
  mode?: SealMode;
  /** Added to the schema's metadata. */
  metadata?: Readonly<Record<string, string>>;
}

/** Writes a dataset of one part: it becomes visible as a whole or not at all. */
export async function writeDataset(
  methods: MethodClient<DataMethods>,
  dataset: string,
  content: Columns | Iterable<RecordBatch>,
  options: WriteOptions,
): Promise<SealResult> {
  const { mode = "overwrite", metadata = {} } = options;
  const batches = batchesIn(content);
  const first = batches[0];
  if (first === undefined) {
    throw new RayflightError("INVALID_ARGUMENT", `"${dataset}" cannot be written without a batch.`, {
      hint: "Pass one batch of no rows to write an empty dataset.",
    });
  }
  const all = new Map([...first.schema.metadata, ...Object.entries(metadata)]);
  const schema = encodeSchema(new Schema(first.schema.fields, all));
  const transaction = randomUUID();
  const encode = batchEncoder();
  try {
    const writer = await methods.call("data.stage", { dataset, transaction, schema });
    let rows = 0;
    for (const batch of batches) {
      rows += batch.numRows;
      for (const message of encode(batch)) await methods.call("data.put", { owner: writer, ...message });
    }
    await methods.call("data.finish", { writer, rows });
    return await methods.call("data.seal", {
      dataset,
      transaction,
      mode,
      parts: [{ part: "0", attempt: 0, rows }],
    });
  } catch (reason) {
    await methods.call("data.abort", { transaction }).catch(() => {});
    throw reason;
  }
}

function batchesIn(content: Columns | Iterable<RecordBatch>): RecordBatch[] {
  if (content instanceof RecordBatch) return [content];
  return Symbol.iterator in content ? [...(content as Iterable<RecordBatch>)] : [batchFromColumns(content)];
}
