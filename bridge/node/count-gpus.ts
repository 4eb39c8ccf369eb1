import { readdirSync } from "node:fs";

export interface GpuPlaces {
  /** Where NVIDIA's Linux driver has a folder for each GPU. */
  readonly driver: string;
  /** Where it has a device file for each GPU, named `nvidia0`, `nvidia1` and so on: all that some containers show. */
  readonly devices: string;
}

const places: GpuPlaces = { driver: "/proc/driver/nvidia/gpus", devices: "/dev" };

/**
 * How many GPUs this machine has for us: as many as NVIDIA's driver lists, no more than `CUDA_VISIBLE_DEVICES` names where
 * that is set. It looks at files alone and starts no program, so that it costs nothing; 0 where there are none, as on other
 * systems than Linux and for other makes.
 */
export function countGpus(visible = process.env.CUDA_VISIBLE_DEVICES, { driver, devices } = places): number {
  const files = namesIn(devices).filter((name) => /^nvidia\d+$/.test(name)).length;
  const found = namesIn(driver).length || files;
  return visible === undefined ? found : Math.min(found, countNamed(visible));
}

/** CUDA ignores what follows the first entry that names no GPU. */
function countNamed(visible: string): number {
  const names = visible.split(",").map((name) => name.trim());
  const end = names.findIndex((name) => !/^(\d+|(GPU|MIG)-.+)$/.test(name));
  return end < 0 ? names.length : end;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
