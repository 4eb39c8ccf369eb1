import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

/** Who may know whom: the rooms that the files of a room may import from, besides its own. */
export const rooms: Readonly<Record<string, readonly string[]>> = {
  error: [],
  random: [],
  arrow: ["error", "arrow-flight-node/ipc"],
  store: ["arrow", "error"],
  control: ["error"],
  data: ["store", "arrow", "control", "error"],
  tasks: ["store", "control", "error"],
  tensor: ["random", "error"],
  "rl core": ["tensor", "random", "error"],
  "rl runners": ["rl core", "tasks", "data", "tensor", "random", "error"],
  tune: ["tasks", "control", "random", "error"],
  engine: ["error", "random", "arrow", "store", "control", "data", "tasks", "tensor", "rl core", "rl runners", "tune"],
  flight: [],
  endpoint: ["flight", "data", "store", "tasks", "control", "arrow", "error"],
  ray: ["tasks", "store", "error"],
  node: ["engine", "flight", "endpoint", "ray", "data", "store", "tasks", "control", "error"],
  cli: ["engine", "node", "flight", "error"],
  pipelines: ["rayflight", "rayflight/rl", "rayflight/tensor", "arrow-flight-node"],
};

/** The package that any file may import, beside Node's own modules. */
const everywhere = /^apache-arrow(\/|$)/;

/** Packages that one room alone may import. */
const inOneRoom: Readonly<Record<string, string>> = { acorn: "tasks", zstddec: "flight" };

export interface Import {
  readonly from: string;
  /** A file of the repository, by its path, or a package's specifier. */
  readonly to: string;
  /** Whether it is erased by the compiler, so that nothing is loaded. */
  readonly typeOnly: boolean;
}

/** The room of a source file; undefined where the map has none for it. */
export function roomOf(path: string): string | undefined {
  const [top, second, third] = path.split("/");
  if (top === "pipelines") return "pipelines";
  if (top === "bridge") {
    const part = second?.replace(/\.ts$/, "");
    return part === "node-thread" ? "node" : part;
  }
  if (top !== "src" || second === undefined) return undefined;
  if (second === "index.ts") return "engine";
  if (second === "rl") return /^(rollout|replay|train|index)/.test(third ?? "") ? "rl runners" : "rl core";
  return second.replace(/\.ts$/, "");
}

/** The TypeScript sources below some folders, by path from the repository's root. */
export function sourcesBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .map((name) => join(folder, name))
      .filter((path) => /\.ts$/.test(path) && !/\.(d|as)\.ts$/.test(path) && !/(^|\/)(dist|node_modules)\//.test(path)),
  );
}

/** All that a source file imports, by `import`, `export from`, `import()`, `require()`, or the URL of a worker's entry. */
export function importsOf(path: string): Import[] {
  const source = readFileSync(path, "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
  const found: Import[] = [];
  const patterns = [
    /^(?:import|export)\s(type\s)?(?:[^"';]*?\sfrom\s)?"([^"]+)"/gm,
    /\bimport\((\s*)"([^"]+)"\)/g,
    /\brequire\((\s*)"(\.[^"]+\.js)"\)/g,
    /new URL\((\s*)"(\.[^"]+\.js)", import\.meta\.url\)/g,
  ];
  for (const pattern of patterns) {
    for (const [, type, specifier] of source.matchAll(pattern)) {
      const local = specifier!.startsWith(".");
      const to = local ? normalize(join(dirname(path), specifier!)).replace(/\.js$/, ".ts") : specifier!;
      found.push({ from: path, to, typeOnly: type?.trim() === "type" });
    }
  }
  return found;
}

/** Why an import is not allowed; undefined where it is. */
export function objectionTo({ from, to }: Import): string | undefined {
  const room = roomOf(from);
  const allowed = rooms[room ?? ""];
  if (room === undefined || allowed === undefined) return `${from} is in no room of the map`;
  if (to.startsWith("node:") || everywhere.test(to) || inOneRoom[to] === room) return undefined;
  const target = /^(src|bridge|pipelines)\//.test(to) ? roomOf(to) : to;
  if (target === room || (target !== undefined && allowed.includes(target))) return undefined;
  if (/^arrow-flight-node(\/|$)/.test(to) && allowed.includes("flight")) return undefined;
  return `${from} (${room}) imports ${to}`;
}
