import { RayflightError } from "../../error.js";

/** Resources are counted in whole ten-thousandths, so that sums of fractions are exact. */
export const unit = 10_000;

/** What a task or an actor asks for, in units. */
export interface Demand {
  readonly cpus: number;
  readonly gpus: number;
}

/** What was taken: CPUs by amount, GPUs by number. */
export interface Grant {
  cpus: number;
  gpus: readonly GpuShare[];
}

export interface GpuShare {
  readonly gpu: number;
  readonly units: number;
}

/** Equal for equal demands: who asks for the same waits in one line. */
export function shapeOf({ cpus, gpus }: Demand): string {
  return `${cpus}/${gpus}`;
}

/** Turns an option like `numGpus: 0.5` into units. Throws INVALID_ARGUMENT when it is no count of this resource. */
export function toUnits(option: string, amount: number): number {
  const units = Math.round(amount * unit);
  if (!Number.isFinite(amount) || amount < 0 || Math.abs(units - amount * unit) > 1e-6) {
    throw new RayflightError("INVALID_ARGUMENT", `${option} is ${amount}.`, {
      hint: "Ask for a number of at least 0, in steps of 0.0001.",
    });
  }
  if (option === "numGpus" && units > unit && units % unit !== 0) {
    throw new RayflightError("INVALID_ARGUMENT", `numGpus is ${amount}.`, {
      hint: "Ask for a whole number of GPUs, or for a part of one.",
    });
  }
  return units;
}

/** Who holds what of the node's CPUs and GPUs. The only place that counts them. */
export class ResourceLedger {
  readonly total: Demand;
  #cpus: number;
  readonly #gpus: number[];

  /** `total` is in units; GPUs are whole. */
  constructor(total: Demand) {
    this.total = total;
    this.#cpus = total.cpus;
    this.#gpus = new Array<number>(Math.floor(total.gpus / unit)).fill(unit);
  }

  /** Whether the node has this much at all. */
  feasible(demand: Demand): boolean {
    return demand.cpus <= this.total.cpus && demand.gpus <= this.#gpus.length * unit;
  }

  /** Whether `take` would succeed now. */
  fits(demand: Demand): boolean {
    return demand.cpus <= this.#cpus && (demand.gpus === 0 || this.#pickGpus(demand.gpus) !== undefined);
  }

  /** Whether `take` would succeed if so many CPUs more were free. */
  wouldFit(demand: Demand, moreCpus: number): boolean {
    return demand.cpus <= this.#cpus + moreCpus && (demand.gpus === 0 || this.#pickGpus(demand.gpus) !== undefined);
  }

  take(demand: Demand): Grant {
    const gpus = demand.gpus === 0 ? [] : this.#pickGpus(demand.gpus);
    if (gpus === undefined) throw new RayflightError("INTERNAL", "GPUs were taken that are not free.");
    for (const { gpu, units } of gpus) this.#gpus[gpu]! -= units;
    this.#cpus -= demand.cpus;
    return { cpus: demand.cpus, gpus };
  }

  /** Takes CPUs even when none are free: a task that waited and goes on runs beside the one that was let in meanwhile. */
  takeBack(grant: Grant, cpus: number): void {
    grant.cpus += cpus;
    this.#cpus -= cpus;
  }

  /** Gives the CPUs of a grant back and keeps its GPUs, whose memory its holder still uses. */
  giveCpus(grant: Grant): void {
    this.#cpus += grant.cpus;
    grant.cpus = 0;
  }

  give(grant: Grant): void {
    this.giveCpus(grant);
    for (const { gpu, units } of grant.gpus) this.#gpus[gpu]! += units;
    grant.gpus = [];
  }

  /** What is free now. CPUs are negative while resumed tasks overlap. */
  free(): Demand {
    return { cpus: this.#cpus, gpus: this.#gpus.reduce((sum, units) => sum + units, 0) };
  }

  #pickGpus(units: number): GpuShare[] | undefined {
    if (units < unit) {
      // The fullest GPU that has room, so that whole ones stay whole.
      let best = -1;
      this.#gpus.forEach((left, gpu) => {
        if (left >= units && (best < 0 || left < this.#gpus[best]!)) best = gpu;
      });
      return best < 0 ? undefined : [{ gpu: best, units }];
    }
    const whole: GpuShare[] = [];
    this.#gpus.forEach((left, gpu) => {
      if (left === unit && whole.length < units / unit) whole.push({ gpu, units: unit });
    });
    return whole.length === units / unit ? whole : undefined;
  }
}
