import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = ".cache/citylearn-peer";
const ready = `${folder}/ready`;

/** What CityLearn 1.8.0 needs to step: its own pins are too old for any Python that is still to be had. */
const packages = [
  "CityLearn==1.8.0",
  "numpy==1.26.4",
  "pandas==1.5.3",
  "gym==0.26.2",
  "gym-notices==0.1.0",
  "cloudpickle==3.1.2",
  "python-dateutil==2.9.0.post0",
  "pytz==2025.2",
  "simplejson==3.20.1",
  "six==1.17.0",
];

/** The Python of an environment that has CityLearn, made at the first call; or why there is none. */
export async function citylearnPython(): Promise<{ python: string } | { missing: string }> {
  const python = `${folder}/bin/python`;
  if (existsSync(ready)) return { python };
  const base = await findPython();
  if (base === undefined) return { missing: "CityLearn 1.8.0 needs Python 3.11, which is not installed" };
  try {
    await run(base, ["-m", "venv", "--clear", folder]);
    await run(python, ["-m", "pip", "install", "--quiet", "--no-deps", ...packages]);
  } catch (reason) {
    return {
      missing: `CityLearn 1.8.0 could not be installed: ${(reason as Error).message.trim().split("\n").at(-1)}`,
    };
  }
  writeFileSync(ready, `${packages.join("\n")}\n`);
  return { python };
}

async function findPython(): Promise<string | undefined> {
  for (const name of ["python3.11", "python3"]) {
    try {
      const { stdout } = await run(name, ["-c", "import sys, venv, ensurepip; print(sys.version_info[:2])"]);
      if (stdout.trim() === "(3, 11)") return name;
    } catch {
      // Not installed, or without venv: the next name may be.
    }
  }
  return undefined;
}
