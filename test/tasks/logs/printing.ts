/** A driver whose tasks and actors print; run by `logs.test.ts`. Its argument is JSON: options of `init`, and what to run. */
import * as ray from "../../../bridge/node.js";

const { scene, ...options } = JSON.parse(process.argv[2]!) as ray.InitOptions & { scene: string };
await ray.init({ numCpus: 2, ...options });

const say = ray.remote(function say(text: string) {
  console.log(text);
});
const kept: ray.ObjectRef<unknown>[] = [];
const scenes: Record<string, () => Promise<unknown>> = {
  async plain() {
    await ray.get(say.remote("from a task\nin two lines"));
    class Teller {
      #count = 0;
      tell() {
        this.#count += 1;
        console.error(`told ${this.#count}`);
      }
    }
    const teller = ray.remote(Teller).remote();
    await ray.get([teller.tell.remote(), teller.tell.remote()]);
  },
  async order() {
    const many = ray.remote(function many() {
      for (let i = 0; i < 2000; i++) process.stdout.write(i % 2 === 0 ? `${i} ` : `${i}\n`);
    });
    await ray.get(many.remote());
  },
  async encoded() {
    const write = ray.remote(function write() {
      process.stdout.write("aMOpbGxvCg==", "base64");
      process.stdout.write(Buffer.from("bytes\n"));
    });
    await ray.get(write.remote());
  },
  async deaths() {
    const leave = ray.remote(
      function leave() {
        console.log("last words");
        process.exit(1);
      },
      { maxRetries: 0 },
    );
    const crash = ray.remote(
      function crash() {
        process.stdout.write("no line end");
        setImmediate(() => {
          throw new Error("nobody catches this");
        });
        return new Promise(() => {});
      },
      { maxRetries: 0 },
    );
    for (const task of [leave, crash])
      await ray.get(task.remote() as ray.ObjectRef<unknown>).catch((error) => console.log(error.code));
  },
  async repeated() {
    class Echo {
      same(index: number) {
        console.log(`worker ${index} is ready`);
      }
    }
    const echoes = [1, 2, 3, 4].map(() => ray.remote(Echo).remote());
    for (const [index, echo] of echoes.entries()) await ray.get(echo.same.remote(index));
  },
  async unread() {
    const fail = ray.remote(function fail(which: string) {
      throw new RangeError(`nobody hears of ${which}`);
    });
    const never = ray.remote(function never() {
      return new Promise(() => {});
    });
    const outer = ray.remote(async function outer() {
      // Dropped unread inside a task.
      using lost = fail.remote("the one inside");
      await ray.wait([lost]);
    });
    {
      using dropped = fail.remote("the one that is dropped");
      await ray.wait([dropped]);
    }
    const several = [1, 2, 3].map(() => fail.remote("those that are asked for together"));
    await ray.wait(several, { numReturns: 3 });
    await ray.get(several).catch(() => {});
    await ray.get(fail.remote("the one that is asked for")).catch(() => {});
    const cancelled = never.remote();
    ray.cancel(cancelled);
    await ray.wait([cancelled]);
    await ray.get(outer.remote());
    kept.push(fail.remote("the one that is kept"));
    await ray.wait([kept[0]!]);
  },
  async flood() {
    const flood = ray.remote(function flood(lines: number, flag: Int32Array) {
      const line = "x".repeat(99);
      Atomics.store(flag, 0, 1);
      for (let i = 0; i < lines; i++) console.log(line);
    });
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const done = ray.get(flood.remote(100_000, flag));
    await null;
    // The driver does not read: it computes, longer than a task waits for it.
    while (Atomics.load(flag, 0) === 0);
    const until = performance.now() + 1500;
    while (performance.now() < until);
    await done;
  },
};
await scenes[scene]!();
if (scene === "flood") console.log(`driver ${process.memoryUsage().rss >> 20} MiB`);
