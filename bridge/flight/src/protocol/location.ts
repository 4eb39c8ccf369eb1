import { isIP } from "node:net";
import { FlightError } from "../error.js";

/** Where a Flight server listens. */
export interface Address {
  host: string;
  port: number;
  /** Whether TLS is spoken there. */
  tls?: boolean | undefined;
  /** A Unix socket, in place of host and port. */
  path?: string | undefined;
}

/** Reads grpc://, grpc+tcp:// or grpc+tls://host:port, or grpc+unix:///path. Throws INVALID_ARGUMENT, naming what is wrong, for anything else. */
export function parseLocation(uri: string): Address {
  const path = /^grpc\+unix:\/\/(\/.*)$/.exec(uri)?.[1];
  if (path !== undefined) return { host: "localhost", port: 0, path };
  const match = /^([a-z+]+):\/\/(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/i.exec(uri);
  if (match === null) throw refuse(uri, "is not of that form");
  const [, scheme = "", name = "", digits] = match;
  if (scheme !== "grpc" && scheme !== "grpc+tcp" && scheme !== "grpc+tls")
    throw refuse(uri, `has the scheme "${scheme}"`);
  if (name === "") throw refuse(uri, "has no host");
  if (digits === undefined) throw refuse(uri, "has no port");
  const port = Number(digits);
  if (port < 1 || port > 65535) throw refuse(uri, `has the port ${digits}`);
  const host = name.replace(/^\[|\]$/g, "");
  return scheme === "grpc+tls" ? { host, port, tls: true } : { host, port };
}

export function formatLocation({ host, port, tls, path }: Address): string {
  if (path !== undefined) return `grpc+unix://${path}`;
  return `${tls ? "grpc+tls" : "grpc"}://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** Whether only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function refuse(uri: string, what: string): FlightError {
  return new FlightError("INVALID_ARGUMENT", `"${uri}" is no address of a Flight server: it ${what}.`, {
    hint: "Write grpc://host:port, such as grpc://127.0.0.1:8815, or grpc+tls://host:port, or grpc+unix:///path.",
  });
}
