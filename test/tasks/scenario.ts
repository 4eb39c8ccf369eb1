import test, { type ExecutionContext } from "ava";
import { setContext } from "../../src/tasks/index.js";
import type { MakeSession, Session, SessionOptions } from "./session.js";

/** A test that runs in a session of its own, one after the other, and leaves nothing in the store. */
export type Scenario = (
  title: string,
  body: (t: ExecutionContext, session: Session) => Promise<void>,
  options?: SessionOptions,
) => void;

/** Makes the tests of one list run on one backend. */
export function scenariosOn(make: MakeSession): Scenario {
  return (title, body, options = {}) => {
    test.serial(title, async (t) => {
      const session = await make(options);
      try {
        await body(t, session);
        for (const [what, left] of Object.entries(await session.left())) t.is(left, 0, `left in the store: ${what}`);
      } finally {
        await session.close();
        setContext(undefined);
      }
    });
  };
}
