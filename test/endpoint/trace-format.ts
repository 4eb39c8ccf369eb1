/**
 * What the Trace Event Format says of the events that a timeline has, as far as a program can check it: which fields an
 * event of each phase must have, and of which types; that complete events of one thread nest; that arrows have two ends.
 * ("Trace Event Format", the document of the Chromium project, sections on metadata, complete, flow and instant events.)
 */

export interface TraceEvent {
  readonly ph: string;
  readonly name: string;
  readonly cat?: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts?: number;
  readonly dur?: number;
  readonly id?: number | string;
  readonly bp?: string;
  readonly s?: string;
  readonly cname?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

type Kind = "string" | "number" | "object";

const always: Readonly<Record<string, Kind>> = { ph: "string", name: "string", pid: "number", tid: "number" };
const required: Readonly<Record<string, Readonly<Record<string, Kind>>>> = {
  M: { args: "object" },
  X: { cat: "string", ts: "number", dur: "number" },
  s: { cat: "string", ts: "number", id: "number" },
  f: { cat: "string", ts: "number", id: "number" },
  i: { ts: "number", s: "string" },
};
const metadata: readonly string[] = ["process_name", "thread_name", "thread_sort_index"];

/** What is wrong with a timeline; nothing for one that the format allows. */
export function faultsOf(trace: { readonly traceEvents: readonly TraceEvent[] }): string[] {
  const faults: string[] = [];
  for (const event of trace.traceEvents) faults.push(...faultsOfEvent(event));
  if (faults.length > 0) return faults;
  return [...faultsOfNesting(trace.traceEvents), ...faultsOfArrows(trace.traceEvents)];
}

function faultsOfEvent(event: TraceEvent): string[] {
  const fields = required[event.ph];
  if (fields === undefined) return [`the phase ${event.ph} of ${JSON.stringify(event)}`];
  const faults: string[] = [];
  for (const [name, kind] of Object.entries({ ...always, ...fields })) {
    const value = event[name as keyof TraceEvent];
    const type: string = typeof value;
    if (type !== kind || (kind === "number" && !Number.isFinite(value))) {
      faults.push(`${name} of ${JSON.stringify(event)}`);
    }
  }
  if (event.dur !== undefined && event.dur < 0) faults.push(`a negative duration: ${JSON.stringify(event)}`);
  if (event.ph === "M" && !metadata.includes(event.name)) faults.push(`metadata ${event.name}`);
  if (event.ph === "i" && !["g", "p", "t"].includes(event.s!)) faults.push(`the scope ${event.s}`);
  return faults;
}

/** Two complete events of a thread either lie apart, or one inside the other. */
function faultsOfNesting(events: readonly TraceEvent[]): string[] {
  const faults: string[] = [];
  // Times are written in thousandths of a microsecond.
  const units = (time: number) => Math.round(time * 1000);
  for (const slices of slicesByThread(events).values()) {
    const open: number[] = [];
    for (const slice of slices.sort((a, b) => a.ts! - b.ts! || b.dur! - a.dur!)) {
      const [start, end] = [units(slice.ts!), units(slice.ts!) + units(slice.dur!)];
      while (open.length > 0 && open.at(-1)! <= start) open.pop();
      if (open.length > 0 && open.at(-1)! < end) faults.push(`overlaps another: ${JSON.stringify(slice)}`);
      open.push(end);
    }
  }
  return faults;
}

function slicesByThread(events: readonly TraceEvent[]): Map<number, TraceEvent[]> {
  const threads = new Map<number, TraceEvent[]>();
  for (const event of events) {
    if (event.ph !== "X") continue;
    const slices = threads.get(event.tid);
    if (slices === undefined) threads.set(event.tid, [event]);
    else slices.push(event);
  }
  return threads;
}

/** An arrow begins inside a slice, ends at the start of one, and not before it began. */
function faultsOfArrows(events: readonly TraceEvent[]): string[] {
  const faults: string[] = [];
  const slices = slicesByThread(events);
  const starts = new Map(events.filter(({ ph }) => ph === "s").map((event) => [event.id, event]));
  const ends = events.filter(({ ph }) => ph === "f");
  if (starts.size !== ends.length) faults.push(`${starts.size} arrows begin, ${ends.length} end`);
  for (const end of ends) {
    const start = starts.get(end.id);
    if (start === undefined) faults.push(`an arrow without a beginning: ${JSON.stringify(end)}`);
    else {
      const from = slices.get(start.tid)?.some(({ ts, dur }) => ts! <= start.ts! && start.ts! <= ts! + dur! + 0.001);
      if (from !== true) faults.push(`an arrow from nowhere: ${JSON.stringify(start)}`);
    }
    if (slices.get(end.tid)?.some(({ ts }) => ts === end.ts) !== true)
      faults.push(`to nowhere: ${JSON.stringify(end)}`);
  }
  return faults;
}
