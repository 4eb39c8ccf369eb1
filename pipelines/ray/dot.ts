/**
 * Results as arguments before they are there: `dot` is submitted on the ids of two matrices that nobody has made yet.
 *
 *     node dist/pipelines/ray/dot.js
 */
import * as ray from "rayflight";

const zeros = ray.remote((rows: number, columns: number): number[][] => {
  return Array.from({ length: rows }, () => new Array<number>(columns).fill(0));
});

const dot = ray.remote((a: number[][], b: number[][]): number[][] => {
  return a.map((row) => b[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * b[k]![j]!, 0)));
});

await ray.init();

const id1 = zeros.remote(3, 5);
const id2 = zeros.remote(5, 2);
const id3 = dot.remote(id1, id2);
console.log(JSON.stringify(await ray.get(id3)));

await ray.shutdown();
