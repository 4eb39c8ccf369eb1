import { Table, tableFromArrays } from "apache-arrow";
import { get, put, remote } from "../../src/tasks/index.js";
import { type Scenario, scenariosOn } from "./scenario.js";
import { makeInline, makeWorkers } from "./session.js";

const backends = { inline: scenariosOn(makeInline), workers: scenariosOn(makeWorkers) };

/** Arrow tables as values, on both backends. */
function scenario(title: string, body: Parameters<Scenario>[1]): void {
  for (const [name, on] of Object.entries(backends)) on(`${name}: ${title}`, body, { cpus: 2 });
}

const small = (): Table => tableFromArrays({ x: Float64Array.of(1, 2, 3), word: ["a", "b", "c"] });
const large = (): Table => tableFromArrays({ x: Float64Array.from({ length: 50_000 }, (_, i) => i) });

const total = remote(function total(table: Table): number {
  let sum = 0;
  for (const x of table.getChild("x")!) sum += x as number;
  return sum;
});
const same = remote((table: Table) => table);
const sameNested = remote((value: { list: Table[]; mark: Float64Array }) => value);

scenario("arguments, results and values of put, small and large, at the top level and inside of values", async (t) => {
  for (const [make, sum] of [
    [small, 6],
    [large, 1_249_975_000],
  ] as const) {
    const table = make();
    t.is(await get(total.remote(table)), sum);
    const ref = put(table);
    t.is(await get(total.remote(ref)), sum);
    const back = await get(same.remote(ref));
    t.true(back instanceof Table);
    t.is(back.numRows, table.numRows);
    const nested = await get(sameNested.remote({ list: [table], mark: new Float64Array([4]) }));
    t.is(nested.list[0]!.numRows, table.numRows);
    t.deepEqual(nested.mark, new Float64Array([4]));
  }
});

scenario("calls of actors take and give tables", async (t) => {
  class Keeper {
    #tables: Table[] = [];
    add(table: Table): number {
      this.#tables.push(table);
      return this.#tables.reduce((sum, { numRows }) => sum + numRows, 0);
    }
    last(): Table {
      return this.#tables.at(-1)!;
    }
  }
  const keeper = remote(Keeper).remote();
  t.deepEqual(await get([keeper.add.remote(small()), keeper.add.remote(large())]), [3, 50_003]);
  t.is((await get(keeper.last.remote())).getChild("x")!.get(777), 777);
});

scenario(
  "functions take along the tables and record batches that they captured, alone and inside of values",
  async (t) => {
    const table = small();
    const batch = table.batches[0]!;
    const parts = table.concat(small());
    const box = { parts, rows: (part: Table) => part.numRows };
    const read = remote(() => [
      table.getChild("word")!.get(1),
      batch.numRows,
      box.rows(box.parts),
      parts.batches.length,
    ]);
    t.deepEqual(await get(read.remote()), ["b", 3, 6, 2]);
  },
);

scenario("a table that was read is the same one when it is read again", async (t) => {
  for (const ref of [put(small()), put(large())]) {
    const first = await get(ref);
    t.true((await get(ref)) === first);
  }
});

backends.workers(
  "workers read the memory that the driver reads: nothing is copied",
  async (t) => {
    const ref = put(large());
    const values = (await get(ref)).getChild("x")!.data[0]!.values as Float64Array;
    const at = remote((table: Table, row: number) => table.getChild("x")!.get(row) as number);
    t.is(await get(at.remote(ref, 5)), 5);
    // Nobody should do this; it shows whose memory the worker reads.
    values[5] = -1;
    t.is(await get(at.remote(ref, 5)), -1);
  },
  { cpus: 1 },
);
