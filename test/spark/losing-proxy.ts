import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What the JSON of a seal's answer holds; what HTTP/2 itself acknowledges before it passes. */
const answer = '"version"';

/** A wire to an endpoint that loses answers. */
export interface LosingProxy {
  readonly uri: string;
  /** How many answers have been lost. */
  readonly lost: number;
  close(): void;
}

/**
 * Forwards connections to `target`, but cuts the first `times` ones on which a client seals: when the endpoint, which has
 * by then sealed, begins to answer.
 */
export async function startLosingProxy(target: string, times: number): Promise<LosingProxy> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let lost = 0;
  const server = createServer((client) => {
    const endpoint = connect(Number(port), hostname);
    let asked = false;
    const end = () => {
      client.destroy();
      endpoint.destroy();
    };
    for (const socket of [client, endpoint]) {
      sockets.add(socket);
      socket.on("error", end).on("close", () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on("data", (bytes) => {
      asked ||= bytes.includes('"parts"');
      endpoint.write(bytes);
    });
    endpoint.on("data", (bytes) => {
      if (asked && lost < times && bytes.includes(answer)) {
        lost++;
        end();
      } else client.write(bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    uri: `grpc://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get lost() {
      return lost;
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
