import type { ResourceRow } from "../../control/index.js";
import type { NodeInfo } from "../backend.js";
import { type Demand, type ResourceLedger, toAmounts } from "../scheduler/resources.js";
import type { BoardTable } from "./board-table.js";

/** What the node has and what of it is free, in the units of the scheduler and as people see it. */
export class NodeResources {
  readonly #node: string;
  readonly #total: Demand;
  readonly #ledger: ResourceLedger;
  readonly #boards: BoardTable;

  constructor(node: string, total: Demand, ledger: ResourceLedger, boards: BoardTable) {
    this.#node = node;
    this.#total = total;
    this.#ledger = ledger;
    this.#boards = boards;
  }

  /** What nobody holds. A worker that has nothing to do holds its CPU for calls from boards. */
  free(): Demand {
    const free = this.#ledger.free();
    return { ...free, cpus: free.cpus + this.#boards.idleCpus() };
  }

  info(alive: boolean): NodeInfo {
    const free = this.free();
    // While a task that waited goes on beside another one, they hold more than there is.
    const available = toAmounts({ ...free, cpus: Math.max(0, free.cpus) });
    return { id: this.#node, alive, resources: toAmounts(this.#total), available };
  }

  /** One row a resource. */
  rows(): ResourceRow[] {
    const node = this.#node;
    const { resources, available } = this.info(true);
    return Object.entries(resources).map(([name, total]) => ({
      id: `${node}/${name}`,
      node,
      name,
      total,
      available: available[name] ?? 0,
    }));
  }
}
