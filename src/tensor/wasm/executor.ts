import { readFileSync } from "node:fs";
import type { Executor, Program } from "../executor.js";
import { type Graph, type GraphNode, sizeOf } from "../graph.js";
import { instructionWords, layOut } from "./tape.js";

let kernels: WebAssembly.Module | undefined;

/** The kernels of kernels.as.ts, compiled once a thread; `npm run build:wasm` puts them beside this file. */
function loadKernels(): WebAssembly.Module {
  kernels ??= new WebAssembly.Module(readFileSync(new URL("./kernels.wasm", import.meta.url)));
  return kernels;
}

/** Runs graphs on this thread in WebAssembly with SIMD; every program has a memory of its own. */
export function createWasmExecutor(): Executor {
  const module = loadKernels();
  return { device: "cpu", backend: "wasm", compile: (graph) => compile(module, graph) };
}

function compile(module: WebAssembly.Module, graph: Graph): Program {
  const tape = layOut(graph);
  const memory = new WebAssembly.Memory({ initial: tape.pages, maximum: tape.pages }); // never grows, so views last
  const { run } = new WebAssembly.Instance(module, { env: { memory } }).exports as { run: Kernels };
  const view = (node: GraphNode) => new Float32Array(memory.buffer, tape.addresses[node.id]!, sizeOf(node.shape));
  const named = (op: "input" | "parameter") =>
    Object.fromEntries(graph.nodes.flatMap((node) => (node.op === op ? [[node.name, view(node)]] : [])));

  new Int32Array(memory.buffer, tape.start, tape.instructions.length).set(tape.instructions);
  for (const node of graph.nodes) if (node.op === "constant") view(node)[0] = node.value;
  const { start } = tape;
  const count = tape.instructions.length / instructionWords;
  return {
    inputs: named("input"),
    parameters: named("parameter"),
    outputs: Object.fromEntries([...graph.outputs].map(([name, id]) => [name, view(graph.nodes[id]!)])),
    run: () => run(start, count),
  };
}

type Kernels = (tape: number, count: number) => void;
