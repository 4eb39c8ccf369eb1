import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { methodPath } from "arrow-flight-node/protocol";

/** A connection that keeps HTTP/2's rules, to send in its messages whatever it likes. */
export async function connectTo(port: number): Promise<ClientHttp2Session> {
  const session = connect(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

/** Opens a call; its request is what the caller writes. */
export function openCall(
  session: ClientHttp2Session,
  method: Parameters<typeof methodPath>[0],
  more: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  const headers = {
    ...more,
    ":method": "POST",
    ":path": methodPath(method),
    "content-type": "application/grpc",
    te: "trailers",
  };
  const stream = session.request(headers, { endStream: false });
  stream.on("error", () => {});
  return stream;
}

/** The gRPC status that a call ends with; undefined when it ends without. */
export async function statusOf(stream: ClientHttp2Stream): Promise<string | undefined> {
  let status: unknown;
  stream.on("response", (headers) => {
    status = headers["grpc-status"];
  });
  stream.on("trailers", (headers) => {
    status = headers["grpc-status"];
  });
  stream.resume();
  await new Promise((resolve) => stream.once("close", resolve));
  return status === undefined ? undefined : String(status);
}

/** Makes a call that is admitted, and waits until the server gives the connection what peers that it knows may have. */
export async function beAdmitted(session: ClientHttp2Session): Promise<void> {
  const call = openCall(session, "DoAction");
  call.end(Buffer.from("0000000000", "hex"));
  await statusOf(call);
  const strangersWindow = 65_535;
  while ((session.remoteSettings.initialWindowSize ?? 0) <= strangersWindow) {
    await new Promise((resolve) => session.once("remoteSettings", resolve));
  }
}
