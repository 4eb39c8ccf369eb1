import type { IncomingHttpHeaders } from "node:http2";

/** The headers that a peer chose, without HTTP/2's own. One that came several times is joined by ", ". */
export function readHeaders(headers: IncomingHttpHeaders): Map<string, string> {
  const map = new Map<string, string>();
  // An object without a prototype, read at every call.
  for (const name in headers) {
    const value = headers[name];
    if (name.startsWith(":") || value === undefined) continue;
    map.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  return map;
}
