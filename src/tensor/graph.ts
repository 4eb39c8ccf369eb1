import { RayflightError } from "../error.js";

/** Sizes of the dimensions, the outermost first; `[]` is one number. */
export type Shape = readonly number[];

/** A value of a graph: 32-bit floats of a fixed shape, named by the node that computes it. */
export interface Tensor {
  readonly id: number;
  readonly shape: Shape;
}

/** How a value comes about. Operands are ids of earlier nodes, so a graph's nodes are in an order that can be run. */
export type Operation =
  | { readonly op: "input" | "parameter"; readonly name: string }
  | { readonly op: "constant"; readonly value: number }
  | { readonly op: "tanh" | "sqrt"; readonly of: number }
  | { readonly op: BinaryOperator; readonly left: number; readonly right: number }
  | { readonly op: "matmul"; readonly left: number; readonly right: number }
  | { readonly op: "rows"; readonly table: number; readonly block: number };

export type BinaryOperator = "add" | "sub" | "mul" | "div";

export type GraphNode = Tensor & Operation;

/** A whole computation, fixed in shape: what an executor compiles. Immutable and without bytes, so any thread may hold it. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  /** Values to show after each run, by name. */
  readonly outputs: ReadonlyMap<string, number>;
  /** Parameters that take the value of another node when a run ends, by name. */
  readonly assignments: ReadonlyMap<string, number>;
}

/** How many numbers a shape holds. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

/**
 * Builds a static graph: each method adds one node and returns its tensor; `build` ends it.
 *
 * Shapes are checked here, so a graph that was built can be run. The second operand of add, sub, mul and div is repeated
 * to the shape of the first: it must equal the first's last dimensions (a bias to each row), or be one number.
 * Gradients, once they exist, are further nodes of the same kind added by a function of a tensor and parameters.
 */
export class GraphBuilder {
  readonly #nodes: GraphNode[] = [];
  readonly #names = new Set<string>();
  readonly #outputs = new Map<string, number>();
  readonly #assignments = new Map<string, number>();

  /** Numbers that the caller writes before a run. */
  input(name: string, shape: Shape): Tensor {
    return this.#add(shape, { op: "input", name: this.#claim(name) });
  }

  /** Numbers that last from run to run: 0 at first, written by the caller or by `assign`. */
  parameter(name: string, shape: Shape): Tensor {
    return this.#add(shape, { op: "parameter", name: this.#claim(name) });
  }

  /** `left` [n, k] times `right` [k, m]: [n, m], summed over k in ascending order. */
  matmul(left: Tensor, right: Tensor): Tensor {
    const [rows, inner, ...more] = left.shape;
    const [depth, columns, ...others] = right.shape;
    const matrices = more.length === 0 && others.length === 0 && rows !== undefined && columns !== undefined;
    if (!matrices || inner !== depth) throw this.#mismatch("matmul", left, right);
    return this.#add([rows, columns], { op: "matmul", left: left.id, right: right.id });
  }

  add(left: Tensor, right: Tensor | number): Tensor {
    return this.#binary("add", left, right);
  }

  sub(left: Tensor, right: Tensor | number): Tensor {
    return this.#binary("sub", left, right);
  }

  mul(left: Tensor, right: Tensor | number): Tensor {
    return this.#binary("mul", left, right);
  }

  div(left: Tensor, right: Tensor | number): Tensor {
    return this.#binary("div", left, right);
  }

  /** Hyperbolic tangent, as a rational function: within 5e-7, and the same bits on every machine. */
  tanh(of: Tensor): Tensor {
    return this.#add(of.shape, { op: "tanh", of: of.id });
  }

  sqrt(of: Tensor): Tensor {
    return this.#add(of.shape, { op: "sqrt", of: of.id });
  }

  /** Block `block` (one number, counted from 0) of `table`'s rows, `count` rows to a block; the last whole block at most. */
  rows(table: Tensor, block: Tensor, count: number): Tensor {
    const [height, width] = table.shape;
    if (table.shape.length !== 2 || sizeOf(block.shape) !== 1 || !(count >= 1 && count <= height!)) {
      throw this.#mismatch("rows", table, block);
    }
    return this.#add([count, width!], { op: "rows", table: table.id, block: block.id });
  }

  /** Makes the value readable under `name` after each run. */
  output(name: string, tensor: Tensor): void {
    this.#outputs.set(this.#claim(name), tensor.id);
  }

  /** Gives the parameter the value of `tensor` at the end of each run; the run itself sees the old one throughout. */
  assign(parameter: Tensor, tensor: Tensor): void {
    const node = this.#nodes[parameter.id]!;
    if (node.op !== "parameter" || sizeOf(node.shape) !== sizeOf(tensor.shape)) {
      throw this.#mismatch("assign", parameter, tensor);
    }
    this.#assignments.set(node.name, tensor.id);
  }

  build(): Graph {
    return { nodes: [...this.#nodes], outputs: new Map(this.#outputs), assignments: new Map(this.#assignments) };
  }

  #binary(op: BinaryOperator, left: Tensor, right: Tensor | number): Tensor {
    const second = typeof right === "number" ? this.#add([], { op: "constant", value: right }) : right;
    const tail = left.shape.slice(left.shape.length - second.shape.length);
    const repeats = tail.length === second.shape.length && tail.every((size, i) => size === second.shape[i]);
    if (!repeats && sizeOf(second.shape) !== 1) throw this.#mismatch(op, left, second);
    return this.#add(left.shape, { op, left: left.id, right: second.id });
  }

  #add(shape: Shape, operation: Operation): Tensor {
    const node: GraphNode = { id: this.#nodes.length, shape: [...shape], ...operation };
    this.#nodes.push(node);
    return node;
  }

  #claim(name: string): string {
    if (this.#names.has(name)) {
      throw new RayflightError("ALREADY_EXISTS", `The graph already has a "${name}".`, {
        hint: "Choose another name.",
      });
    }
    this.#names.add(name);
    return name;
  }

  #mismatch(op: string, left: Tensor, right: Tensor): RayflightError {
    const shapes = `[${left.shape.join(", ")}] and [${right.shape.join(", ")}]`;
    return new RayflightError("INVALID_ARGUMENT", `${op} does not take ${shapes}.`, {
      hint: `See GraphBuilder.${op} for the shapes that it takes.`,
    });
  }
}
