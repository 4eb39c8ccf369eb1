import test from "ava";
import { createExecutor, GraphBuilder } from "../../src/tensor/index.js";

const executor = await createExecutor({ device: "cpu" });

test('device "gpu" is refused, and nothing takes its place', async (t) => {
  const error = await t.throwsAsync(createExecutor({ device: "gpu" }), { code: "DEVICE_UNAVAILABLE" });
  t.regex(error!.message, /gpu.*cpu/);
  await t.throwsAsync(createExecutor({ device: "gpu", backend: "wasm" }), { code: "DEVICE_UNAVAILABLE" });
});

test("shapes that do not fit are refused while the graph is built", (t) => {
  const graph = new GraphBuilder();
  const [x, w, row] = [graph.input("x", [4, 3]), graph.parameter("w", [2, 5]), graph.parameter("row", [4])];
  const refused = { code: "INVALID_ARGUMENT" };
  t.throws(() => graph.matmul(x, w), { ...refused, message: /matmul.*\[4, 3\].*\[2, 5\]/ });
  t.throws(() => graph.matmul(x, row), refused);
  t.throws(() => graph.add(x, row), refused);
  t.throws(() => graph.add(row, x), refused);
  t.throws(() => graph.assign(x, x), refused);
  t.throws(() => graph.assign(w, x), refused);
  t.throws(() => graph.rows(x, row, 2), refused);
  t.throws(() => graph.input("x", [1]), { code: "ALREADY_EXISTS" });
});

test("rows takes one block of a table, and the nearest one beyond its ends", (t) => {
  const graph = new GraphBuilder();
  const table = graph.input("table", [7, 3]);
  graph.output("y", graph.rows(table, graph.input("block", []), 2));
  const program = executor.compile(graph.build());
  program.inputs.table!.set(Array.from({ length: 21 }, (_, i) => i));
  for (const [block, first] of [
    [0, 0],
    [1, 6],
    [2, 12],
    [3, 12],
    [-4, 0],
    [1e30, 12],
  ] as const) {
    // biome-ignore format: pairs
    program.inputs.block![0] = block;
    program.run();
    t.deepEqual(
      [...program.outputs.y!],
      Array.from({ length: 6 }, (_, i) => first + i),
    );
  }
});

test("assignments happen together, at the end of a run", (t) => {
  const graph = new GraphBuilder();
  const [a, b] = [graph.parameter("a", [3]), graph.parameter("b", [3])];
  graph.assign(a, b);
  graph.assign(b, a);
  graph.output("sum", graph.add(a, b));
  const program = executor.compile(graph.build());
  program.parameters.a!.fill(1);
  program.parameters.b!.fill(2);
  program.run();
  t.deepEqual(
    [...program.parameters.a!, ...program.parameters.b!, ...program.outputs.sum!],
    [2, 2, 2, 1, 1, 1, 3, 3, 3],
  );
});

test("programs of one graph share nothing", (t) => {
  const graph = new GraphBuilder();
  graph.output("y", graph.mul(graph.input("x", [2]), 2));
  const [first, second] = [executor.compile(graph.build()), executor.compile(graph.build())];
  first.inputs.x!.set([1, 2]);
  second.inputs.x!.set([3, 4]);
  first.run();
  second.run();
  t.deepEqual([...first.outputs.y!, ...second.outputs.y!], [2, 4, 6, 8]);
});

test("a graph beyond a program's memory is refused", (t) => {
  const graph = new GraphBuilder();
  graph.input("x", [2 ** 15, 2 ** 16]);
  t.throws(() => executor.compile(graph.build()), { code: "INVALID_ARGUMENT", message: /4 GiB/ });
});

test("a compiled graph's memory is 0 but for its constants", (t) => {
  const graph = new GraphBuilder();
  const parameter = graph.parameter("p", [1000]);
  graph.output("y", graph.mul(parameter, 3));
  const program = executor.compile(graph.build());
  t.true(program.parameters.p!.every((x) => x === 0));
});
