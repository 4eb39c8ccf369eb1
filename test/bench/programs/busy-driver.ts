// A driver for the bridge's benchmark: a node in this process, whose driver thread computes without pause when told.
import { createInterface } from "node:readline";
import * as ray from "rayflight";

const node = await ray.init();
process.stdout.write(`listening on ${node.uri}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const until = performance.now() + Number(line) * 1000;
  let sum = 0;
  for (let i = 1; performance.now() < until; i++) {
    for (let j = 1; j < 1e6; j++) sum += Math.sqrt(i * j);
  }
  process.stdout.write(`computed ${sum > 0}\n`);
}
await node.close();
