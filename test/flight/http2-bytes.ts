// HTTP/2 by hand, for peers that end in ways in which no library does. Everything is on stream 1.

/** The client's first bytes: the magic and empty settings. */
export const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  http2Frame(4, 0, 0, Buffer.alloc(0)),
]);

export function http2Frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.byteLength, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** HEADERS of a gRPC call, as literals without Huffman coding. */
export function requestFrame(path: string): Buffer {
  const headers = {
    ":method": "POST",
    ":scheme": "http",
    ":authority": "localhost",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  };
  const literals = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.of(0, name.length),
    Buffer.from(name),
    Buffer.of(value.length),
    Buffer.from(value),
  ]);
  return http2Frame(1, 4, 1, Buffer.concat(literals));
}

export function dataFrame(payload: Uint8Array, endStream = false): Buffer {
  return http2Frame(0, endStream ? 1 : 0, 1, payload);
}

export function resetFrame(code: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(code);
  return http2Frame(3, 0, 1, payload);
}
