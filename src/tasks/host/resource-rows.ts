import type { ResourceRow } from "../../control/index.js";
import type { NodeInfo } from "../backend.js";

/** What a node has and what of it is free, one row a resource. */
export function resourceRows({ id: node, resources, available }: NodeInfo): ResourceRow[] {
  return Object.entries(resources).map(([name, total]) => ({
    id: `${node}/${name}`,
    node,
    name,
    total,
    available: available[name] ?? 0,
  }));
}
