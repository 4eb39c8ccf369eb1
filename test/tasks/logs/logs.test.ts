import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { RepeatedLines } from "../../../src/tasks/logs/repeated-lines.js";

const run = promisify(execFile);

/** Runs a scene in a process of its own and returns what it printed. */
async function play(scene: string, options: object = {}): Promise<{ stdout: string; stderr: string }> {
  const program = new URL("./printing.js", import.meta.url).pathname;
  return await run(process.execPath, [program, JSON.stringify({ scene, ...options })], { maxBuffer: 1 << 26 });
}

test("what tasks and actors print comes to the driver, each line with who wrote it, stderr to stderr", async (t) => {
  const { stdout, stderr } = await play("plain");
  t.regex(stdout, /^\(say wid=\d+\) from a task\n\(say wid=\d+\) in two lines\n$/);
  t.regex(stderr, /^\(Teller wid=\d+\) told 1\n\(Teller wid=\d+\) told 2\n$/);
});

test("the order of a worker's output is kept, whatever it writes at once", async (t) => {
  const { stdout } = await play("order");
  const expected = Array.from({ length: 1000 }, (_, i) => `(many wid=1) ${2 * i} ${2 * i + 1}`);
  t.deepEqual(
    stdout
      .trim()
      .replaceAll(/wid=\d+/g, "wid=1")
      .split("\n"),
    expected,
  );
});

test("bytes, and text in another encoding, are printed as the text that they stand for", async (t) => {
  const { stdout } = await play("encoded");
  t.regex(stdout, /^\(write[^)]*\) héllo\n\(write[^)]*\) bytes\n$/);
});

test("the last words of a thread that ends are printed", async (t) => {
  const { stdout } = await play("deaths");
  t.regex(stdout, /\(leave wid=\d+\) last words\n/);
  t.regex(stdout, /\(crash wid=\d+\) no line end\n/);
  t.is(stdout.match(/^WORKER_DIED$/gm)?.length, 2);
});

test("a line that several workers say is printed once, and then how often it came", async (t) => {
  const { stdout } = await play("repeated");
  const lines = stdout
    .trim()
    .replaceAll(/wid=\d+/g, "wid=N")
    .split("\n");
  t.deepEqual(lines, ["(Echo wid=N) worker 0 is ready", "(Echo wid=N) worker 3 is ready [repeated 3x across workers]"]);
  const all = await play("repeated", { foldLogs: false });
  t.is(all.stdout.trim().split("\n").length, 4);
});

test("logToDriver: false prints nothing, and logDirectory keeps a file for each worker's stream", async (t) => {
  const logDirectory = await mkdtemp(join(tmpdir(), "rayflight-logs-"));
  t.teardown(() => rm(logDirectory, { recursive: true }));
  t.deepEqual(await play("plain", { logToDriver: false, logDirectory }), { stdout: "", stderr: "" });
  const files = await readdir(logDirectory);
  const texts = await Promise.all(files.map((file) => readFile(join(logDirectory, file), "utf8")));
  t.deepEqual(texts.sort(), ["from a task\nin two lines\n", "told 1\ntold 2\n"]);
  t.true(files.every((file) => /^worker-\d+\.(out|err)$/.test(file)));
});

test("debug: true prints as it is", async (t) => {
  const { stdout } = await play("plain", { debug: true });
  t.is(stdout, "from a task\nin two lines\n");
});

test("a task that prints without end is held back; where the driver does not read, lines are dropped and counted", async (t) => {
  const { stdout, stderr } = await play("flood");
  const printed = stdout.match(/^\(flood wid=\d+\) x{99}$/gm)!.length;
  const dropped = [...stderr.matchAll(/\) (\d+) lines were dropped/g)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  );
  t.is(printed + dropped, 100_000);
  t.true(dropped > 0);
  t.log(`${printed} lines printed, ${dropped} dropped, ${stdout.match(/driver .*/)![0]}`);
});

test("a task that failed is reported once if nobody ever asks for its result, with its stack", async (t) => {
  const { stdout, stderr } = await play("unread");
  t.is(stdout, "");
  const heard = [...stderr.matchAll(/nobody hears of ([^.\n]*)/g)].map(([, which]) => which!);
  t.deepEqual([...new Set(heard)].sort(), ["the one inside", "the one that is dropped", "the one that is kept"]);
  t.is(stderr.match(/A task failed, and no get\(\) asked for its result/g)?.length, 3);
  t.regex(stderr, /\(outer wid=\d+\) A task failed.*the one inside/);
  t.regex(stderr, /printing\.(ts|js):\d+/);
});

test("repeated lines: those of one worker never fold, a window ends, and what differs is apart", (t) => {
  const lines = new RepeatedLines(5000);
  const admit = (line: string, from: string, now = 0) => lines.admit(line, from, now);
  t.true(admit("a b", "1"));
  t.true(admit("a b", "1"));
  t.true(admit("a c", "2"));
  t.false(admit("a b", "2"));
  t.false(admit("a  b", "1"));
  t.true(admit("7 8", "1"));
  t.true(admit("7 8", "2"));
  t.deepEqual(lines.due(4999), []);
  t.deepEqual(lines.due(5000), [{ line: "a  b", from: "1", count: 2 }]);
  t.true(lines.isEmpty);
  t.true(admit("a b", "2", 6000));
});
