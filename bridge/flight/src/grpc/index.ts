// Other gRPC services beside Flight: on one server, and over one client's connection (`FlightClient.call` and `.stream`).
export { decodeBinaryHeader, encodeBinaryHeader } from "../protocol/metadata.js";
export type {
  GrpcGiven,
  GrpcMethod,
  GrpcReceived,
  GrpcRequest,
  GrpcResponse,
  GrpcServiceDefinition,
  ManyResponses,
  OneResponse,
} from "./method.js";
export { type GrpcHandlers, type GrpcService, implementService } from "./service.js";
