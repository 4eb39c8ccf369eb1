import { createRequire } from "node:module";
import test from "ava";

const require = createRequire(import.meta.url);

// A module that awaits at its top level can be imported, but not required.
for (const name of ["arrow-flight-node", "arrow-flight-node/ipc", "rayflight", "rayflight/rl", "rayflight/tensor"]) {
  test(`${name} can be loaded by require, as CommonJS programs and notebooks do`, (t) => {
    t.notThrows(() => require(name));
  });
}
