import type { TaskRow, WorkerRow } from "../../control/index.js";
import { formatObjectId } from "../object-ref.js";
import type { LogEntry } from "./task-log.js";
import { Tracks } from "./tracks.js";

/** What a timeline shows. */
export interface TimelineSources {
  /** The log of tasks that are over; read several times. */
  entries(): AsyncIterable<LogEntry>;
  /** The tasks that are not over. */
  current: Iterable<TaskRow>;
  workers: Iterable<WorkerRow>;
  /** The node's name. */
  node: string;
  /** What times count from, and when it is now, in milliseconds since 1970. */
  since: number;
  now: number;
}

/** A task, or an attempt at one, on its worker's thread. */
interface Slice {
  readonly id: string;
  readonly name: string;
  readonly category: string;
  readonly worker: string;
  readonly parent: string | null;
  /** In whole nanoseconds since the session began. */
  readonly submitted: number;
  readonly started: number;
  readonly ended: number;
  readonly state: TaskRow["state"];
  readonly attempt: number;
  readonly error: string | null;
}

type TraceEvent = Readonly<Record<string, unknown>>;

/** Arrows are drawn from so many parents at most: who they are must be known before their children are written. */
const mostParents = 100_000;
const piece = 1 << 16;
const process = 1;

/**
 * The timeline of a session as JSON text in the Trace Event Format of Chrome, piece by piece: a complete event for each attempt at a
 * task, on its worker's thread; arrows from where a task submitted others to where these started; the threads' names, and
 * their deaths. Calls that overlap others of their thread are on tracks of their own. Times are microseconds since the session began.
 */
export async function* timeline(sources: TimelineSources): AsyncGenerator<string> {
  let text = `{"displayTimeUnit":"ms","otherData":{"startedAt":"${new Date(sources.since).toISOString()}"},"traceEvents":[\n`;
  let separator = "";
  for await (const event of traceEvents(sources)) {
    text += `${separator}${JSON.stringify(event)}`;
    separator = ",\n";
    if (text.length < piece) continue;
    yield text;
    text = "";
  }
  yield `${text}\n]}\n`;
}

async function* traceEvents(sources: TimelineSources): AsyncGenerator<TraceEvent> {
  const { node, since } = sources;
  const parents = await findParents(sources);
  const tracks = new Tracks();
  let arrows = 0;
  yield { ph: "M", name: "process_name", pid: process, tid: 0, args: { name: node } };
  for await (const slice of slicesOf(sources)) {
    const { id, name, category, worker, parent, state, attempt, error } = slice;
    const { track, isNew, start } = tracks.place(worker, slice.started, slice.ended);
    if (isNew) yield* nameOf(track);
    const place = { pid: process, tid: track.number };
    const ts = start / 1e3;
    const args = { id, parent, state, attempt, ...(error !== null && { error }) };
    const dur = (slice.ended - start) / 1e3;
    yield { ph: "X", name, cat: category, ...place, ts, dur, args, ...(state === "failed" && { cname: "terrible" }) };
    const from = parent === null ? undefined : parents.get(parent);
    if (from === undefined) continue;
    const arrow = { name: "submit", cat: "submit", id: ++arrows, pid: process };
    // Inside the parent's slice, or a viewer would not find it.
    const submitted = Math.min(Math.max(slice.submitted, from.start), from.end);
    yield { ph: "s", ...arrow, tid: from.track, ts: submitted / 1e3 };
    yield { ph: "f", bp: "e", ...arrow, tid: track.number, ts };
  }
  for (const { id, state, reason, endedAt } of sources.workers) {
    if (state !== "dead" || endedAt === null) continue;
    const { track, isNew } = tracks.main(id);
    if (isNew) yield* nameOf(track);
    const args = { worker: id, reason };
    const ts = nanoseconds(endedAt - since) / 1e3;
    yield { ph: "i", s: "t", name: "the thread ended", cat: "worker", pid: process, tid: track.number, ts, args };
  }
}

function* nameOf({ number, name }: { readonly number: number; readonly name: string }): Iterable<TraceEvent> {
  yield { ph: "M", name: "thread_name", pid: process, tid: number, args: { name } };
  yield { ph: "M", name: "thread_sort_index", pid: process, tid: number, args: { sort_index: number } };
}

interface Parent {
  track: number;
  start: number;
  end: number;
}

/** Where tasks that submitted others were drawn. Tracks are given as they will be when all is written. */
async function findParents(sources: TimelineSources): Promise<Map<string, Parent>> {
  const parents = new Map<string, Parent>();
  for await (const entry of sources.entries()) {
    const parent = entry.kind === "attempt" ? entry.attempt.row.parent : parentOf(entry.record.parent);
    if (parent !== null && parents.size < mostParents) parents.set(parent, { track: 0, start: 0, end: 0 });
  }
  if (parents.size === 0) return parents;
  const tracks = new Tracks();
  for await (const { id, worker, started, ended } of slicesOf(sources)) {
    const { track, start } = tracks.place(worker, started, ended);
    const parent = parents.get(id);
    if (parent !== undefined) Object.assign(parent, { track: track.number, start, end: ended });
  }
  for (const [id, { track }] of parents) if (track === 0) parents.delete(id);
  return parents;
}

async function* slicesOf({ entries, current, since, now }: TimelineSources): AsyncGenerator<Slice> {
  for await (const entry of entries()) {
    if (entry.kind === "calls") yield* slicesOfCalls(entry, since);
    else if (entry.attempt.only !== "table") yield* sliceOfRow(entry.attempt.row, since, now);
  }
  for (const row of current) yield* sliceOfRow(row, since, now);
}

function* slicesOfCalls({ worker, name, actor, record }: LogEntry & { kind: "calls" }, since: number): Iterable<Slice> {
  const { number, stride, count, owner, attempt, parent, submittedAt, startedAt, each } = record;
  const shared = {
    name,
    category: actor === null ? "task" : "actor-call",
    worker: `worker-${worker}`,
    parent: parentOf(parent),
    submitted: nanoseconds(submittedAt - since),
    state: "finished",
    attempt,
    error: null,
  } as const;
  const first = startedAt - since;
  for (let i = 0; i < count; i++) {
    const id = formatObjectId(owner * 2 ** 32 + number + i * stride);
    yield { id, ...shared, started: nanoseconds(first + i * each), ended: nanoseconds(first + (i + 1) * each) };
  }
}

/** Nothing for a task that never started. */
function* sliceOfRow(row: TaskRow, since: number, now: number): Iterable<Slice> {
  const { id, name, kind, worker, parent, submittedAt, startedAt, endedAt, state, attempt, error } = row;
  if (startedAt === null || worker === null) return;
  const times = {
    submitted: nanoseconds(submittedAt - since),
    started: nanoseconds(startedAt - since),
    ended: nanoseconds(Math.max(startedAt, endedAt ?? now) - since),
  };
  yield { id, name, category: kind, worker, parent, ...times, state, attempt, error };
}

/** Milliseconds in whole nanoseconds: slices that touch must do so exactly. */
function nanoseconds(milliseconds: number): number {
  return Math.round(milliseconds * 1e6);
}

function parentOf(parent: number): string | null {
  return parent === 0 ? null : formatObjectId(parent);
}
