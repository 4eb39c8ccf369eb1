import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import test from "ava";

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

function run(program: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [`dist/pipelines/ray/${program}.js`, ...args], (error, output, errors) => {
      resolve({ code: error === null ? 0 : ((error.code as number | undefined) ?? -1), output, errors });
    });
  });
}

for (const [program, printed] of [
  ["dot", "[[0,0],[0,0],[0,0]]"],
  ["counter", "[0,1,2]"],
  ["gpus", '{"held":[0,1],"early":0,"got":[0,1,2]}'],
] as const) {
  test.serial(`${program} prints what it should`, async (t) => {
    t.deepEqual(await run(program), { code: 0, output: `${printed}\n`, errors: "" });
  });
}

test.serial("Evolution Strategies learn to balance the pole, with shared actors", async (t) => {
  const { code, output } = await run("evolution-strategies", "--hosted", "shared", "--iterations", "60", "--json");
  const told = JSON.parse(output) as { simulations: number; solvedAt: number; reward: number };
  t.is(code, 0);
  t.is(told.simulations, 3000);
  t.true(told.solvedAt < 60 && told.reward >= 475, output);
});

test.serial("a seed gives the same rewards, wherever the actors live", async (t) => {
  const small = ["--workers", "6", "--iterations", "20", "--seed", "5"];
  const outputs = await Promise.all([
    run("evolution-strategies", ...small),
    run("evolution-strategies", ...small, "--hosted", "shared"),
  ]);
  const [alone, shared] = outputs.map(({ output }) => output.match(/mean reward .*/g));
  t.is(alone!.length, 2);
  t.deepEqual(alone, shared);
  t.notDeepEqual((await run("evolution-strategies", ...small, "--seed", "6")).output.match(/mean reward .*/g), alone);
});

test.serial("its options are explained, and nonsense is refused", async (t) => {
  t.regex((await run("evolution-strategies", "--help")).output, /--hosted KIND/);
  const refused = await run("evolution-strategies", "--workers", "1");
  t.deepEqual([refused.code, refused.errors], [2, '--workers is "1". Give a whole number from 2.\n']);
  t.is((await run("evolution-strategies", "--hosted", "nowhere")).code, 2);
});

test("the page of the programs shows them as they are", async (t) => {
  const page = await readFile("pipelines/ray/README.md", "utf8");
  const shown = [...page.matchAll(/```(ts|python)\n([\s\S]*?)```/g)];
  t.is(shown.length, 8);
  const names = ["dot.ts", "dot.py", "counter.ts", "counter.py", "gpus.ts", "gpus.py"];
  names.push("evolution-strategies.ts", "evolution_strategies.py");
  for (const [i, [, , text]] of shown.entries()) {
    const source = await readFile(`pipelines/ray/${names[i]}`, "utf8");
    for (const part of text!.split(/^(?:\/\/ …|# …)\n/m)) t.true(source.includes(part), `${names[i]} has no\n${part}`);
  }
});
