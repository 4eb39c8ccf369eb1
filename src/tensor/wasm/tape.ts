import { RayflightError } from "../../error.js";
import { type Graph, type GraphNode, sizeOf } from "../graph.js";

/** Operation codes of kernels.as.ts. */
const codes = { matmul: 0, tanh: 1, sqrt: 2, copy: 3, rows: 4, add: 5, sub: 6, mul: 7, div: 8 } as const;

/** Words of one instruction: code, address of the result, addresses of two operands, three sizes, one unused. */
export const instructionWords = 8;

const alignment = 64;
const pageBytes = 65536;
const mostPages = 65536;

/** A graph laid out in memory: the address of each node, and the instructions that compute them in order. */
export interface Tape {
  readonly pages: number;
  readonly addresses: readonly number[];
  readonly start: number;
  readonly instructions: Int32Array;
}

/** Gives every node a place of its own and translates it; pure, so it can be looked at without running. */
export function layOut(graph: Graph): Tape {
  const instructions: number[][] = [];
  let end = alignment; // address 0 stays unused
  const reserve = (words: number) => {
    const address = end;
    end += Math.ceil((4 * words) / alignment) * alignment;
    return address;
  };
  const addresses = graph.nodes.map((node) => reserve(sizeOf(node.shape)));
  for (const node of graph.nodes) instructions.push(...translate(node, graph.nodes, addresses));

  // A parameter assigned to another is staged first, so that no assignment changes what the next one reads.
  const copies = [...graph.assignments].map(([name, id]) => {
    const parameter = graph.nodes.find((node) => node.op === "parameter" && node.name === name)!;
    const size = sizeOf(parameter.shape);
    let from = addresses[id]!;
    if (graph.nodes[id]!.op === "parameter") {
      from = reserve(size);
      instructions.push([codes.copy, from, addresses[id]!, 0, size, 0, 0]);
    }
    return [codes.copy, addresses[parameter.id]!, from, 0, size, 0, 0];
  });
  instructions.push(...copies);

  const start = reserve(instructionWords * instructions.length);
  const pages = Math.ceil(end / pageBytes);
  if (pages > mostPages) {
    throw new RayflightError("INVALID_ARGUMENT", `The graph needs ${end} bytes, and a program has at most 4 GiB.`, {
      hint: "Make its batch smaller.",
    });
  }
  return { pages, addresses, start, instructions: Int32Array.from(instructions.flatMap((words) => [...words, 0])) };
}

/** The instruction of one node; none for what is written from outside. */
function translate(node: GraphNode, nodes: readonly GraphNode[], addresses: readonly number[]): number[][] {
  const y = addresses[node.id]!;
  const n = sizeOf(node.shape);
  switch (node.op) {
    case "input":
    case "parameter":
    case "constant":
      return [];
    case "tanh":
    case "sqrt":
      return [[codes[node.op], y, addresses[node.of]!, 0, n, 0, 0]];
    case "add":
    case "sub":
    case "mul":
    case "div": {
      const period = sizeOf(nodes[node.right]!.shape);
      return [[codes[node.op], y, addresses[node.left]!, addresses[node.right]!, n, period, 0]];
    }
    case "matmul": {
      const [rows, inner] = nodes[node.left]!.shape;
      return [[codes.matmul, y, addresses[node.left]!, addresses[node.right]!, rows!, inner!, node.shape[1]!]];
    }
    case "rows": {
      const blocks = Math.floor(nodes[node.table]!.shape[0]! / node.shape[0]!);
      return [[codes.rows, y, addresses[node.table]!, addresses[node.block]!, n, blocks, 0]];
    }
  }
}
