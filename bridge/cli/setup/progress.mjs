import { Interrupted } from "./error.mjs";

/** Tells a person, on standard error, what the set-up is doing: one line a step, and on a terminal a line that moves. */
export function createProgress(stream = process.stderr) {
  const active = new Map();
  const lively = stream.isTTY === true && process.env.TERM !== "dumb";
  const began = performance.now();
  let timer;
  let worked = false;

  const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
  const clear = () => lively && stream.write("\r\x1b[2K");
  const draw = () => {
    const doing = [...active].map(([what, since]) => `${what} ${seconds(since)}`).join(" · ");
    clear();
    stream.write(`  ${doing}`.slice(0, (stream.columns ?? 80) - 1));
  };
  const say = (line) => {
    clear();
    stream.write(`${line}\n`);
  };

  return {
    say,
    /** Does a piece of work under a name, and says how long it took. */
    async doing(what, work) {
      if (!worked) say("Setting up this clone (first run, or something changed):");
      worked = true;
      const since = performance.now();
      active.set(what, since);
      if (lively) timer ??= setInterval(draw, 100);
      else say(`  … ${what}`);
      try {
        const result = await work();
        say(`  ✓ ${what} (${seconds(since)})`);
        return result;
      } catch (reason) {
        if (!(reason instanceof Interrupted)) say(`  ✗ ${what} (${seconds(since)})`);
        throw reason;
      } finally {
        active.delete(what);
        if (active.size === 0) {
          clearInterval(timer);
          timer = undefined;
          clear();
        }
      }
    },
    /** The closing line: only where there was something to do. */
    end() {
      if (worked) say(`Set up in ${seconds(began)}. The next run starts at once.\n`);
    },
  };
}
