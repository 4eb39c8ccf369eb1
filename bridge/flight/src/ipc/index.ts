// Arrow's IPC format without a transport. To read: `splitStream` or `readStream` gives messages, `batchesOf` their batches, validated.
// To write: `encodeSchema` and `messagesOf` give messages, `joinStream` their bytes. To look at one message alone: `readMessage`.
export { BatchDecoder, type BatchDecoderOptions, batchesOf } from "./batch-decoder.js";
export { BatchEncoder, type BatchEncoderOptions, encodeSchema, messagesOf } from "./batch-encoder.js";
export { decodeSchema, equalLayouts } from "./decode-schema.js";
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
export { decimalAt, decimalTextAt, nanosecondsAt, textAt } from "./exact-values.js";
export { type BatchShape, type BufferRegion, type FieldNode, type MessageHeader, readMessage } from "./read-message.js";
export { type ReadStreamOptions, readStream } from "./read-stream.js";
export { zstdReady } from "./zstd.js";
