import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { runInThisContext } from "node:vm";
import { type Expression, parseExpressionAt } from "acorn";
import test from "ava";
import { findFreeNames } from "../../src/tasks/closures/free-names.js";
import { get, remote, setContext } from "../../src/tasks/index.js";
import { makeWorkers } from "./session.js";

const run = promisify(execFile);
const allRight = "36 cases, 0 failed\n";

for (const backend of ["inline", "workers"]) {
  test(`functions and classes of a program travel: ${backend}`, async (t) => {
    const { stdout } = await run(process.execPath, ["test/fixtures/tasks/program.mjs", backend]);
    t.is(stdout, "40 cases, 0 failed\n");
  });
}

test("an inspector stops at a breakpoint in a function that was shipped by value", async (t) => {
  const { breakpoint, line, ...seen } = JSON.parse(await runProgram("test/fixtures/tasks/inspected.mjs"));
  t.is(line, breakpoint);
  // What it reads there, and the result after it wrote 60 to x.
  t.deepEqual(seen, { name: "addOffset", x: 2, offset: 40, result: 100 });
});

const project = "test/fixtures/tasks/typescript";
const typescript = "functions and classes of a TypeScript program travel:";

async function runProgram(...args: string[]): Promise<string> {
  return (await run(process.execPath, args)).stdout;
}

test(`${typescript} built by tsc`, async (t) => {
  await run(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project]);
  t.is(await runProgram(`dist/${project}/main.js`), allRight);
});

test(`${typescript} run by tsx`, async (t) => {
  t.is(await runProgram("node_modules/tsx/dist/cli.mjs", `${project}/main.ts`), allRight);
  t.is(await runProgram("--import", "tsx", `${project}/main.ts`), allRight);
});

const stripsTypes = Boolean((process.features as { typescript?: unknown }).typescript);
(stripsTypes ? test : test.skip)(`${typescript} run by Node itself`, async (t) => {
  t.is(await runProgram(`${project}/main.ts`), allRight);
});

test.serial(
  "functions of notebook cells travel: CommonJS cells that share `exports`, as tslab runs them",
  async (t) => {
    const session = await makeWorkers({});
    const exports: Record<string, unknown> = { remote, get };
    const cell = (code: string) =>
      runInThisContext(`(async function(exports, require) { ${code}\n})`)(
        exports,
        createRequire(`${process.cwd()}/src.js`),
      );
    try {
      await cell(`
      var __importStar = function (mod) {
        var result = {};
        for (var k in mod) if (k !== "default") result[k] = mod[k];
        Object.defineProperty(result, "default", { enumerable: true, value: mod });
        return result;
      };
      const fs = __importStar(require("fs"));
      exports.fs = fs;
      const path_1 = require("path");
      Object.defineProperty(exports, "join", { enumerable: true, get: function () { return path_1.join; } });
      const k = 3;
      exports.k = k;
      class B { x() { return 1; } }
      exports.B = B;
    `);
      await cell(`
      let m = 2;
      exports.m = m;
      function h(x) { return x * exports.k + m; }
      exports.h = h;
      const f = (x) => h(x) + exports.join("a", "b").length + exports.fs.readdirSync("/").length * 0;
      exports.f = f;
      class S extends exports.B { y() { return super.x() + exports.k; } }
      exports.S = S;
    `);
      await cell(`
      exports.result = await (0, exports.get)((0, exports.remote)(exports.f).remote(4));
      const actor = (0, exports.remote)(exports.S).remote();
      exports.sum = await (0, exports.get)(actor.y.remote());
      const nested = (0, exports.remote)(async (x) => {
        const os = await Promise.resolve().then(() => require("os"));
        return (await (0, exports.get)((0, exports.remote)(exports.h).remote(x))) + os.EOL;
      });
      exports.nested = await (0, exports.get)(nested.remote(1));
    `);
      t.like(exports, { result: 17, sum: 4, nested: "5\n" });
    } finally {
      await session.close();
      setContext(undefined);
    }
  },
);

test.serial("functions of plain scripts travel, with what the scripts' top levels declare", async (t) => {
  const session = await makeWorkers({});
  try {
    runInThisContext("const zz = 5; var ww = 1; function hh(q) { return q * zz + ww }");
    const cell = runInThisContext("(x) => hh(x) + zz") as (x: number) => number;
    t.is(await get(remote(cell).remote(2)), 16);
  } finally {
    await session.close();
    setContext(undefined);
  }
});

test("the free names of a function", (t) => {
  const free = (source: string) => {
    const node = parseExpressionAt(source, 0, { ecmaVersion: "latest", sourceType: "module" }) as Expression;
    const { names, outer } = findFreeNames(node);
    return [...names, ...(outer === undefined ? [] : [`<${outer}>`])].sort().join(" ");
  };
  t.is(free("(a, b = c) => a + b + d.e[f]"), "c d f");
  t.is(
    free("function g({ a, ...b }, [c, d = e] = h) { g(); var i; return arguments.length + a + b + c + d + i }"),
    "e h",
  );
  t.is(free("() => { x; { let x; x } for (let y of z) y; y }"), "x y z");
  t.is(free("() => { hoisted(); function hoisted() { return later } { var deep } deep }"), "later");
  t.is(free("() => { try { a } catch ({ b }) { b } switch (c) { case d: let e; e } f: for (;;) break f }"), "a c d");
  t.is(
    free("class A extends B { #p = q; static s = t; [k]() { return this.#p + super.m() + A } static { u } }"),
    "B k q t u",
  );
  t.is(free("() => ({ a, b: c, [d]: e, f() { return super.g }, get h() { return i } })"), "a c d e i");
  t.is(free(`() => \`\${a}\${b\`c\`}\` + (() => this)`), "<this> a b");
  t.is(free("() => import.meta.url"), "<import.meta>");
  t.is(free("function () { return [this, new.target, () => this] }"), "");
  t.is(free("() => ([a, { b: c.d }] = e, f = 1, typeof g)"), "a c e f g");
  t.is(free("() => import('x').then(({ y }) => y)"), "");
});
