import { RayflightError } from "../../error.js";

/** Resources are counted in whole ten-thousandths, so that sums of fractions are exact. */
export const unit = 10_000;

/** Amounts of custom resources by name, in units. */
export type Amounts = Readonly<Record<string, number>>;

/** What a task or an actor asks for, or a node has, in units. */
export interface Demand {
  readonly cpus: number;
  readonly gpus: number;
  /** Absent when there are none. */
  readonly custom?: Amounts | undefined;
}

/** What was taken: CPUs and custom resources by amount, GPUs by number. */
export interface Grant {
  cpus: number;
  gpus: readonly GpuShare[];
  custom?: Amounts | undefined;
}

export interface GpuShare {
  readonly gpu: number;
  readonly units: number;
}

/** Equal for equal demands: who asks for the same waits in one line. */
export function shapeOf({ cpus, gpus, custom }: Demand): string {
  if (custom === undefined) return `${cpus}/${gpus}`;
  return JSON.stringify([cpus, gpus, ...Object.entries(custom).sort()]);
}

/** Whether CPUs are all that it is about. */
export function isCpusOnly({ gpus, custom }: Demand): boolean {
  return gpus === 0 && custom === undefined;
}

/** Amounts by name as people read them, under Ray's names: `{ CPU: 2, GPU: 0.5, licence: 1 }`. */
export function toAmounts({ cpus, gpus, custom }: Demand): Record<string, number> {
  const units: [string, number][] = [["CPU", cpus], ["GPU", gpus], ...Object.entries(custom ?? {})];
  return Object.fromEntries(units.map(([name, amount]) => [name, amount / unit]));
}

/** The option `resources` in units; undefined when it names nothing. Throws INVALID_ARGUMENT for what is no custom resource. */
export function toCustom(resources: Readonly<Record<string, number>> | undefined): Amounts | undefined {
  const amounts: Record<string, number> = {};
  for (const [name, amount] of Object.entries(resources ?? {})) {
    if (name === "" || /^(cpu|gpu)s?$/i.test(name)) {
      throw new RayflightError("INVALID_ARGUMENT", `resources names ${JSON.stringify(name)}.`, {
        hint: "Use numCpus and numGpus for CPUs and GPUs, and a name of your own for anything else.",
      });
    }
    const units = toUnits(`resources[${JSON.stringify(name)}]`, amount);
    if (units > 0) amounts[name] = units;
  }
  return Object.keys(amounts).length === 0 ? undefined : amounts;
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

/** Who holds what of the node's resources. The only place that counts them. */
export class ResourceLedger {
  readonly total: Demand;
  #cpus: number;
  readonly #gpus: number[];
  readonly #custom: Map<string, number>;

  /** `total` is in units; GPUs are whole. */
  constructor(total: Demand) {
    this.total = total;
    this.#cpus = total.cpus;
    this.#gpus = new Array<number>(Math.floor(total.gpus / unit)).fill(unit);
    this.#custom = new Map(Object.entries(total.custom ?? {}));
  }

  /** Whether the node has this much at all. */
  feasible(demand: Demand): boolean {
    const { total } = this;
    if (demand.cpus > total.cpus || demand.gpus > this.#gpus.length * unit) return false;
    return Object.entries(demand.custom ?? {}).every(([name, units]) => units <= (total.custom?.[name] ?? 0));
  }

  /** Whether `take` would succeed now. */
  fits(demand: Demand): boolean {
    return this.wouldFit(demand, 0);
  }

  /** Whether `take` would succeed if so many CPUs more were free. */
  wouldFit(demand: Demand, moreCpus: number): boolean {
    if (demand.cpus > this.#cpus + moreCpus) return false;
    if (demand.gpus > 0 && this.#pickGpus(demand.gpus) === undefined) return false;
    if (demand.custom === undefined) return true;
    return Object.entries(demand.custom).every(([name, units]) => units <= (this.#custom.get(name) ?? 0));
  }

  take(demand: Demand): Grant {
    const gpus = demand.gpus === 0 ? [] : this.#pickGpus(demand.gpus);
    if (gpus === undefined) throw new RayflightError("INTERNAL", "GPUs were taken that are not free.");
    for (const { gpu, units } of gpus) this.#gpus[gpu]! -= units;
    this.#cpus -= demand.cpus;
    this.#add(demand.custom, -1);
    return { cpus: demand.cpus, gpus, custom: demand.custom };
  }

  /** Takes CPUs even when none are free: a task that waited and goes on runs beside the one that was let in meanwhile. */
  takeBack(grant: Grant, cpus: number): void {
    grant.cpus += cpus;
    this.#cpus -= cpus;
  }

  /** Gives the CPUs of a grant back and keeps the rest: its holder still uses the memory of its GPUs. */
  giveCpus(grant: Grant): void {
    this.#cpus += grant.cpus;
    grant.cpus = 0;
  }

  give(grant: Grant): void {
    this.giveCpus(grant);
    for (const { gpu, units } of grant.gpus) this.#gpus[gpu]! += units;
    this.#add(grant.custom, 1);
    grant.gpus = [];
    grant.custom = undefined;
  }

  /** What is free now. CPUs are negative while resumed tasks overlap. */
  free(): Demand {
    const free = { cpus: this.#cpus, gpus: this.#gpus.reduce((sum, units) => sum + units, 0) };
    return this.#custom.size === 0 ? free : { ...free, custom: Object.fromEntries(this.#custom) };
  }

  #add(custom: Amounts | undefined, sign: 1 | -1): void {
    if (custom === undefined) return;
    for (const [name, units] of Object.entries(custom)) {
      this.#custom.set(name, (this.#custom.get(name) ?? 0) + sign * units);
    }
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
