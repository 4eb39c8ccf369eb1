#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { RayflightError } from "../../src/error.js";
import { list } from "./list.js";
import { start } from "./start.js";
import { status } from "./status.js";
import { timeline } from "./timeline.js";

const help = `rayflight: Spark in, Ray in TypeScript, results out, over Arrow Flight

  rayflight start     an endpoint that stays until Ctrl-C
  rayflight status    what an endpoint holds
  rayflight list      rows of a state table: tasks, actors, objects, workers, nodes, resources, datasets
  rayflight timeline  what ran where and when, for trace viewers
  rayflight --help    this text; each command has its own --help
  rayflight --version
`;

function version(): string {
  const manifest = new URL(import.meta.resolve("rayflight/package.json"));
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

async function main([command, ...rest]: string[]): Promise<number> {
  switch (command) {
    case "start":
      return start(rest);
    case "status":
      return status(rest);
    case "list":
      return list(rest);
    case "timeline":
      return timeline(rest);
    case "--version":
      process.stdout.write(`${version()}\n`);
      return 0;
    case "--help":
    case "-h":
    case undefined:
      process.stdout.write(help);
      return 0;
    default:
      process.stderr.write(`rayflight: there is no command "${command}".\n\n${help}`);
      return 2;
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (reason) {
  const error = RayflightError.from(reason);
  process.stderr.write(`rayflight: ${error.message}\n`);
  process.exitCode = error.code === "INVALID_ARGUMENT" || isUnknownOption(reason) ? 2 : 1;
}

function isUnknownOption(reason: unknown): boolean {
  return reason instanceof TypeError && "code" in reason && String(reason.code).startsWith("ERR_PARSE_ARGS");
}
