import { FlightError } from "./error.js";

/** A certificate or a key as PEM. */
export type Pem = string | Buffer;

/** What a server shows, and whom it lets in. */
export interface ServerTls {
  cert: Pem;
  key: Pem;
  /** When given, only clients get in whose certificate one of these has signed (mTLS). */
  clientCa?: Pem | readonly Pem[] | undefined;
}

/** Whom a client trusts, and what it shows. */
export interface ClientTls {
  /** Who must have signed the server's certificate. Default: the authorities that Node trusts. */
  ca?: Pem | readonly Pem[] | undefined;
  /** The client's own certificate and its key, for a server that asks for them (mTLS). */
  cert?: Pem | undefined;
  key?: Pem | undefined;
  /** The name that the server's certificate must have, where it is not the host's. */
  serverName?: string | undefined;
}

/** Throws INVALID_ARGUMENT for certificates that would not be used because the address speaks no TLS. */
export function checkClientTls(uri: string, speaksTls: boolean | undefined, tls: ClientTls | undefined): void {
  if (speaksTls || tls === undefined) return;
  throw new FlightError("INVALID_ARGUMENT", `"${uri}" is no address with TLS, but certificates were given for it.`, {
    hint: "Write grpc+tls://host:port, or leave tls out.",
  });
}
