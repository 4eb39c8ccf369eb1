/** What one typed array can cover on every supported Node. */
export const largest = 2 ** 32 - 4096;

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** A number of bytes as a person reads it: "1.5 MiB". */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** `bytes` rounded up to a multiple of `step`, a power of two. */
export function roundUp(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}
