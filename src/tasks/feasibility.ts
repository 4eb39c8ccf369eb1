import { RayflightError } from "../error.js";
import { type Demand, type ResourceLedger, toAmounts } from "./scheduler/resources.js";

/** Throws FAILED_PRECONDITION when a node of this capacity can never run what `name` asks for. */
export function checkFeasible(capacity: ResourceLedger, name: string, demand: Demand): void {
  const { total } = capacity;
  if (total.cpus === 0) {
    throw new RayflightError("FAILED_PRECONDITION", `${name} cannot run: this node has no workers.`, {
      hint: "Start it with at least one CPU, as in `ray.init({ numCpus: 2 })`.",
    });
  }
  if (capacity.feasible(demand)) return;
  const names = Object.keys(demand.custom ?? {});
  const [wanted, had] = [demand, total].map((amounts) => describe(amounts, names));
  throw new RayflightError("FAILED_PRECONDITION", `${name} asks for ${wanted}, but this node has ${had}.`, {
    hint: "Ask for less, or declare more with `ray.init({ numCpus, numGpus, resources })`.",
  });
}

function describe(amounts: Demand, names: readonly string[]): string {
  const { CPU, GPU, ...custom } = toAmounts(amounts);
  const parts = [
    `${CPU} CPUs`,
    `${GPU} GPUs`,
    ...names.map((name) => `${custom[name] ?? 0} of ${JSON.stringify(name)}`),
  ];
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
