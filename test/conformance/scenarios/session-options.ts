import { createCookieJar, FlightClient, FlightSessions, type SessionOptionValue } from "arrow-flight-node";
import { equal } from "../equal.js";
import type { Scenario } from "../scenario.js";

const invalid = "lol_invalid";
const kept: readonly [string, SessionOptionValue][] = [
  ["foolong", 123n],
  ["bardouble", 456],
  ["big_ol_string_list", ["a", "b", "sea", "dee", " ", "  ", "geee", "(づ｡◕‿‿◕｡)づ"]],
];

/** A session by cookie: options of each kind are set, refused, read, erased, and the session is closed. */
export const sessionOptions: Scenario = {
  name: "session_options",
  handlers() {
    const sessions = new FlightSessions({
      check: (name, value) => (name === invalid ? "INVALID_NAME" : value === invalid ? "INVALID_VALUE" : undefined),
    });
    return sessions.handlers;
  },
  async client(_, uri) {
    const client = new FlightClient(uri, { middleware: [createCookieJar()] });
    try {
      equal(await client.getSessionOptions(), new Map(), "the options of a new session");
      const refused = [
        [invalid, "this won't get set"],
        ["key_with_invalid_value", invalid],
      ] as const;
      const errors = await client.setSessionOptions(new Map<string, SessionOptionValue>([...kept, ...refused]));
      const expected = { [invalid]: "INVALID_NAME", key_with_invalid_value: "INVALID_VALUE" };
      equal(sorted(errors), sorted(Object.entries(expected)), "the errors");
      equal(sorted(await client.getSessionOptions()), sorted(kept), "the options that were set");
      equal(await client.setSessionOptions(new Map([["foolong", undefined]])), new Map(), "the errors of erasing one");
      equal(sorted(await client.getSessionOptions()), sorted(kept.slice(1)), "the options that are left");
      equal(await client.closeSession(), "CLOSED", "the answer to CloseSession");
    } finally {
      await client.close();
    }
  },
};

function sorted<T>(entries: Iterable<readonly [string, T]>): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
