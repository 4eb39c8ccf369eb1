import { createHash, randomBytes } from "node:crypto";
import { bearerOf } from "./bearer.js";
import { FlightError } from "./error.js";
import type { FlightHandlers, ServerCall } from "./handlers.js";
import { type BasicAuth, decodeBasicAuth, parseBasic } from "./protocol/basic-auth.js";

/** Who may log in, and for how long. */
export interface FlightLoginsOptions<Identity> {
  /**
   * Returns who has this name and password, which becomes the call's `identity`; undefined refuses. Take as long for a name
   * that does not exist as for a wrong password: compare with `equalSecrets`, or better keep passwords hashed by scrypt.
   */
  check(username: string, password: string, call: ServerCall): Identity | undefined | Promise<Identity | undefined>;
  /** How long a token is good for, in milliseconds. Default 1 h. */
  tokenLifetimeMs?: number | undefined;
  /** How many tokens are kept; beyond it the oldest is forgotten. Default 10,000. */
  maxTokens?: number | undefined;
}

interface Login<Identity> {
  identity: Identity;
  /** On the clock of performance.now(). */
  expires: number;
}

/**
 * Logins with name and password, in memory: spread `handlers` into the server's handlers.
 *
 * A handshake takes the password, from `authorization: Basic …` or from a BasicAuth message, and answers with a token: as the
 * header `authorization: Bearer …` and as its payload. Every other call must carry that token, as `authorization: Bearer …` or
 * `auth-token-bin`, or the name and password themselves. What pyarrow's `authenticate_basic_token` and `authenticate` do
 * is understood. Tokens are random and kept as digests. Attempts are not counted: limit them in `check`, or before the server.
 */
export class FlightLogins<Identity = unknown> {
  /** `authenticate` and `handshake`, for the server's handlers. */
  readonly handlers: Required<Pick<FlightHandlers<Identity>, "authenticate" | "handshake">>;
  readonly #check: FlightLoginsOptions<Identity>["check"];
  readonly #tokenLifetimeMs: number;
  readonly #maxTokens: number;
  /** By the digest of their token, the oldest first. */
  readonly #logins = new Map<string, Login<Identity>>();

  /** Logs in whom `check` knows. */
  constructor({ check, tokenLifetimeMs = 3_600_000, maxTokens = 10_000 }: FlightLoginsOptions<Identity>) {
    this.#check = check;
    this.#tokenLifetimeMs = tokenLifetimeMs;
    this.#maxTokens = maxTokens;
    this.handlers = {
      authenticate: (call) => this.#authenticate(call),
      handshake: (payloads, call) => this.#shakeHands(payloads, call),
    };
  }

  /** Ends the login of `token`, or all those whose identity passes a test. Returns how many there were. */
  revoke(which: string | ((identity: Identity) => boolean)): number {
    this.#forgetExpired();
    const before = this.#logins.size;
    if (typeof which === "string") this.#logins.delete(digest(which));
    else for (const [key, { identity }] of this.#logins) if (which(identity)) this.#logins.delete(key);
    return before - this.#logins.size;
  }

  async *#shakeHands(payloads: AsyncIterable<Uint8Array>, call: ServerCall): AsyncGenerator<Uint8Array> {
    const basic = parseBasic(call.headers.get("authorization") ?? "") ?? (await firstOf(payloads));
    const token = this.#issue(await this.#identify(basic, call));
    call.setHeader("authorization", `Bearer ${token}`);
    yield Buffer.from(token);
  }

  async #authenticate(call: ServerCall): Promise<Identity> {
    const basic = parseBasic(call.headers.get("authorization") ?? "");
    if (basic !== undefined) return await this.#identify(basic, call);
    const login = this.#find(bearerOf(call.headers) ?? tokenOf(call.headers));
    if (login !== undefined) return login.identity;
    throw new FlightError("UNAUTHENTICATED", "The call carries no token that is still good.", {
      hint: "Shake hands with name and password, and send the token that is answered with every call.",
    });
  }

  async #identify(basic: BasicAuth | undefined, call: ServerCall): Promise<Identity> {
    const identity = basic && (await this.#check(basic.username, basic.password, call));
    if (identity !== undefined) return identity;
    throw new FlightError("UNAUTHENTICATED", "The name or the password is wrong, or there was none.", {
      hint: 'Send the header "authorization: Basic …", or a BasicAuth message as the handshake\'s first payload.',
    });
  }

  #issue(identity: Identity): string {
    const token = randomBytes(32).toString("base64url");
    this.#logins.set(digest(token), { identity, expires: performance.now() + this.#tokenLifetimeMs });
    this.#forgetExpired();
    return token;
  }

  #find(token: string | undefined): Login<Identity> | undefined {
    this.#forgetExpired();
    return token === undefined ? undefined : this.#logins.get(digest(token));
  }

  /** All live equally long, so that the oldest expire first. */
  #forgetExpired(): void {
    const now = performance.now();
    for (const [key, { expires }] of this.#logins) {
      if (expires > now && this.#logins.size <= this.#maxTokens) break;
      this.#logins.delete(key);
    }
  }
}

async function firstOf(payloads: AsyncIterable<Uint8Array>): Promise<BasicAuth | undefined> {
  for await (const payload of payloads) return decodeBasicAuth(payload);
  return undefined;
}

/** The token that a client got as a handshake's payload. */
function tokenOf(headers: ReadonlyMap<string, string>): string | undefined {
  const encoded = headers.get("auth-token-bin");
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}

/** What a token is kept by: who reads the server's memory, or times its answers, learns no token. */
function digest(token: string): string {
  return createHash("sha256").update(token).digest("base64");
}
