import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import test, { type ExecutionContext } from "ava";

const setup = resolve("bridge/cli/setup");

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "rayflight-setup-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a program of the shell, such as a Java that tells its version. */
async function program(path: string, script: string): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** Runs a few lines against the set-up's own modules; gives what they print, or the message and hint that they throw. */
function inSetup(script: string, env: NodeJS.ProcessEnv = process.env): Promise<{ code: number; output: string }> {
  const whole = `try { ${script} } catch (reason) { console.log(reason.message + "\\n" + reason.hint); process.exit(1) }`;
  return new Promise((done) => {
    const child = execFile(process.execPath, ["--input-type=module", "-e", whole], { env }, (_, stdout, stderr) => {
      done({ code: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
}

const findJava = `const { findJava } = await import("${setup}/java.mjs"); console.log(JSON.stringify(findJava(process.env, [])))`;
const findPython = `const { findPython } = await import("${setup}/python.mjs"); console.log(JSON.stringify(findPython()))`;

test("a Java that is too new is named, with what to install instead", async (t) => {
  const folder = await temporaryFolder(t);
  await program(join(folder, "jdk-25/bin/java"), `echo 'openjdk version "25.0.1" 2025-10-21' >&2`);
  const { code, output } = await inSetup(findJava, { JAVA_HOME: join(folder, "jdk-25"), PATH: "" });
  t.is(code, 1);
  t.regex(output, /Java 17 or 21 is needed; found only: Java 25\.0\.1 in .*jdk-25/);
  t.regex(output, /apt-get install openjdk-17-jre-headless/);
});

test("no Java at all, and a JAVA_HOME that leads nowhere, are told apart", async (t) => {
  t.regex((await inSetup(findJava, { PATH: "" })).output, /none was found/);
  t.regex(
    (await inSetup(findJava, { PATH: "", JAVA_HOME: "/nowhere" })).output,
    /JAVA_HOME is \/nowhere, where no Java is/,
  );
});

test("of several Javas, the first that Spark can use is taken, and it is known whether Spark would take it", async (t) => {
  const folder = await temporaryFolder(t);
  for (const version of ["11.0.2", "17.0.9", "21.0.4"]) {
    const home = join(folder, version);
    await program(join(home, "bin/java"), "exit 1");
    await writeFile(join(home, "release"), `JAVA_VERSION="${version}"\n`);
  }
  const found = async (env: NodeJS.ProcessEnv) => JSON.parse((await inSetup(findJava, env)).output) as unknown;
  const path = ["11.0.2", "17.0.9"].map((version) => join(folder, version, "bin")).join(":");
  t.deepEqual(await found({ PATH: path }), { home: join(folder, "17.0.9"), version: "17.0.9", isDefault: false });
  const home = join(folder, "21.0.4");
  t.deepEqual(await found({ PATH: path, JAVA_HOME: home }), { home, version: "21.0.4", isDefault: true });
});

test("a Python without its venv module is named, with Debian's package for it", async (t) => {
  const folder = await temporaryFolder(t);
  await program(join(folder, "python3"), `echo 3 12 4 /usr/bin/python3; echo "No module named 'ensurepip'"`);
  const { code, output } = await inSetup(findPython, { PATH: folder });
  t.is(code, 1);
  t.regex(output, /Python 3\.12\.4 \(\/usr\/bin\/python3\) lacks its venv module/);
  t.regex(output, /apt-get install python3-venv/);
});

test("a Python that is too old is passed over for one that will do", async (t) => {
  const folder = await temporaryFolder(t);
  await program(join(folder, "python3"), "echo 3 9 2 /old/python3; echo venv");
  const old = await inSetup(findPython, { PATH: folder });
  t.regex(old.output, /Python 3\.10 to 3\.13 is needed; found only: Python 3\.9\.2 \(\/old\/python3\)/);
  await program(join(folder, "python3.13"), "echo 3 13 0 /new/python3; echo venv");
  t.like(JSON.parse((await inSetup(findPython, { PATH: folder })).output), {
    program: "/new/python3",
    version: "3.13.0",
  });
});

/** A clone of what the set-up needs, whose npm says when it has started, and then works on until it is stopped. */
async function cloneWithEndlessNpm(t: ExecutionContext): Promise<{ folder: string; env: NodeJS.ProcessEnv }> {
  const folder = await temporaryFolder(t);
  await cp("bridge/cli", join(folder, "bridge/cli"), { recursive: true });
  await cp("package-lock.json", join(folder, "package-lock.json"));
  await program(
    join(folder, "bin/npm"),
    `sleep 600 & echo $! > "${folder}/npm-child"; echo $$ > "${folder}/npm"; wait`,
  );
  const { npm_execpath: _, ...env } = process.env;
  return { folder, env: { ...env, PATH: `${join(folder, "bin")}:${env.PATH}` } };
}

/** Starts a set-up; one that a failed test leaves behind is told to end, and ends what it started. */
function start(
  t: ExecutionContext,
  folder: string,
  env: NodeJS.ProcessEnv,
): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(process.execPath, ["bridge/cli/setup.mjs", "main"], {
    cwd: folder,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  t.teardown(() => child.kill("SIGTERM"));
  return { child, lines: createInterface({ input: child.stderr! })[Symbol.asyncIterator]() };
}

async function lineWith(lines: AsyncIterator<string>, pattern: RegExp): Promise<void> {
  for (let next = await lines.next(); !next.done; next = await lines.next()) {
    if (pattern.test(next.value)) return;
  }
  throw new Error(`The set-up ended without a line like ${pattern}.`);
}

const ended = (child: ChildProcess) => new Promise<number | null>((done) => child.once("exit", (code) => done(code)));

/** Waits for a file that another process writes, looking again whenever the process has had its turn. */
async function contentOf(path: string): Promise<string> {
  for (;;) {
    const content = existsSync(path) ? await readFile(path, "utf8") : "";
    if (content.endsWith("\n")) return content.trim();
    await new Promise((done) => setTimeout(done, 10));
  }
}

/** Whether a process still runs; one that is dead but that nobody has asked after does not. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => ") Z");
  return !/\) [ZX]/.test(stat);
}

test("Ctrl-C ends what the set-up has started, and leaves nothing half made", async (t) => {
  const { folder, env } = await cloneWithEndlessNpm(t);
  const { child, lines } = start(t, folder, env);
  await lineWith(lines, /… Python environment/);
  const pids = [Number(await contentOf(join(folder, "npm"))), Number(await contentOf(join(folder, "npm-child")))];
  child.kill("SIGINT");
  t.is(await ended(child), 130);
  for (const pid of pids) t.false(await isRunning(pid), `process ${pid}`);
  t.false(existsSync(join(folder, ".venv")));
  t.false(existsSync(join(folder, ".cache/setup/lock")));
});

test("a second set-up of a clone waits for the first, and takes over when that one is killed", async (t) => {
  const { folder, env } = await cloneWithEndlessNpm(t);
  const python = join(folder, "bin/python");
  await program(
    python,
    `[ "$1" = -I ] && echo 3 12 4 "${python}" && echo venv && exit; sleep 600 & echo $$ >> "${folder}/pythons"; wait`,
  );
  env.RAYFLIGHT_PYTHON = python;
  const first = start(t, folder, env);
  const orphans = await Promise.all([join(folder, "npm"), join(folder, "pythons")].map(contentOf)); // it has the lock
  const second = start(t, folder, env);
  await lineWith(second.lines, new RegExp(`Another set-up of this clone is running \\(process ${first.child.pid}\\)`));
  await rm(join(folder, "npm"));
  first.child.kill("SIGKILL");
  await lineWith(second.lines, /… npm packages/);
  await contentOf(join(folder, "npm"));
  second.child.kill("SIGTERM");
  t.is(await ended(second.child), 143);
  for (const pid of orphans) process.kill(-Number(pid), "SIGKILL"); // what the first, killed, could not end itself
});
