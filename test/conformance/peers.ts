import { rmSync } from "node:fs";
import path from "node:path";
import { builtFrom, runBuild } from "./build.js";
import { python, pythonProgram } from "./ipc-files.js";
import type { PeerProgram } from "./peer-program.js";

const cache = path.resolve(".cache/conformance");
const sources = path.resolve("test/conformance");

/** A peer that is there once it is built. */
export interface Peer {
  name: string;
  build(log: (line: string) => void): Promise<PeerProgram>;
}

/** pyarrow, which the project's set-up installs: the data mode alone, since the tests in test/flight are made of its calls. */
export const pyarrow: Peer = {
  name: "pyarrow",
  async build() {
    return {
      name: "pyarrow",
      client: [python, pythonProgram("data_client.py")],
      server: [python, pythonProgram("data_server.py")],
      knows: () => false,
      unmarked: ({ name }) => name.startsWith("dictionary"),
    };
  },
};

/** Arrow's Java library, org.apache.arrow:flight-core. */
export const java: Peer = {
  name: "Java",
  async build(log) {
    const folder = path.join(cache, "java");
    const project = path.join(sources, "java");
    const built = builtFrom(project, folder);
    if (!built.fresh) {
      log("Building the Java peer; the first time, Maven fetches its libraries.");
      rmSync(folder, { recursive: true, force: true });
      await runBuild({
        tool: "mvn",
        args: ["-q", "-B", `-Dtarget=${folder}`, "process-classes"],
        cwd: project,
        install: "Maven 3.8 or newer (https://maven.apache.org) and a JDK of 17 or newer",
      });
      built.note();
    }
    const opens = ["java.nio", "java.lang"].flatMap((name) => [`--add-opens=java.base/${name}=ALL-UNNAMED`]);
    const classes = [path.join(folder, "classes"), path.join(folder, "lib", "*")].join(path.delimiter);
    // A client's library logs failures that a scenario asks for; a server's log is shown when a scenario fails.
    const command = (level: string) => {
      const log = `-Dorg.slf4j.simpleLogger.defaultLogLevel=${level}`;
      return ["java", "-Xmx2g", log, ...opens, "-cp", classes, "peer.Peer"];
    };
    const client = [...command("off"), "client"];
    return { name: "Java", client, server: [...command("error"), "server"], knows: knowsOfJava };
  },
};

/** The Rust crate arrow-flight, as a client alone. */
export const rust: Peer = {
  name: "Rust",
  async build(log) {
    const folder = path.join(cache, "rust");
    log("Building the Rust peer; the first time takes minutes.");
    await runBuild({
      tool: "cargo",
      args: ["build", "--locked", "--quiet", "--target-dir", folder],
      cwd: path.join(sources, "rust"),
      install: "Rust 1.88 or newer (https://rustup.rs)",
    });
    const program = path.join(folder, "debug", "flight-peer");
    return { name: "Rust", client: [program], knows: knowsOfRust };
  },
};

const arrowsInJava = [
  "auth:basic_proto",
  "poll_flight_info",
  "expiration_time:cancel_flight_info",
  "expiration_time:renew_flight_endpoint",
  "session_options",
];

function knowsOfJava(scenario: string): boolean {
  return scenario.startsWith("call: ") || arrowsInJava.includes(scenario);
}

function knowsOfRust(scenario: string): boolean {
  return scenario.startsWith("call: ") || scenario === "poll_flight_info" || scenario === "auth:basic_proto";
}
