// HTTP/2 by hand, for peers that end in ways in which no library does. On stream 1, unless told otherwise.

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
export function requestFrame(path: string, stream = 1): Buffer {
  return http2Frame(1, 4, stream, requestHeaders(path));
}

export function requestHeaders(path: string): Buffer {
  return encodeHeaders({
    ":method": "POST",
    ":scheme": "http",
    ":authority": "localhost",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
  });
}

/** Header fields as literals of less than 127 bytes each. */
export function encodeHeaders(headers: Readonly<Record<string, string>>): Buffer {
  const literals = Object.entries(headers).flatMap(([name, value]) => [
    Buffer.of(0, name.length),
    Buffer.from(name),
    Buffer.of(value.length),
    Buffer.from(value),
  ]);
  return Buffer.concat(literals);
}

export function dataFrame(payload: Uint8Array, endStream = false, stream = 1): Buffer {
  return http2Frame(0, endStream ? 1 : 0, stream, payload);
}

export function resetFrame(code: number, stream = 1): Buffer {
  return http2Frame(3, 0, stream, uint32(code));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
