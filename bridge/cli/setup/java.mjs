import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { SetupError } from "./error.mjs";

const supported = [17, 21];

const hint = `Spark needs Java 17 or 21 (a runtime is enough):
    Debian 12, Ubuntu   sudo apt-get install openjdk-17-jre-headless
    Debian 13           sudo apt-get install openjdk-21-jre-headless
    Fedora, RHEL        sudo dnf install java-21-openjdk-headless
    macOS               brew install openjdk@21
  or set JAVA_HOME to one that you have.`;

/** Where systems keep the Javas that are not on PATH. */
const systemFolders = ["/usr/lib/jvm", "/opt/homebrew/opt", "/usr/local/opt"];

/**
 * The home of a Java that Spark runs on: JAVA_HOME, else the java on PATH, else one that the system has installed.
 * Returns {home, version, isDefault}: the default is the one that Spark would take by itself. Throws a SetupError
 * that says what to install.
 */
export function findJava(env = process.env, folders = systemFolders) {
  const seen = [];
  let isDefault = true;
  for (const [where, home] of candidates(env, folders)) {
    const version = versionOf(home);
    const mayBeDefault = isDefault && where !== "system";
    isDefault = false;
    if (version === undefined) {
      if (where === "JAVA_HOME") seen.push(`JAVA_HOME is ${home}, where no Java is`);
      continue;
    }
    if (supported.includes(Number.parseInt(version, 10))) return { home, version, isDefault: mayBeDefault };
    seen.push(`Java ${version} in ${home}`);
  }
  const found = seen.length === 0 ? "none was found" : `found only: ${seen.join("; ")}`;
  throw new SetupError(`Java 17 or 21 is needed; ${found}.`, hint);
}

function* candidates(env, folders) {
  if (env.JAVA_HOME) yield ["JAVA_HOME", env.JAVA_HOME];
  for (const folder of (env.PATH ?? "").split(delimiter)) {
    const program = join(folder || ".", "java");
    if (existsSync(program)) yield ["PATH", homeOf(program)];
  }
  for (const folder of folders) {
    for (const name of existsSync(folder) ? readdirSync(folder).sort() : []) {
      if (/java|jdk|jre|temurin|corretto|zulu/i.test(name)) yield ["system", join(folder, name)];
    }
  }
}

/** The folder that holds bin/java, behind the links of the system's alternatives. */
function homeOf(program) {
  const home = dirname(dirname(realpathSync(program)));
  return existsSync(join(home, "bin", "java")) ? home : dirname(dirname(program));
}

/** Java's own version, such as "17.0.15": from its release file, else by asking it. */
function versionOf(home) {
  const program = join(home, "bin", "java");
  if (!existsSync(program)) return undefined;
  try {
    const version = /^JAVA_VERSION="(.+)"$/m.exec(readFileSync(join(home, "release"), "utf8"))?.[1];
    if (version !== undefined) return version;
  } catch {
    // A runtime without a release file is asked.
  }
  try {
    const printed = execFileSync("/bin/sh", ["-c", '"$0" -version 2>&1', program], {
      encoding: "utf8",
      timeout: 30_000,
    });
    return /version "(?:1\.)?([^"]+)"/.exec(printed)?.[1];
  } catch {
    return undefined;
  }
}
