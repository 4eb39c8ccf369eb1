import { readdirSync } from "node:fs";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { createConnection } from "node:net";
import path from "node:path";
import { FlightError, FlightServer } from "arrow-flight-node";
import { allocateAligned, decodeFlightData, FrameAssembler } from "arrow-flight-node/protocol";
import { fixtures, readFixture } from "../flight/fixtures.js";
import { chunksOf, type Input } from "./damage.js";
import type { FuzzRoom } from "./room.js";

const maxMessageBytes = 1 << 16;

/**
 * The bytes of gRPC streams: put together from chunks of any size they are the messages that a reader of the whole sees, and a real
 * server answers them OK exactly when they are whole messages of Flight.
 */
export const framesRoom: FuzzRoom = {
  name: "frames",
  samples: readdirSync(path.join(fixtures, "wire")).map((name) => ({ name, bytes: readFixture(`wire/${name}`) })),
  async judge(input) {
    const whole = readWhole(input.bytes);
    const assembled = assemble(input);
    if (assembled !== whole) throw new Error(`assembled to ${assembled}, which is ${whole}`);
    const status = await put(input);
    if ((status === "0") !== (whole === "OK")) throw new Error(`the server answers ${status} to what is ${whole}`);
    return status === "0" ? { value: whole } : { refused: status };
  },
  witness: () => undefined,
  disagreement: () => undefined,
};

/** What the bytes are by the plainest reading: OK, or the code that they are refused with. */
function readWhole(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    const flag = bytes[at]!;
    if (at + 5 > bytes.length) return "DATA_LOSS";
    const length = view.getUint32(at + 1);
    // Nobody said how messages would be compressed.
    if (flag !== 0) return "INTERNAL";
    if (length > maxMessageBytes) return "RESOURCE_EXHAUSTED";
    if (at + 5 + length > bytes.length) return "DATA_LOSS";
    const refused = codeOf(() => decodeFlightData(bytes.subarray(at + 5, at + 5 + length)));
    if (refused !== undefined) return refused;
    at += 5 + length;
  }
  return "OK";
}

function assemble({ bytes, cuts }: Input): string {
  const assembler = new FrameAssembler(maxMessageBytes);
  const refused = codeOf(() => {
    for (const chunk of chunksOf(bytes, cuts)) {
      assembler.push(chunk);
      for (;;) {
        const message = assembler.take(allocateAligned);
        if (!(message instanceof Uint8Array)) break;
        decodeFlightData(message);
      }
    }
  });
  return refused ?? (assembler.empty ? "OK" : "DATA_LOSS");
}

function codeOf(action: () => void): string | undefined {
  try {
    action();
    return undefined;
  } catch (reason) {
    if (reason instanceof FlightError) return reason.code;
    throw reason;
  }
}

let session: Promise<ClientHttp2Session> | undefined;

async function startSession(): Promise<ClientHttp2Session> {
  const server = new FlightServer(
    {
      async *doPut(messages) {
        for await (const { header } of messages) if (header.byteLength > maxMessageBytes) yield header;
      },
    },
    { maxMessageBytes },
  );
  const { port } = await server.listen();
  return connect(`http://127.0.0.1:${port}`, {
    createConnection: () => createConnection({ host: "127.0.0.1", port, noDelay: true }),
  });
}

/** The grpc-status with which a server on a socket answers the bytes as a DoPut's. */
async function put({ bytes, cuts }: Input): Promise<string> {
  session ??= startSession();
  const stream = (await session).request({
    ":method": "POST",
    ":path": "/arrow.flight.protocol.FlightService/DoPut",
    "content-type": "application/grpc",
    te: "trailers",
  });
  return new Promise((resolve, reject) => {
    let status: string | undefined;
    stream.on("response", (headers) => {
      status ??= headers["grpc-status"] as string | undefined;
    });
    stream.on("trailers", (trailers) => {
      status ??= trailers["grpc-status"] as string | undefined;
    });
    // A server that has answered tells the client with NO_ERROR to send no more.
    stream.on("error", (error) => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR && status === undefined) reject(error);
    });
    stream.on("close", () => (status === undefined ? reject(new Error("no grpc-status came")) : resolve(status)));
    stream.resume();
    for (const chunk of chunksOf(bytes, cuts)) stream.write(chunk);
    stream.end();
  });
}
