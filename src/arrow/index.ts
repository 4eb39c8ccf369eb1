export {
  batchFromColumns,
  type ColumnKind,
  type Columns,
  type ColumnValues,
  inferSchema,
  schemaOf,
} from "./batch-of.js";
export { type NumericArray, numericColumn } from "./columns.js";
export {
  type BatchHeader,
  type BatchMessage,
  batchDecoder,
  batchEncoder,
  decodeBatches,
  readBatchHeader,
} from "./message.js";
export { checkSchema, decodeSchema, encodeSchema, type SchemaDifference, schemaDifference } from "./schema.js";
