/** Runs no-op tasks in batches of 10,000 and prints this process's resident bytes after each million, as a JSON array. */
import { get, init, type ObjectRef, remote, shutdown } from "../../../bridge/node.js";

const millions = Number(process.argv[2]);
const batch = 10_000;
const add = remote((a: number, b: number) => a + b);

await init({ numCpus: 2 });
const resident: number[] = [];
for (let million = 0; million < millions; million++) {
  for (let from = 0; from < 1e6; from += batch) {
    const refs: ObjectRef<number>[] = [];
    for (let i = 0; i < batch; i++) refs.push(add.remote(from, i));
    const values = await get(refs);
    if (values.some((value, i) => value !== from + i)) throw new Error("A result is wrong.");
  }
  resident.push(process.memoryUsage().rss);
}
await shutdown();
process.stdout.write(`${JSON.stringify(resident)}\n`);
