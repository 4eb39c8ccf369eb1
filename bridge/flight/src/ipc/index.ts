export { BatchDecoder, type BatchDecoderOptions, batchesOf, decodeSchema } from "./batch-decoder.js";
export { BatchEncoder, type BatchEncoderOptions, encodeSchema, messagesOf } from "./batch-encoder.js";
export {
  decapsulate,
  decapsulateSchema,
  encapsulate,
  encapsulateSchema,
  type IpcMessage,
  type IpcMessageOut,
  joinStream,
  splitStream,
} from "./encapsulate.js";
export { type BatchShape, type BufferRegion, type FieldNode, type MessageHeader, readMessage } from "./read-message.js";
export { zstdReady } from "./zstd.js";
