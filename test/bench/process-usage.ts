import { readFileSync } from "node:fs";

/** Ticks of the clock in which Linux counts processor time: 10 ms on every system that Node runs on. */
const ticksPerSecond = 100;

/** Seconds of processor time, user and system, that a process, its threads and its ended children have had. Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / ticksPerSecond;
}

/** The most bytes of a process that have lain in memory at once. Linux only. */
export function mostResidentBytes(pid: number): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1")) ?? [];
  if (kilobytes === undefined) throw new Error(`Process ${pid} has ended.`);
  return Number(kilobytes) * 1024;
}
