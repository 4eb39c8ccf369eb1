import { execFile, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { tableFromArrays } from "apache-arrow";
import { FlightClient } from "arrow-flight-node";
import test from "ava";

interface Notebook {
  cells: { cell_type: string; outputs?: { output_type: string; data?: Record<string, string[]>; text?: string[] }[] }[];
}

const hours = 8760;
const every = (make: (t: number) => number) => Float64Array.from({ length: hours }, (_, t) => make(t));

test("the battery notebook reads an endpoint and plots the training and a week", async (t) => {
  const endpoint = spawn(process.execPath, ["dist/bridge/cli/main.js", "start", "--port", "0"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.teardown(() => endpoint.kill("SIGTERM"));
  const first = await createInterface({ input: endpoint.stdout })[Symbol.asyncIterator]().next();
  const uri = /grpc\S+$/.exec(first.value as string)![0];

  const client = new FlightClient(uri);
  const time = Int32Array.from({ length: hours }, (_, hour) => hour);
  const ones = new Int32Array(hours).fill(1);
  await client.write(
    { type: "path", path: ["battery", "phase_1"] },
    tableFromArrays({
      building: ones,
      t: time,
      non_shiftable_load: every((hour) => 1 + Math.cos(hour)),
      solar_generation: every((hour) => Math.max(0, Math.sin((hour / 24) * 2 * Math.PI))),
      electricity_pricing: every((hour) => (hour % 24 > 16 ? 0.5 : 0.2)),
    }),
  );
  await client.write(
    { type: "path", path: ["battery", "runs", "small", "actions"] },
    tableFromArrays({
      phase: ones,
      building: ones,
      t: time,
      soc: every((hour) => (hour % 24) / 24),
      net: every((hour) => Math.cos(hour)),
    }),
  );
  const scores = Float64Array.of(1.25, 0.9375, 0.875);
  await client.write(
    { type: "path", path: ["battery", "runs", "small", "iterations"] },
    tableFromArrays({
      iteration: Int32Array.of(0, 1, 2),
      score: scores,
      price_cost: scores,
      emission_cost: scores,
      grid_cost: scores,
    }),
  );
  await client.close();

  const { stdout } = await promisify(execFile)(
    ".venv/bin/python",
    ["test/notebooks/run_notebook.py", "notebooks/battery.ipynb"],
    {
      env: { ...process.env, RAYFLIGHT_URI: uri, RAYFLIGHT_RUN: "small", JUPYTER_PATH: resolve("notebooks/jupyter") },
      maxBuffer: 2 ** 26,
    },
  );
  const outputs = (JSON.parse(stdout) as Notebook).cells.flatMap((cell) => cell.outputs ?? []);
  const printed = outputs.flatMap((output) => output.text ?? []).join("");
  t.is(printed, "3 updates; score 1.250 at first, 0.875 at last\n169 hours of house 1, 169 of its battery\n");

  const charts =
    outputs
      .flatMap((output) => output.data?.["text/html"] ?? [])
      .join("")
      .match(/<svg.*?<\/svg>/gs) ?? [];
  t.is(charts.length, 5);
  const pointsOf = (chart: string) => [...chart.matchAll(/points="([^"]*)"/g)].map(([, points]) => points!.split(" "));
  const [learning, ...week] = charts.map(pointsOf);
  t.deepEqual(
    learning!.map((line) => line.length),
    [3, 3, 3, 3],
  );
  const heights = learning![0]!.map((point) => Number(point.split(",")[1]));
  t.true(heights[0]! < heights[1]! && heights[1]! < heights[2]!, "a falling score is drawn downwards");
  t.deepEqual(
    week.map((lines) => lines.map((line) => line.length)),
    [[169, 169], [169], [169], [169]],
  );
});
