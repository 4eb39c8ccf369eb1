/** What is at least so large has memory of its own. */
export const large = 1 << 20;
const page = 4096;
const largePage = 1 << 16;
/** What one typed array can cover on every supported Node. */
export const largest = 2 ** 32 - page;

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

/** What is taken for so many bytes: whole pages, and more at once where there are many. */
export function wholePages(bytes: number): number {
  return roundUp(bytes, bytes < large ? page : largePage);
}
