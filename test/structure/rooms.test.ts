import test from "ava";
import { type Import, importsOf, objectionTo, roomOf, rooms, sourcesBelow } from "./rooms.js";

const sources = sourcesBelow(["src", "bridge", "pipelines"]);
const imports = sources.flatMap(importsOf);

test("every source file is in a room, and imports only from rooms that its own may know", (t) => {
  t.true(sources.length > 50 && imports.length > 100, "the sources were found");
  t.deepEqual([...new Set(imports.map(objectionTo).filter((objection) => objection !== undefined))], []);
  t.deepEqual(
    sources.filter((path) => rooms[roomOf(path) ?? ""] === undefined),
    [],
  );
});

test("the arrows between rooms form no circle", (t) => {
  t.is(
    circleIn(Object.keys(rooms), (room) => rooms[room] ?? []),
    undefined,
  );
});

test("no file is loaded, by way of others, by what it loads", (t) => {
  const loads = imports.filter(({ typeOnly }) => !typeOnly);
  t.is(
    circleIn(sources, (path) => loads.filter(({ from }) => from === path).map(({ to }) => to)),
    undefined,
  );
});

test("an arrow against the map is seen, in whatever form it is written", (t) => {
  const against: Import[] = [
    { from: "src/tasks/a.ts", to: "src/rl/policy.ts", typeOnly: true },
    { from: "src/data/a.ts", to: "bridge/endpoint.ts", typeOnly: false },
    { from: "src/store/a.ts", to: "arrow-flight-node/ipc", typeOnly: false },
    { from: "src/arrow/a.ts", to: "arrow-flight-node", typeOnly: false },
    { from: "src/rl/envs/a.ts", to: "src/data/index.ts", typeOnly: false },
    { from: "src/tune/a.ts", to: "src/rl/index.ts", typeOnly: false },
    { from: "bridge/flight/src/a.ts", to: "src/error.ts", typeOnly: false },
    { from: "pipelines/a.ts", to: "src/index.ts", typeOnly: false },
    { from: "src/stray/a.ts", to: "src/error.ts", typeOnly: false },
  ];
  for (const arrow of against) t.truthy(objectionTo(arrow), `${arrow.from} → ${arrow.to}`);
  t.is(
    circleIn(["a", "b", "c"], (name) => ({ a: ["b"], b: ["c"], c: ["b"] })[name] ?? []),
    "b → c → b",
  );
});

/** The first circle that is met, written out. */
function circleIn(names: readonly string[], next: (name: string) => readonly string[]): string | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name].join(" → ");
    if (done.has(name)) return undefined;
    for (const follower of next(name)) {
      const circle = visit(follower, [...path, name]);
      if (circle !== undefined) return circle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of names) {
    const circle = visit(name, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}
