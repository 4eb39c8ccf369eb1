import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { runProgram } from "../conformance/child.js";
import { startTarget } from "./target.js";

const version = "v2.2.1+incompatible";
const folder = path.resolve(`.cache/hostile/h2spec-${version}`);
const program = path.join(folder, "h2spec");

const runs = 3;

export interface SpecResult {
  /** The numbers and titles of the cases. */
  passed: readonly string[];
  skipped: readonly string[];
  failed: readonly string[];
}

/** Builds h2spec where it is not there yet; returns why it cannot be had, or undefined. */
export async function buildH2spec(): Promise<string | undefined> {
  if (existsSync(program)) return undefined;
  mkdirSync(folder, { recursive: true });
  const target = `github.com/summerwind/h2spec/cmd/h2spec@${version}`;
  try {
    const { code, output } = await runProgram("go", ["install", target], {
      env: { GOBIN: folder, GOFLAGS: "" },
      cwd: folder,
      timeoutMs: 600_000,
    });
    return code === 0 ? undefined : `go install ${target} failed: ${output.trim().split("\n").at(-1)}`;
  } catch {
    return "h2spec is built with Go, and there is no go on the PATH (https://go.dev/dl).";
  }
}

/**
 * Runs h2spec against a bare server of node:http2 and against ours. What some cases see depends on whether the answer to a request was
 * quicker than their next frame: a case has passed if it did in one of several runs.
 */
export async function runH2spec(): Promise<{ bare: SpecResult; ours: SpecResult }> {
  // Settings are part of what h2spec tests: these are what our server gives to those that it does not know.
  const settings = { maxFrameSize: 1 << 20, maxConcurrentStreams: 100, maxHeaderListSize: 16 << 10 };
  const plain = createServer({ settings });
  plain.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  plain.on("sessionError", () => {});
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
  const bare = await bestOf((plain.address() as AddressInfo).port);
  plain.close();
  // h2spec breaks the rules for its living.
  const target = await startTarget({ floodPenaltyMs: 0 });
  const ours = await bestOf(target.port);
  await target.stop();
  return { bare, ours };
}

async function bestOf(port: number): Promise<SpecResult> {
  const results: SpecResult[] = [];
  for (let i = 0; i < runs; i++) results.push(await spec(port));
  const passed = [...new Set(results.flatMap((result) => result.passed))];
  const without = (list: keyof SpecResult, ...others: readonly (readonly string[])[]) =>
    [...new Set(results.flatMap((result) => result[list]))].filter((one) => !others.flat().includes(one));
  const skipped = without("skipped", passed);
  return { passed, skipped, failed: without("failed", passed, skipped) };
}

async function spec(port: number): Promise<SpecResult> {
  const report = path.join(folder, `${port}.xml`);
  await runProgram(program, ["-h", "127.0.0.1", "-p", String(port), "-o", "3", "-j", report], { timeoutMs: 180_000 });
  const cases = readFileSync(report, "utf8").matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>([\s\S]*?)<\/testcase>/g,
  );
  const result = { passed: [] as string[], skipped: [] as string[], failed: [] as string[] };
  for (const [, section, title, rest] of cases) {
    const list = rest!.includes("<error") ? result.failed : rest!.includes("<skipped") ? result.skipped : result.passed;
    list.push(`${section}: ${title}`);
  }
  return result;
}
