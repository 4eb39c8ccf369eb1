import { isIP } from "node:net";
import { FlightError } from "../error.js";

/** Where a Flight server listens. */
export interface Address {
  host: string;
  port: number;
}

/** Reads grpc://host:port or grpc+tcp://host:port. Throws INVALID_ARGUMENT, naming what is wrong, for anything else. */
export function parseLocation(uri: string): Address {
  const match = /^([a-z+]+):\/\/(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/i.exec(uri);
  if (match === null) throw refuse(uri, "is not of that form");
  const [, scheme = "", name = "", digits] = match;
  if (scheme !== "grpc" && scheme !== "grpc+tcp") throw refuse(uri, `has the scheme "${scheme}"`);
  if (name === "") throw refuse(uri, "has no host");
  if (digits === undefined) throw refuse(uri, "has no port");
  const port = Number(digits);
  if (port < 1 || port > 65535) throw refuse(uri, `has the port ${digits}`);
  return { host: name.replace(/^\[|\]$/g, ""), port };
}

export function formatLocation({ host, port }: Address): string {
  return `grpc://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/** Whether only this machine can reach `host`. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

function refuse(uri: string, what: string): FlightError {
  return new FlightError("INVALID_ARGUMENT", `"${uri}" is no address of a Flight server: it ${what}.`, {
    hint: "Write grpc://host:port, such as grpc://127.0.0.1:8815.",
  });
}
