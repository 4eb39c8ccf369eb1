import { randomUUID } from "node:crypto";
import { FlightError } from "./error.js";
import type { FlightHandlers, ServerCall } from "./handlers.js";
import type { CloseSessionStatus, SessionOptionError, SessionOptionValue } from "./messages.js";
import { parseCookies } from "./protocol/cookie.js";
import { encodeSessionOptions } from "./protocol/session-options.js";

/** The cookie that all of Arrow's implementations name a session by. */
const cookieName = "arrow_flight_session_id";

/** What sessions may hold, and for how long. */
export interface FlightSessionsOptions {
  /** Says what is wrong with an option that a client sets; undefined: nothing. Default: everything is taken. */
  check?: ((name: string, value: SessionOptionValue) => SessionOptionError | undefined) | undefined;
  /** How long a session stays that no call belongs to, in milliseconds. Default 24 h. */
  idleTimeoutMs?: number | undefined;
  /** How many sessions are kept; beyond it the one unused for longest is forgotten. Default 4,096. */
  maxSessions?: number | undefined;
  /** How many bytes the options of one session may take. Default 16 KiB. */
  maxSessionBytes?: number | undefined;
}

type Options = Map<string, SessionOptionValue>;

interface Session {
  options: Options;
  /** When a call last belonged to it, on the clock of performance.now(). */
  used: number;
}

/**
 * Sessions by cookie, in memory: spread `handlers` into the server's handlers, and ask `of(call)` for the options that its client set.
 *
 * A session begins when its client first sets options. Its id is random: who has it, has the session.
 */
export class FlightSessions {
  /** `setSessionOptions`, `getSessionOptions` and `closeSession`, for the server's handlers. */
  readonly handlers: Required<Pick<FlightHandlers, "setSessionOptions" | "getSessionOptions" | "closeSession">>;
  /** The session unused for longest comes first. */
  readonly #sessions = new Map<string, Session>();
  readonly #check: (name: string, value: SessionOptionValue) => SessionOptionError | undefined;
  readonly #idleTimeoutMs: number;
  readonly #maxSessions: number;
  readonly #maxSessionBytes: number;

  /** Starts without any session. */
  constructor({
    check,
    idleTimeoutMs = 86_400_000,
    maxSessions = 4096,
    maxSessionBytes = 16 << 10,
  }: FlightSessionsOptions = {}) {
    this.#check = check ?? (() => undefined);
    this.#idleTimeoutMs = idleTimeoutMs;
    this.#maxSessions = maxSessions;
    this.#maxSessionBytes = maxSessionBytes;
    this.handlers = {
      setSessionOptions: (options, call) => this.#set(options, call),
      getSessionOptions: (call) => new Map(this.of(call)),
      closeSession: (call) => this.#close(call),
    };
  }

  /** The options of the session that `call` belongs to; undefined when it belongs to none. */
  of(call: ServerCall): ReadonlyMap<string, SessionOptionValue> | undefined {
    return this.#find(call)?.options;
  }

  #find(call: ServerCall): { id: string; options: Options } | undefined {
    const id = parseCookies(call.headers.get("cookie") ?? "").get(cookieName) ?? "";
    this.#forgetIdle();
    const options = this.#sessions.get(id)?.options;
    if (options === undefined) return undefined;
    this.#keep(id, options);
    return { id, options };
  }

  #set(changes: ReadonlyMap<string, SessionOptionValue | undefined>, call: ServerCall) {
    const errors = new Map<string, SessionOptionError>();
    const session = this.#find(call);
    const options: Options = new Map(session?.options);
    for (const [name, value] of changes) {
      const error = value === undefined ? undefined : this.#check(name, value);
      if (error !== undefined) errors.set(name, error);
      else if (value === undefined) options.delete(name);
      else options.set(name, value);
    }
    const bytes = encodeSessionOptions(options).byteLength;
    if (bytes > this.#maxSessionBytes) {
      throw new FlightError("RESOURCE_EXHAUSTED", `The session's options would take ${bytes} bytes.`, {
        hint: `The limit is ${this.#maxSessionBytes}: set less, or raise maxSessionBytes.`,
      });
    }
    this.#keep(session?.id ?? this.#begin(call), options);
    return errors;
  }

  #begin(call: ServerCall): string {
    const id = randomUUID();
    call.setHeader("set-cookie", `${cookieName}=${id}; HttpOnly`);
    return id;
  }

  /** As the one used last. */
  #keep(id: string, options: Options): void {
    this.#sessions.delete(id);
    this.#sessions.set(id, { options, used: performance.now() });
    this.#forgetIdle();
  }

  #forgetIdle(): void {
    const idleSince = performance.now() - this.#idleTimeoutMs;
    for (const [id, { used }] of this.#sessions) {
      if (used > idleSince && this.#sessions.size <= this.#maxSessions) break;
      this.#sessions.delete(id);
    }
  }

  #close(call: ServerCall): CloseSessionStatus {
    const session = this.#find(call);
    if (session === undefined) {
      throw new FlightError("NOT_FOUND", "The call belongs to no session.", {
        hint: `Set options first, and keep the cookie ${cookieName}.`,
      });
    }
    this.#sessions.delete(session.id);
    call.setHeader("set-cookie", `${cookieName}=; Max-Age=0`);
    return "CLOSED";
  }
}
