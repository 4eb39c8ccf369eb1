import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError } from "./error.mjs";

const names = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];
const probe =
  "import sys; v = sys.version_info; print(v[0], v[1], v[2], sys.executable)\n" +
  "try:\n import venv, ensurepip; print('venv')\nexcept ImportError as reason: print(reason)";

/**
 * A Python 3.10 to 3.13 that can make environments: RAYFLIGHT_PYTHON, else the first on PATH.
 * Returns {program, version}. Throws a SetupError that says what to install.
 */
export function findPython(env = process.env) {
  const seen = new Map();
  let withoutVenv;
  for (const program of candidates(env)) {
    const python = ask(program, env);
    if (python === undefined) continue;
    if (python.major !== 3 || python.minor < 10 || python.minor > 13) seen.set(python.program, python.version);
    else if (!python.venv) withoutVenv ??= python;
    else return python;
  }
  if (withoutVenv !== undefined) {
    const { version, minor } = withoutVenv;
    throw new SetupError(
      `Python ${version} (${withoutVenv.program}) lacks its venv module.`,
      `Debian and Ubuntu package it apart:\n    sudo apt-get install python3-venv     (for the system's Python; else python3.${minor}-venv)`,
    );
  }
  const found = [...seen].map(([program, version]) => `Python ${version} (${program})`).join("; ");
  throw new SetupError(
    `Python 3.10 to 3.13 is needed; ${found === "" ? "none was found" : `found only: ${found}`}.`,
    `Install one, such as 3.12:
    Debian, Ubuntu      sudo apt-get install python3 python3-venv
    Fedora, RHEL        sudo dnf install python3.12
    macOS               brew install python@3.12
  or set RAYFLIGHT_PYTHON to the program of one that you have.`,
  );
}

function* candidates(env) {
  if (env.RAYFLIGHT_PYTHON) yield env.RAYFLIGHT_PYTHON;
  for (const name of names) {
    for (const folder of (env.PATH ?? "").split(delimiter)) {
      const program = join(folder || ".", name);
      if (existsSync(program)) yield program;
    }
  }
}

/** What a program says of itself; undefined where it is no Python at all, such as a launcher for one not installed. */
function ask(program, env) {
  try {
    const options = { encoding: "utf8", timeout: 30_000, env, stdio: ["ignore", "pipe", "ignore"] };
    const [about, module] = execFileSync(program, ["-I", "-c", probe], options).trim().split("\n");
    const [, major, minor, patch, path] = /^(\d+) (\d+) (\d+) (.+)$/.exec(about);
    const version = `${major}.${minor}.${patch}`;
    return { program: path, version, major: Number(major), minor: Number(minor), venv: module === "venv" };
  } catch {
    return undefined;
  }
}
