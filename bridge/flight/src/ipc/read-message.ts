import { FlatTable, malformed } from "./flatbuffer.js";
import { checkSchema } from "./schema-structure.js";

/** How long one column is, in depth-first order of the schema. */
export interface FieldNode {
  length: number;
  nullCount: number;
}

/** Where one buffer lies in the body. */
export interface BufferRegion {
  offset: number;
  length: number;
}

/** What a record batch and a dictionary batch have in common. */
export interface BatchShape {
  rows: number;
  bodyLength: number;
  nodes: FieldNode[];
  buffers: BufferRegion[];
  /** How many data buffers each view column has, in order. */
  variadicCounts: number[];
  compression: "lz4" | "zstd" | undefined;
}

/** What the header of an IPC message says. The version is 4 for V4, the oldest that is read, and 5 for V5. */
export type MessageHeader =
  | { kind: "schema"; version: 4 | 5; bodyLength: number }
  | ({ kind: "recordBatch"; version: 4 | 5 } & BatchShape)
  | ({ kind: "dictionaryBatch"; version: 4 | 5; id: bigint; isDelta: boolean } & BatchShape)
  | { kind: "tensor" | "sparseTensor"; version: 4 | 5; bodyLength: number };

const kinds = ["none", "schema", "dictionaryBatch", "recordBatch", "tensor", "sparseTensor"] as const;
const codecs = ["lz4", "zstd"] as const;
/** Where Arrow 0.17 named the codec, under metadata V4. */
const earlyCompression = "ARROW:experimental_compression";

/**
 * Reads an IPC message's header (the flatbuffer alone) and validates it: its structure, that every buffer lies inside the body, and, when
 * `body` is given, that it is as long as the header says. Throws INVALID_ARGUMENT for anything else.
 */
export function readMessage(header: Uint8Array, body?: Uint8Array): MessageHeader {
  const message = FlatTable.root(header);
  const version = readVersion(message.int16(0));
  const kind = kinds[message.uint8(1)];
  const bodyLength = message.count(3, "the length of its body");
  const early = message.keys(4).includes(earlyCompression);
  if (early && version === 4) throw malformed("is compressed in the way that Arrow tried before it had one");
  if (body !== undefined && body.byteLength !== bodyLength) {
    throw malformed(`says that its body has ${bodyLength} bytes, and ${body.byteLength} came`);
  }
  const content = message.table(2);
  if (kind === undefined || kind === "none") throw malformed(`is of the unknown kind ${message.uint8(1)}`);
  if (content === undefined) throw malformed(`is a ${kind} without content`);
  switch (kind) {
    case "schema":
      if (bodyLength > 0) throw malformed("is a schema with a body");
      checkSchema(content);
      return { kind, version, bodyLength };
    case "recordBatch":
      return { kind, version, ...readShape(content, bodyLength, version) };
    case "dictionaryBatch": {
      const data = content.table(1);
      if (data === undefined) throw malformed("is a dictionary batch without data");
      const isDelta = content.uint8(2) !== 0;
      return { kind, version, id: content.int64(0), isDelta, ...readShape(data, bodyLength, version) };
    }
    default:
      return { kind, version, bodyLength };
  }
}

function readVersion(version: number): 4 | 5 {
  if (version === 3) return 4;
  if (version === 4) return 5;
  throw malformed(`has metadata version ${version}; only V4 and V5 are read`);
}

function readShape(batch: FlatTable, bodyLength: number, version: 4 | 5): BatchShape {
  const rows = batch.count(0, "its number of rows");
  const nodes: FieldNode[] = [];
  const nodeVector = batch.vector(1, 16);
  for (let i = 0; i < nodeVector.length; i++) {
    const at = nodeVector.start + 16 * i;
    const length = batch.countAt(at, "a column's length");
    const nullCount = batch.countAt(at + 8, "a column's number of nulls");
    if (nullCount > length) throw malformed(`has a column of ${length} values with ${nullCount} nulls`);
    nodes.push({ length, nullCount });
  }
  const buffers: BufferRegion[] = [];
  const bufferVector = batch.vector(2, 16);
  for (let i = 0; i < bufferVector.length; i++) {
    const at = bufferVector.start + 16 * i;
    const offset = batch.countAt(at, "a buffer's position");
    const length = batch.countAt(at + 8, "a buffer's length");
    if (offset + length > bodyLength) {
      throw malformed(`has a buffer of ${length} bytes at ${offset}, beyond the ${bodyLength} bytes of its body`);
    }
    buffers.push({ offset, length });
  }
  const variadicCounts: number[] = [];
  const variadicVector = batch.vector(4, 8);
  for (let i = 0; i < variadicVector.length; i++) {
    variadicCounts.push(batch.countAt(variadicVector.start + 8 * i, "a number of buffers"));
  }
  const compression = readCompression(batch.table(3));
  if (compression !== undefined && version === 4) throw malformed("is compressed, which it cannot say in metadata V4");
  return { rows, bodyLength, nodes, buffers, variadicCounts, compression };
}

function readCompression(compression: FlatTable | undefined): "lz4" | "zstd" | undefined {
  if (compression === undefined) return undefined;
  const codec = codecs[compression.uint8(0)];
  if (codec === undefined || compression.uint8(1) !== 0) throw malformed("is compressed in an unknown way");
  return codec;
}
