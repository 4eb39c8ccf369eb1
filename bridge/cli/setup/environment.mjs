import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { findPython } from "./python.mjs";
import { discard, filesBelow, hashFiles, isStamped, readStamp, stamp } from "./stamp.mjs";

/**
 * The Python environment of a clone, in .venv. Its stamps lie inside, so that they go where it goes. While packages of
 * the registry are installed the stamp `python` is away: an environment without it, say after a power cut, is made anew.
 */
export function environment(root) {
  const home = join(root, ".venv");
  const stampOf = (name) => join(home, "setup", name);
  const trash = join(root, ".cache/setup");

  /** What the stamp `python` says of a whole environment: {base, version, site}; undefined of any other. */
  function about() {
    const text = readStamp(stampOf("python"));
    const made = text === undefined ? undefined : JSON.parse(text);
    const wanted = process.env.RAYFLIGHT_PYTHON;
    return made !== undefined && existsSync(made.base) && (!wanted || wanted === made.asked) ? made : undefined;
  }

  async function create() {
    const python = findPython();
    discard(home, trash);
    await python3(python.program, ["-m", "venv", home], "Making the Python environment");
    const where = await python3(program, ["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], "Python");
    const asked = process.env.RAYFLIGHT_PYTHON || undefined;
    return { base: python.program, asked, version: python.version, site: where.trim() };
  }

  const program = join(home, "bin/python");
  const python3 = (python, args, what) => run(python, args, { cwd: root, env: cleanEnvironment(), what });
  const install = (args, what) => python3(program, ["-m", "pip", "install", "--no-input", "--quiet", ...args], what);

  /** Pinned packages from the registry; the first such step makes the environment. */
  function packages(name, what, files) {
    const inputs = () => hashFiles(root, files);
    return {
      name: what,
      isDone: () => about() !== undefined && isStamped(stampOf(name), inputs()),
      async run() {
        const made = about() ?? (await create());
        const asked = inputs();
        const args = files.flatMap((file) => ["-r", file]);
        rmSync(stampOf("python"), { force: true });
        try {
          await install(args, `Installing ${files.at(-1)}`);
          stamp(stampOf(name), asked);
        } catch (reason) {
          if (!reason.exited) throw reason;
          stamp(stampOf("python"), JSON.stringify(made)); // pip gave up by itself, and left things in order
          throw reason;
        }
        stamp(stampOf("python"), JSON.stringify(made));
      },
    };
  }

  return {
    program,
    about,
    python3,
    /** Takes away what an interruption has left half made. */
    tidy() {
      if (existsSync(home) && readStamp(stampOf("python")) === undefined) discard(home, trash);
    },
    main: packages("main", "Python environment (pyspark, pyarrow)", ["bridge/cli/requirements.txt"]),
    test: packages("test", "Python packages of the tests", [
      "bridge/cli/requirements.txt",
      "bridge/cli/requirements-test.txt",
    ]),
    /** The project's own data source for Spark, installed as a user would; again when its source has changed. */
    connector: {
      name: "rayflight's data source for Spark",
      isDone: () => about() !== undefined && isStamped(stampOf("connector"), connectorHash(root)),
      async run() {
        const asked = connectorHash(root);
        await install(["--no-deps", "--force-reinstall", "./bridge/spark"], "Installing bridge/spark");
        stamp(stampOf("connector"), asked);
      },
    },
  };
}

function connectorHash(root) {
  return hashFiles(
    root,
    filesBelow(root, ["bridge/spark"], (name) => /\.(py|toml|md|typed)$/.test(name)),
  );
}

/** The caller's variables, less those that point Python or pip at another environment. */
function cleanEnvironment() {
  const env = { ...process.env, PIP_USER: "0", PIP_DISABLE_PIP_VERSION_CHECK: "1", PYTHONUNBUFFERED: "1" };
  for (const name of [
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_NO_DEPS",
  ]) {
    delete env[name];
  }
  return env;
}
