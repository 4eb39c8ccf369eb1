import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { countGpus } from "../../bridge/node/count-gpus.js";

test("GPUs are counted by the driver's folders, else by device files, and no more than are visible", (t) => {
  const root = mkdtempSync(join(tmpdir(), "gpus-"));
  try {
    const [driver, devices] = [join(root, "gpus"), join(root, "dev")];
    const places = { driver, devices };
    t.is(countGpus(undefined, places), 0);
    mkdirSync(devices);
    for (const name of ["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null"])
      writeFileSync(join(devices, name), "");
    t.is(countGpus(undefined, places), 2);
    for (const address of ["0000:01:00.0", "0000:41:00.0", "0000:81:00.0"]) {
      mkdirSync(join(driver, address), { recursive: true });
    }
    t.is(countGpus(undefined, places), 3);
    t.is(countGpus("2,0", places), 2);
    t.is(countGpus("GPU-1f2e,MIG-77ab, 1, 2", places), 3);
    t.is(countGpus("0,-1,2", places), 1);
    for (const none of ["", "-1", "NoDevFiles"]) t.is(countGpus(none, places), 0);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("a machine without NVIDIA's driver has none", (t) => {
  const hasDriver = existsSync("/proc/driver/nvidia") || existsSync("/dev/nvidia0");
  t.is(countGpus(undefined) > 0, hasDriver);
});
