import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SetupError } from "./error.mjs";

const release = "CityLearn==1.8.0";
const sha256 = "cde0cdf53ace908cba41c237335d91bc1434e54deaf6086047e4cf7589c0067b";

/** The houses' data: the wheel of CityLearn 1.8.0, fetched as data and unpacked; nothing of it is installed. */
export function houses(root, environment) {
  const home = join(root, ".data/citylearn-1.8.0");
  return {
    name: "data of 17 houses (CityLearn 1.8.0)",
    isDone: () => existsSync(home),
    async run() {
      mkdirSync(join(root, ".data"), { recursive: true });
      const temporary = mkdtempSync(join(root, ".data/.unpacking-"));
      try {
        const pip = ["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--no-input", "--quiet"];
        await environment.python3(environment.program, [...pip, "-d", temporary, release], `Fetching ${release}`);
        const wheel = join(temporary, readdirSync(temporary)[0]);
        verify(wheel);
        const unpacked = join(temporary, "unpacked");
        await environment.python3(
          environment.program,
          ["-m", "zipfile", "-e", wheel, unpacked],
          `Unpacking ${release}`,
        );
        renameSync(unpacked, home);
      } finally {
        rmSync(temporary, { recursive: true, force: true });
      }
    },
  };
}

function verify(wheel) {
  const found = createHash("sha256").update(readFileSync(wheel)).digest("hex");
  if (found === sha256) return;
  throw new SetupError(
    `${release} is not the file it should be: its SHA-256 is ${found}, not ${sha256}.`,
    "Empty pip's cache (pip cache purge), look at which package index pip uses, and run the command again.",
  );
}
