import type { Http2Session } from "node:http2";
import { setImmediate as nextTurn } from "node:timers/promises";

/** Turns of the event loop that are sure to read what has come. */
const turns = 10;

/** A timer of more would fire at once. */
const longestDelay = 2 ** 31 - 1;

/** How a side finds out that its peer is gone without a word. */
export interface KeepaliveOptions {
  /** How often the peer is asked for a sign of life; Infinity: never. */
  keepaliveMs: number;
  /** How long it has for one. */
  keepaliveTimeoutMs: number;
}

/**
 * Pings the peer of `session` while `wanted` says so, and calls `dead` when it has sent nothing, not even the ping's answer, within the time.
 *
 * A peer whose answer waits behind its own data is alive; so is one whose answer this side was too busy to read.
 */
export function keepAlive(
  session: Http2Session,
  { keepaliveMs, keepaliveTimeoutMs }: KeepaliveOptions,
  wanted: () => boolean,
  dead: () => void,
): void {
  if (!Number.isFinite(keepaliveMs)) return;
  let waiting: NodeJS.Timeout | undefined;
  const received = () => session.socket?.bytesRead ?? 0;
  const ping = () => {
    if (waiting !== undefined || session.destroyed || !wanted()) return;
    const before = received();
    const silent = () => received() === before && !session.destroyed;
    const isOver = async () => {
      waiting = undefined;
      // What came while this process was busy is read first.
      for (let turn = 0; turn < turns && silent(); turn++) await nextTurn();
      if (silent()) dead();
    };
    waiting = setTimeout(() => void isOver(), Math.min(keepaliveTimeoutMs, longestDelay)).unref();
    session.ping(() => {
      clearTimeout(waiting);
      waiting = undefined;
    });
  };
  const timer = setInterval(ping, Math.min(keepaliveMs, longestDelay)).unref();
  session.once("close", () => {
    clearInterval(timer);
    clearTimeout(waiting);
  });
}
