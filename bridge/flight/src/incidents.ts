/**
 * Why a server turned a peer away. The set is closed.
 *
 * - `flood`: a connection sent too much that is neither a message nor a call.
 * - `resets`: a connection cancelled too many calls.
 * - `protocol`: a connection sent what is not HTTP/2, or broke its rules.
 * - `handshake`: a connection did not say in time, by TLS and HTTP/2, who it is.
 * - `connections`: more connections came than may be open.
 * - `memory`: messages that no handler had taken filled the memory set aside for them.
 */
export const incidentCauses = ["flood", "resets", "protocol", "handshake", "connections", "memory"] as const;

/** One of `incidentCauses`. */
export type IncidentCause = (typeof incidentCauses)[number];

/** What `onIncident` is told: why peers were turned away, and how often. */
export interface Incident {
  readonly cause: IncidentCause;
  /** The address and port of the peer, the last one where there were several; "unix" on a Unix socket. */
  readonly peer: string;
  /** What happened, and which option bounds it. */
  readonly message: string;
  /** How many of this cause this one stands for. */
  readonly count: number;
}

/** How long a cause that has been told stays quiet. */
const quietMs = 60_000;

/**
 * Tells of incidents without becoming one: the first of a cause at once, those of the next minute together at its end. However
 * many peers do whatever they do, a listener is called once a minute and cause.
 */
export class IncidentReport {
  readonly #tell: (incident: Incident) => void;
  readonly #waiting = new Map<IncidentCause, Incident | undefined>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(tell: (incident: Incident) => void) {
    this.#tell = tell;
  }

  add(cause: IncidentCause, peer: string, message: string): void {
    if (this.#waiting.has(cause)) {
      this.#waiting.set(cause, { cause, peer, message, count: (this.#waiting.get(cause)?.count ?? 0) + 1 });
      return;
    }
    this.#speak({ cause, peer, message, count: 1 });
  }

  /** Tells what still waits, and forgets that anything was told. */
  flush(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const incident of waiting) if (incident !== undefined) this.#say(incident);
  }

  #speak(incident: Incident): void {
    const { cause } = incident;
    this.#waiting.set(cause, undefined);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const next = this.#waiting.get(cause);
      this.#waiting.delete(cause);
      if (next !== undefined) this.#speak(next);
    }, quietMs).unref();
    this.#timers.add(timer);
    this.#say(incident);
  }

  /** A listener that throws must not take the server with it, in the middle of ending a connection. */
  #say(incident: Incident): void {
    try {
      this.#tell(incident);
    } catch (reason) {
      console.warn(`arrow-flight-node: onIncident threw: ${reason}`);
    }
  }
}

/** One line on stderr: what a server does with its incidents unless it is told otherwise. */
export function warnOf({ cause, peer, message, count }: Incident): void {
  const more = count > 1 ? ` (${count} times within a minute)` : "";
  console.warn(`arrow-flight-node: ${cause}: ${peer}: ${message}${more}`);
}
