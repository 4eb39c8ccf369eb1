import { readFileSync } from "node:fs";
import test from "ava";
import { createExecutor, GraphBuilder, type Program, type Shape, type Tensor } from "../../src/tensor/index.js";

/** Inputs and results made by numpy in float64: see test/fixtures/tensor/make.py. */
const numpy = JSON.parse(readFileSync("test/fixtures/tensor/numpy.json", "utf8")) as {
  matmul: { shape: [number, number, number]; a: number[]; b: number[]; y: number[] }[];
  binary: (Record<"a" | "b" | (typeof operators)[number], number[]> & { shape: number[]; second: number[] })[];
  tanh: { x: number[]; y: number[] };
  sqrt: { x: number[]; y: number[] };
  policy: Record<"observations" | "w1" | "b1" | "w2" | "b2" | "y", number[]>;
  adam: { start: number[]; gradients: number[][]; thetas: number[][] };
};
const operators = ["add", "sub", "mul", "div"] as const;

/** Compiles a graph of inputs named a, b, c … with one output. */
async function program(shapes: Shape[], build: (graph: GraphBuilder, ...inputs: Tensor[]) => Tensor): Promise<Program> {
  const graph = new GraphBuilder();
  const inputs = shapes.map((shape, i) => graph.input("abcdefgh"[i]!, shape));
  graph.output("y", build(graph, ...inputs));
  return (await createExecutor({ device: "cpu" })).compile(graph.build());
}

function run(compiled: Program, ...inputs: number[][]): Float32Array {
  for (const [i, values] of inputs.entries()) compiled.inputs["abcdefgh"[i]!]!.set(values);
  compiled.run();
  return compiled.outputs.y!;
}

/** The largest difference, relative for values above 1. */
function error(actual: Float32Array, expected: number[]): number {
  if (actual.length !== expected.length) return Number.POSITIVE_INFINITY;
  return Math.max(...expected.map((y, i) => Math.abs(actual[i]! - y) / Math.max(1, Math.abs(y))));
}

test("matmul agrees with numpy at every edge of its blocks", async (t) => {
  for (const { shape, a, b, y } of numpy.matmul) {
    const [n, k, m] = shape;
    const compiled = await program([[n, k], [k, m]], (graph, left, right) => graph.matmul(left!, right!)); // biome-ignore format: one line
    t.true(error(run(compiled, a, b), y) < 2e-6 * Math.sqrt(k), shape.join());
  }
});

test("a row of a product does not depend on the rows beside it", async (t) => {
  const { a, b } = numpy.matmul.find(({ shape }) => shape.join() === "5,25,16")!;
  const together = run(await program([[5, 25], [25, 16]], (g, x, w) => g.matmul(x!, w!)), a, b); // biome-ignore format: one line
  const alone = await program([[1, 25], [25, 16]], (g, x, w) => g.matmul(x!, w!)); // biome-ignore format: one line
  for (let row = 0; row < 5; row++) {
    const y = run(alone, a.slice(row * 25, row * 25 + 25), b);
    t.deepEqual(y, together.subarray(row * 16, row * 16 + 16));
  }
});

test("add, sub, mul and div repeat their second operand as numpy does", async (t) => {
  for (const row of numpy.binary) {
    for (const op of operators) {
      const compiled = await program([row.shape, row.second], (graph, a, b) => graph[op](a!, b!));
      t.true(error(run(compiled, row.a, row.b), row[op]) < 1e-6, `${op} ${row.shape} ${row.second}`);
    }
  }
});

test("tanh and sqrt agree with numpy, far from 0 too", async (t) => {
  for (const op of ["tanh", "sqrt"] as const) {
    const { x, y } = numpy[op];
    t.true(error(run(await program([[x.length]], (graph, a) => graph[op](a!)), x), y) < 5e-7, op);
  }
});

test("tanh is odd, bounded and has the same bits at every place of a vector", async (t) => {
  const x = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 200);
  const y = run(await program([[x.length]], (graph, a) => graph.tanh(a!)), x).slice();
  for (let i = 0; i <= 2000; i++) t.true(y[i] === -y[4000 - i]! && Math.abs(y[i]!) <= 1, `${x[i]}`);
  const shifted = run(await program([[x.length + 1]], (graph, a) => graph.tanh(a!)), [0, ...x]);
  t.deepEqual(shifted.subarray(1), y);
});

test("two layers in one graph agree with numpy", async (t) => {
  const { observations, w1, b1, w2, b2, y } = numpy.policy;
  const compiled = await program([[5, 26], [26, 16], [16], [16, 1], [1]], (graph, x, wa, ba, wb, bb) => {
    const hidden = graph.tanh(graph.add(graph.div(graph.matmul(x!, wa!), 5), ba!));
    return graph.tanh(graph.add(graph.matmul(hidden, wb!), bb!));
  }); // biome-ignore format: one line
  t.true(error(run(compiled, observations, w1, b1, w2, b2), y) < 2e-6);
});

test("Adam as a graph of assignments agrees with numpy", async (t) => {
  const { start, gradients, thetas } = numpy.adam;
  const graph = new GraphBuilder();
  const [theta, m, v] = ["theta", "m", "v"].map((name) => graph.parameter(name, [start.length]));
  const gradient = graph.input("gradient", [start.length]);
  const [mScale, vScale] = [graph.input("mScale", []), graph.input("vScale", [])];
  const nextM = graph.add(graph.mul(m!, 0.9), graph.mul(gradient, 0.1));
  const nextV = graph.add(graph.mul(v!, 0.99), graph.mul(graph.mul(gradient, gradient), 0.01));
  const root = graph.add(graph.sqrt(graph.mul(nextV, vScale)), 1e-8);
  graph.assign(m!, nextM);
  graph.assign(v!, nextV);
  graph.assign(theta!, graph.sub(theta!, graph.mul(graph.div(graph.mul(nextM, mScale), root), 0.05)));
  const compiled = (await createExecutor({ device: "cpu" })).compile(graph.build());
  compiled.parameters.theta!.set(start);
  for (const [i, values] of gradients.entries()) {
    compiled.inputs.gradient!.set(values);
    compiled.inputs.mScale![0] = 1 / (1 - 0.9 ** (i + 1));
    compiled.inputs.vScale![0] = 1 / (1 - 0.99 ** (i + 1));
    compiled.run();
    t.true(error(compiled.parameters.theta!, thetas[i]!) < 2e-6, `step ${i}`);
  }
});
