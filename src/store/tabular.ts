import { createRequire } from "node:module";
import type { RecordBatch, Table } from "apache-arrow";
import type * as TableStreams from "../arrow/table-stream.js";

/** What is stored in Arrow's own layout. */
export type Tabular = Table | RecordBatch;

/**
 * Whether an object is a table or a record batch of apache-arrow, whichever copy of that package made it: this one may not
 * even be loaded.
 */
export function isTabular(value: object): value is Tabular {
  // No plain data has methods.
  if (typeof (value as Partial<Tabular>).getChild !== "function") return false;
  const { schema, batches, data } = value as { schema?: { fields?: unknown }; batches?: unknown; data?: object };
  return Array.isArray(schema?.fields) && (Array.isArray(batches) || (typeof data === "object" && "children" in data));
}

const require = createRequire(import.meta.url);
let loaded: typeof TableStreams | undefined;

/** What reads and writes tables. Loaded at the first one: most threads never see any, and apache-arrow is large. */
export function tableStreams(): typeof TableStreams {
  loaded ??= require("../arrow/table-stream.js") as typeof TableStreams;
  return loaded;
}
