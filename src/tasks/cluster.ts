import type { NodeInfo } from "./backend.js";
import { currentContext } from "./context.js";

/** The nodes of this session, with what each one has and what of it is free. Today that is one. */
export async function nodes(): Promise<readonly NodeInfo[]> {
  return await currentContext().backend.nodes();
}

/** What all nodes have together, by Ray's names: `{ CPU: 2, GPU: 0, licence: 1 }`. */
export async function clusterResources(): Promise<Record<string, number>> {
  return sum((await nodes()).map(({ resources }) => resources));
}

/** What of `clusterResources` nobody holds at this moment. It may be out of date at once. */
export async function availableResources(): Promise<Record<string, number>> {
  return sum((await nodes()).map(({ available }) => available));
}

function sum(parts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const part of parts)
    for (const [name, amount] of Object.entries(part)) total[name] = (total[name] ?? 0) + amount;
  return total;
}
