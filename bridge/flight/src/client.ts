import type { TypeMap } from "apache-arrow";
import {
  type BatchSource,
  type BatchStream,
  decodeBatches,
  type EncodeOptions,
  type Expected,
  encodeBatches,
} from "./batches.js";
import { bearerOf } from "./bearer.js";
import { FlightError } from "./error.js";
import {
  checkResponses,
  type GrpcMethod,
  type GrpcRequest,
  type GrpcResponse,
  type ManyResponses,
  type OneResponse,
  requestsOf,
  rpcOf,
} from "./grpc/method.js";
import { Incoming } from "./incoming.js";
import type { BatchDecoderOptions } from "./ipc/batch-decoder.js";
import type {
  Action,
  ActionType,
  Allocate,
  CancelStatus,
  CloseSessionStatus,
  FlightData,
  FlightDataOut,
  FlightDescriptor,
  FlightEndpoint,
  FlightInfo,
  IncomingMessages,
  PollInfo,
  SessionOptionError,
  SessionOptionValue,
  Streamable,
} from "./messages.js";
import { cancelStatuses, closeSessionStatuses } from "./messages.js";
import type { ClientMiddleware } from "./middleware.js";
import { formatBasic } from "./protocol/basic-auth.js";
import { decodeEndpoint } from "./protocol/flight-info.js";
import { allocateAligned } from "./protocol/grpc-frame.js";
import { isLoopback, parseLocation } from "./protocol/location.js";
import { decodeSessionErrors, decodeSessionOptions, encodeSessionOptions } from "./protocol/session-options.js";
import { decodeOutcome, encodeCancelRequest, encodeRenewRequest } from "./protocol/standard-action.js";
import type { CalledRpc } from "./rpc.js";
import { rpcs } from "./rpcs.js";
import { type ClientTls, checkClientTls } from "./tls.js";
import { GrpcChannel } from "./transport/http2-channel.js";
import type { MessageReader } from "./transport/message-reader.js";
import { defaultKeepaliveTimeoutMs, defaultTransport } from "./transport/settings.js";

/** How a client reaches its server, and what it sends with every call. */
export interface FlightClientOptions {
  /** Sent as `authorization: Bearer <token>` on every call. */
  token?: string | undefined;
  /** Sent on every call; names in lower case. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Run in this order before every call. */
  middleware?: readonly ClientMiddleware[] | undefined;
  /** The longest message that is accepted, in bytes. Default 256 MiB. */
  maxMessageBytes?: number | undefined;
  /** How many bytes the server may send on one stream before they are read. Default 64 MiB. */
  streamWindow?: number | undefined;
  /** For grpc+tls:// addresses. */
  tls?: ClientTls | undefined;
  /** How long to wait for a connection. Default 10 s. */
  connectTimeoutMs?: number | undefined;
  /** How often the server is asked for a sign of life while calls are under way. Default: never; gRPC's servers want 5 minutes or more. */
  keepaliveMs?: number | undefined;
  /** How long the server has for one; then its calls reject UNAVAILABLE. Default 20 s. */
  keepaliveTimeoutMs?: number | undefined;
}

/** What one call may say. */
export interface CallOptions {
  /** Cancels the call: it rejects CANCELLED, and the server's handler sees its signal abort. */
  signal?: AbortSignal | undefined;
  /** The call rejects DEADLINE_EXCEEDED after this, on both sides. */
  timeoutMs?: number | undefined;
  /** Headers of this call alone; names in lower case. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Runs for this call alone, after the client's. */
  middleware?: readonly ClientMiddleware[] | undefined;
  /** Waits for a server that cannot be reached, in place of rejecting UNAVAILABLE. Give it a time or a signal, too. Default false. */
  waitForReady?: boolean | undefined;
}

/** What a call that carries a password may say. */
export interface PasswordOptions extends CallOptions {
  /** Sends the password over a network without TLS, where others may read it. */
  plaintext?: boolean | undefined;
}

/** For calls whose answer is decoded. */
export interface ReadOptions extends CallOptions, BatchDecoderOptions {}

/** For calls that send batches. `maxMessageBytes` is what the server takes; by default it is taken to be this client's own. */
export interface WriteOptions extends CallOptions, EncodeOptions {}

const nothing: Uint8Array = new Uint8Array(0);

/**
 * A Flight client on one HTTP/2 connection, made when first needed and again after a loss.
 *
 * A call that returns a stream starts when the stream is first read; leaving its loop early cancels it. Every failure is a
 * FlightError.
 */
export class FlightClient {
  readonly #channel: GrpcChannel;
  /** Whether others than this machine could read what is sent. */
  readonly #readable: boolean;
  readonly #headers: Record<string, string>;
  readonly #maxMessageBytes: number;

  /** `uri` is grpc://host:port, grpc+tls://host:port or grpc+unix:///path; throws INVALID_ARGUMENT for anything else. */
  constructor(uri: string, options: FlightClientOptions = {}) {
    const address = parseLocation(uri);
    checkClientTls(uri, address.tls, options.tls);
    this.#readable = !(address.tls || address.path !== undefined || isLoopback(address.host));
    this.#headers = { ...options.headers };
    if (options.token !== undefined) this.#headers.authorization ??= `Bearer ${options.token}`;
    this.#maxMessageBytes = options.maxMessageBytes ?? defaultTransport.maxMessageBytes;
    this.#channel = new GrpcChannel(address, {
      tls: options.tls,
      headers: {},
      middleware: options.middleware ?? [],
      maxMessageBytes: this.#maxMessageBytes,
      streamWindow: options.streamWindow ?? defaultTransport.streamWindow,
      connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
      keepaliveMs: options.keepaliveMs ?? Number.POSITIVE_INFINITY,
      keepaliveTimeoutMs: options.keepaliveTimeoutMs ?? defaultKeepaliveTimeoutMs,
    });
  }

  /**
   * Shakes hands with name and password. The token that the server answers is sent as `authorization: Bearer <token>` with every
   * later call of this client, and resolved with. Throws UNAUTHENTICATED when the server refuses or answers no token, and
   * FAILED_PRECONDITION, before anything is sent, where others could read the password: see `plaintext`.
   */
  async authenticateBasic(username: string, password: string, options: PasswordOptions = {}): Promise<string> {
    if (this.#readable && options.plaintext !== true) {
      throw new FlightError("FAILED_PRECONDITION", "The password would cross the network for anyone to read.", {
        hint: "Use a grpc+tls:// address, or allow it by { plaintext: true }.",
      });
    }
    let token: string | undefined;
    const received = (answer: ReadonlyMap<string, string>) => {
      token = bearerOf(answer) ?? token;
    };
    const headers = { ...options.headers, authorization: formatBasic({ username, password }) };
    const middleware = [...(options.middleware ?? []), () => ({ received })];
    await last(this.handshake([], { ...options, headers, middleware }));
    if (token === undefined) {
      throw new FlightError("UNAUTHENTICATED", "The server took the handshake, but answered no bearer token.", {
        hint: "Ask how it takes passwords: try authenticate([encodeBasicAuth({ username, password })]).",
      });
    }
    this.#headers.authorization = `Bearer ${token}`;
    return token;
  }

  /**
   * Shakes hands by `payloads`, for passwords `[encodeBasicAuth({ username, password })]`. The last payload that the server answers
   * is sent as `auth-token-bin` with every later call of this client, and resolved with: what pyarrow's `authenticate` does.
   */
  async authenticate(payloads: Streamable<Uint8Array>, options: CallOptions = {}): Promise<Uint8Array> {
    const token = (await last(this.handshake(payloads, options))) ?? nothing;
    this.#headers["auth-token-bin"] = Buffer.from(token).toString("base64");
    return token;
  }

  /** Sends `payloads` and gives those that the server answers with. What they mean is up to the two. */
  handshake(payloads: Streamable<Uint8Array>, options: CallOptions = {}): AsyncIterable<Uint8Array> {
    return this.#stream(rpcs.handshake, payloads, options);
  }

  /** What the server has; what `criteria` mean is up to it. */
  listFlights(criteria: Uint8Array = nothing, options: CallOptions = {}): AsyncIterable<FlightInfo> {
    return this.#stream(rpcs.listFlights, [criteria], options);
  }

  /** Where the data of `descriptor` is, and what it is: its endpoints are for `readEndpoints`, or each ticket for `read` or `doGet`. */
  async getFlightInfo(descriptor: FlightDescriptor, options: CallOptions = {}): Promise<FlightInfo> {
    return await this.#unary(rpcs.getFlightInfo, [descriptor], options);
  }

  /** Starts a query that takes long; call it again with the answer's descriptor until that has none. */
  async pollFlightInfo(descriptor: FlightDescriptor, options: CallOptions = {}): Promise<PollInfo> {
    return await this.#unary(rpcs.pollFlightInfo, [descriptor], options);
  }

  /** The schema of the data of `descriptor`, for `unpackSchema`. */
  async getSchema(descriptor: FlightDescriptor, options: CallOptions = {}): Promise<Uint8Array> {
    return await this.#unary(rpcs.getSchema, [descriptor], options);
  }

  /** The messages of the stream that `ticket` stands for, as they came; `read` decodes them. */
  doGet(ticket: Uint8Array, options: CallOptions = {}): IncomingMessages {
    return new LazyMessages(() => this.#start(rpcs.doGet, [ticket], options));
  }

  /** Sends `messages` under `descriptor` and gives the app_metadata of the server's PutResults as they come. */
  doPut(
    descriptor: FlightDescriptor,
    messages: Streamable<FlightDataOut>,
    options: CallOptions = {},
  ): AsyncIterable<Uint8Array> {
    return this.#stream(rpcs.doPut, describe(descriptor, messages), options);
  }

  /** Sends `descriptor` at once and `messages` as they come, while the server's messages are read, each side at its own pace. */
  doExchange(
    descriptor: FlightDescriptor,
    messages: Streamable<FlightDataOut>,
    options: CallOptions = {},
  ): IncomingMessages {
    return new LazyMessages(() => this.#start(rpcs.doExchange, announce(descriptor, messages), options));
  }

  /** Has the server do something, and gives its results, whose bytes are up to the two. */
  doAction(action: Action, options: CallOptions = {}): AsyncIterable<Uint8Array> {
    return this.#stream(rpcs.doAction, [action], options);
  }

  /** The actions that the server offers. */
  listActions(options: CallOptions = {}): AsyncIterable<ActionType> {
    return this.#stream(rpcs.listActions, [undefined], options);
  }

  /** Asks the server to stop the work on a query. */
  async cancelFlightInfo(info: FlightInfo, options: CallOptions = {}): Promise<CancelStatus> {
    return decodeOutcome(cancelStatuses, await this.#act("CancelFlightInfo", encodeCancelRequest(info), options));
  }

  /** Asks for a later expirationTime; resolves with the endpoint as it is then. */
  async renewFlightEndpoint(endpoint: FlightEndpoint, options: CallOptions = {}): Promise<FlightEndpoint> {
    return decodeEndpoint(await this.#act("RenewFlightEndpoint", encodeRenewRequest(endpoint), options));
  }

  /** Sets options of the session, which needs `createCookieJar`; undefined erases one. Resolves with why some were not set. */
  async setSessionOptions(
    values: ReadonlyMap<string, SessionOptionValue | undefined>,
    options: CallOptions = {},
  ): Promise<Map<string, SessionOptionError>> {
    return decodeSessionErrors(await this.#act("SetSessionOptions", encodeSessionOptions(values), options));
  }

  /** The options of the session that the server keeps for this client, which needs `createCookieJar`. */
  async getSessionOptions(options: CallOptions = {}): Promise<Map<string, SessionOptionValue | undefined>> {
    return decodeSessionOptions(await this.#act("GetSessionOptions", nothing, options));
  }

  /** Ends the session, with what the server keeps for it. */
  async closeSession(options: CallOptions = {}): Promise<CloseSessionStatus> {
    return decodeOutcome(closeSessionStatuses, await this.#act("CloseSession", nothing, options));
  }

  /**
   * DoGet, decoded: resolves once the schema is there. The call stays open until its batches are read to the end or left. With `expect`
   * the stream has that schema's type, and the call ends INVALID_ARGUMENT when another comes.
   */
  read<T extends TypeMap>(ticket: Uint8Array, options: ReadOptions & Expected<T>): Promise<BatchStream<T>>;
  read(ticket: Uint8Array, options?: ReadOptions): Promise<BatchStream>;
  async read(ticket: Uint8Array, options: ReadOptions = {}): Promise<BatchStream> {
    return await decodeBatches(this.doGet(ticket, options), options);
  }

  /** DoPut of record batches; resolves with the app_metadata of the server's PutResults once it has taken everything. */
  async write<T extends TypeMap>(
    descriptor: FlightDescriptor,
    source: BatchSource<T>,
    options: WriteOptions = {},
  ): Promise<Uint8Array[]> {
    const results: Uint8Array[] = [];
    for await (const result of this.doPut(descriptor, this.#encode(source, options), options)) results.push(result);
    return results;
  }

  /** DoExchange of record batches both ways: resolves once the server's schema is there; `expect` is for what it answers. */
  exchange<T extends TypeMap, R extends TypeMap>(
    descriptor: FlightDescriptor,
    source: BatchSource<T>,
    options: ReadOptions & WriteOptions & Expected<R>,
  ): Promise<BatchStream<R>>;
  exchange<T extends TypeMap>(
    descriptor: FlightDescriptor,
    source: BatchSource<T>,
    options?: ReadOptions & WriteOptions,
  ): Promise<BatchStream>;
  async exchange(
    descriptor: FlightDescriptor,
    source: BatchSource,
    options: ReadOptions & WriteOptions = {},
  ): Promise<BatchStream> {
    return await decodeBatches(this.doExchange(descriptor, this.#encode(source, options), options), options);
  }

  /** Ends the connection and cuts off the calls that are under way. */
  async close(): Promise<void> {
    await this.#channel.close();
  }

  /** `await using client = …` closes it at the end of its block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Calls a method of another gRPC service that gives one response, and resolves with it. The connection, headers, middleware and limits
   * are those of this client's Flight calls. `request` is the one request, or a stream of them where the method takes a stream.
   */
  async call<Method extends GrpcMethod>(
    method: Method & OneResponse<Method>,
    request: GrpcRequest<Method>,
    options: CallOptions = {},
  ): Promise<GrpcResponse<Method>> {
    checkResponses(method, false);
    const response = await this.#unary(rpcOf(method), requestsOf(method, request), options);
    return response as GrpcResponse<Method>;
  }

  /** Calls a method of another gRPC service that gives a stream of responses, when that is first read. Otherwise as `call`. */
  stream<Method extends GrpcMethod>(
    method: Method & ManyResponses<Method>,
    request: GrpcRequest<Method>,
    options: CallOptions = {},
  ): AsyncIterable<GrpcResponse<Method>> {
    checkResponses(method, true);
    const responses = this.#stream(rpcOf(method), requestsOf(method, request), options);
    return responses as AsyncGenerator<GrpcResponse<Method>>;
  }

  #encode(source: BatchSource, { maxMessageBytes = this.#maxMessageBytes }: EncodeOptions): Streamable<FlightDataOut> {
    return encodeBatches(source, { maxMessageBytes });
  }

  async #start<Request>(
    rpc: CalledRpc<Request, unknown>,
    messages: Streamable<Request>,
    options: CallOptions,
  ): Promise<MessageReader> {
    const headers = { ...this.#headers, ...options.headers };
    const { encode } = rpc.request;
    return (await this.#channel.call(rpc.path, { messages, encode }, { ...options, headers })).messages;
  }

  async *#stream<Request, Response>(
    rpc: CalledRpc<Request, Response>,
    request: Streamable<Request>,
    options: CallOptions,
  ): AsyncGenerator<Response> {
    for await (const message of await this.#start(rpc, request, options)) yield rpc.response.decode(message);
  }

  /** An action of one result. */
  async #act(type: string, body: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    let result: Uint8Array | undefined;
    for await (const item of this.doAction({ type, body }, options)) result ??= item;
    if (result !== undefined) return result;
    throw new FlightError("INTERNAL", `The action ${type} ended without a result.`, { hint: "Check the server." });
  }

  async #unary<Request, Response>(
    rpc: CalledRpc<Request, Response>,
    request: Streamable<Request>,
    options: CallOptions,
  ): Promise<Response> {
    const messages = await this.#start(rpc, request, options);
    const responses: Uint8Array[] = [];
    for await (const message of messages) if (responses.push(message) > 1) break;
    const [response] = responses;
    if (response !== undefined && responses.length === 1) return rpc.response.decode(response);
    const count = responses.length === 0 ? "without a response" : "with more than one response";
    throw new FlightError("INTERNAL", `${rpc.path} ended ${count}.`, { hint: "Check the server." });
  }
}

async function last<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  let latest: T | undefined;
  for await (const item of items) latest = item;
  return latest;
}

async function* describe(
  descriptor: FlightDescriptor,
  messages: Streamable<FlightDataOut>,
): AsyncGenerator<FlightDataOut> {
  let first = true;
  for await (const message of messages) {
    yield first ? { ...message, descriptor } : message;
    first = false;
  }
  if (first) yield { descriptor };
}

/** The descriptor in a message of its own, so that the server knows what is wanted before there is data. */
async function* announce(
  descriptor: FlightDescriptor,
  messages: Streamable<FlightDataOut>,
): AsyncGenerator<FlightDataOut> {
  yield { descriptor };
  yield* messages;
}

/** The messages of a call that starts when the first one is asked for. */
class LazyMessages implements IncomingMessages {
  allocate: Allocate = allocateAligned;
  readonly #start: () => Promise<MessageReader>;

  constructor(start: () => Promise<MessageReader>) {
    this.#start = start;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FlightData> {
    const reader = await this.#start();
    // Asked anew for each message, because the consumer may change it between two.
    reader.allocate = (bytes) => this.allocate(bytes);
    yield* new Incoming(reader, rpcs.doGet.response.decode);
  }
}
