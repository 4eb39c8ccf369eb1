import { RayflightError } from "../../src/error.js";
import { RandomStream } from "../../src/random.js";
import { ObjectStore } from "../../src/store/object-store.js";
import type { SpillStorage } from "../../src/store/spill-area.js";
import type { StoredObject } from "../../src/store/stored-object.js";
import type { PackedValue } from "../../src/store/value.js";
import type { Failure } from "../../src/tasks/failure.js";
import { Lending } from "../../src/tasks/host/lending.js";
import { Lineage } from "../../src/tasks/host/lineage.js";
import { ObjectTable } from "../../src/tasks/host/object-table.js";
import { pinsOf } from "../../src/tasks/host/records.js";
import type { Reading } from "../../src/tasks/host/requests.js";
import { type Counted, StoredValues } from "../../src/tasks/host/stored-values.js";
import type { ObjectMemory } from "../../src/tasks/host/supervisor.js";
import type { ClientReply, Resubmission } from "../../src/tasks/protocol.js";
import { check } from "./promises.js";

/** What is played: the real code, or a copy with a bug in it. */
export interface StoringParts {
  readonly RayflightError: typeof RayflightError;
  readonly ObjectStore: typeof ObjectStore;
  readonly ObjectTable: typeof ObjectTable;
  readonly Lineage: typeof Lineage;
  readonly Lending: typeof Lending;
  readonly StoredValues: typeof StoredValues;
}

const kinds = [
  "puts",
  "runs",
  "reads",
  "spills",
  "restores",
  "waits",
  "refusals",
  "diskFaults",
  "resubmissions",
  "deaths",
  "spares",
  "asks",
] as const;
export type StoringCounts = Record<(typeof kinds)[number] | "steps", number>;

/** The driver, which does not end. */
const driver = 0;

interface Task {
  readonly call: Resubmission;
  readonly pins: readonly number[];
  /** Which items of a stream it makes once more, and those that it has not made. */
  readonly items?: Map<number, number> | undefined;
}

/** What a thread has a view of. */
interface View {
  readonly client: number;
  readonly object: number;
  readonly loan: number;
  readonly bytes: Uint8Array;
  /** Since which step it is garbage, if it is. */
  dropped: number | undefined;
}

/** A disk whose reads and writes end when the simulation says so, and as it says. */
class SimulatedDisk implements SpillStorage {
  #bytes = new Uint8Array(0);
  readonly pending: {
    readonly kind: "write" | "read";
    readonly bytes: Uint8Array;
    end(fault?: RayflightError): void;
  }[] = [];
  /** Where the file ends. */
  size = 0;

  write(bytes: Uint8Array, position = this.size): Promise<number> {
    return new Promise((resolve, reject) => {
      const end = (fault?: RayflightError) => {
        if (fault !== undefined) return reject(fault);
        this.size = Math.max(this.size, position + bytes.length);
        if (this.#bytes.length < this.size) {
          const more = new Uint8Array(2 * this.size);
          more.set(this.#bytes);
          this.#bytes = more;
        }
        // Only now: whoever lets go of memory that is still being written is found out.
        this.#bytes.set(bytes, position);
        resolve(position);
      };
      this.pending.push({ kind: "write", bytes, end });
    });
  }

  read(target: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (fault?: RayflightError) => {
        if (fault !== undefined) return reject(fault);
        target.set(this.#bytes.subarray(position, position + target.length));
        resolve();
      };
      this.pending.push({ kind: "read", bytes: target, end });
    });
  }

  truncate(size: number): void {
    this.size = size;
  }

  close(): void {}
}

/** One object's memory in the store, and a plain account of who opened it. */
class Account implements StoredObject {
  readonly #object: StoredObject;
  opened = 0;
  /** How many have got its memory and did not close it. */
  granted = 0;
  released = false;

  constructor(object: StoredObject) {
    this.#object = object;
  }

  get id(): string {
    return this.#object.id;
  }

  get bytes(): number {
    return this.#object.bytes;
  }

  get resident(): boolean {
    return this.#object.resident;
  }

  get isLive(): boolean {
    return !this.released || this.opened > 0;
  }

  open(): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    check(!this.released, "an object is opened after its release");
    this.opened += 1;
    const grant = (buffer: SharedArrayBuffer) => {
      this.granted += 1;
      return buffer;
    };
    const buffer = this.#object.open();
    if (buffer instanceof SharedArrayBuffer) return grant(buffer);
    return buffer.then(grant, (reason) => {
      this.opened -= 1;
      throw reason;
    });
  }

  close(): void {
    check(this.granted > 0, "an object is closed more often than opened");
    this.opened -= 1;
    this.granted -= 1;
    this.#object.close();
  }

  release(): void {
    this.released = true;
    this.#object.release();
  }
}

function isStream({ returns }: Resubmission): boolean {
  return returns !== undefined && "ahead" in returns;
}

/** The objects that a call makes; the items of a stream are numbered after it, here. */
function objectsOf({ task, returns = { count: 1 } }: Resubmission): number[] {
  return Array.from({ length: "count" in returns ? returns.count : returns.ahead }, (_, i) => task + i);
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const real: StoringParts = { RayflightError, ObjectStore, ObjectTable, Lineage, Lending, StoredValues };

/**
 * The store of a node and all that the host has to do with it, where threads put, read, hold and let go of values, run tasks and
 * end, and a disk is slow, full or loses something, in random order. Throws when a promise is broken: a value that is not
 * what was written, memory that is taken away while somebody has a view of it, limits exceeded, an account that is not the
 * truth, somebody refused or waiting though there is room, or something left when nobody needs anything any more.
 */
export async function playStoring(
  seed: number,
  steps: number,
  parts: StoringParts = real,
  note: (line: string) => void = () => {},
): Promise<StoringCounts> {
  const world = new World(new RandomStream("storing", seed), parts, note);
  for (let step = 0; step < steps; step++) await world.step();
  await world.end();
  return world.counts;
}

class World {
  readonly counts = Object.fromEntries(["steps", ...kinds].map((kind) => [kind, 0])) as StoringCounts;
  readonly #random: RandomStream;
  readonly #parts: StoringParts;
  readonly #note: (line: string) => void;
  readonly #unit: number;
  readonly #memory: number;
  readonly #spillLimit: number;
  /** Whether the disk may fail. */
  #faulty: boolean;
  readonly #disk = new SimulatedDisk();
  readonly #store: ObjectStore;
  readonly #objects: ObjectTable;
  readonly #lineage: Lineage;
  readonly #lending: Lending;
  readonly #values: StoredValues;
  readonly #accounts = new Set<Account>();
  readonly #threads = new Set([driver, 1, 2]);
  #lastThread = 2;
  #lastId = 0;
  /** What the value of each object must be, and how large. */
  readonly #marks = new Map<number, { readonly mark: number; readonly bytes: number }>();
  readonly #references: { readonly client: number; readonly object: number }[] = [];
  readonly #views: View[] = [];
  /** Of tasks that were not made known to have ended. */
  readonly #underWay = new Set<number>();
  /** Tasks that are not running, and those that are, on which thread. */
  readonly #tasks: Task[] = [];
  readonly #running: { readonly task: Task; readonly client: number; readonly views: readonly View[] }[] = [];
  readonly #spares: { readonly client: number; readonly number: number; readonly buffer: SharedArrayBuffer }[] = [];
  /** Threads that were asked what they no longer need, and all the steps at which some were. */
  readonly #asked: { readonly client: number; readonly round: number }[] = [];
  readonly #askedAt: number[] = [];
  /** Their answers, on the way. */
  readonly #answers: { readonly client: number; readonly round: number }[] = [];
  /** How many wait for the store. */
  #waiting = 0;
  #pinned = 0;
  #fault: unknown;

  constructor(random: RandomStream, parts: StoringParts, note: (line: string) => void) {
    this.#random = random;
    this.#parts = parts;
    this.#note = note;
    // Buffers of a mebibyte are lent to the threads that made them.
    this.#unit = random.integer(24) === 0 ? 1 << 20 : 64;
    this.#memory = (3 + random.integer(8)) * this.#unit;
    this.#spillLimit = random.integer(2) === 0 ? 1_000 * this.#unit : random.integer(12) * this.#unit;
    this.#faulty = random.integer(2) === 0;
    this.#store = new parts.ObjectStore({
      memory: this.#memory,
      spillLimit: this.#spillLimit,
      spillDirectory: "/nowhere",
      openFile: () => this.#disk,
    });
    const memory: ObjectMemory = {
      adopt: (buffer, label) => {
        const adopted = this.#store.adopt(buffer, label);
        return adopted instanceof Promise ? adopted.then((object) => this.#account(object)) : this.#account(adopted);
      },
      takeKept: (bytes) => this.#store.takeKept(bytes),
      giveUp: (bytes) => this.#store.giveUp(bytes),
      lendTo: (borrowers) => this.#store.lendTo(borrowers),
      usage: () => this.#store.usage(),
    };
    this.#objects = new parts.ObjectTable(
      (held) => this.#values.release(held),
      (id) => this.#lineage.forget(id),
    );
    this.#lineage = new parts.Lineage(this.#objects, random.integer(3) === 0 ? 20 * 256 : 1 << 28);
    const send = (client: number, message: ClientReply) => this.#receive(client, message);
    this.#lending = new parts.Lending(
      memory,
      send,
      () => {},
      (client) => this.#threads.has(client),
    );
    this.#values = new parts.StoredValues(this.#objects, memory, this.#lending);
  }

  /** Something happens, and all that follows from it. */
  async step(): Promise<void> {
    this.#pinned = this.#store.usage().pinned;
    const actions = [
      () => this.#put(),
      () => this.#put(),
      () => this.#submit(),
      () => this.#run(),
      () => this.#finish(),
      () => this.#read(),
      () => this.#read(),
      () => this.#giveBack(),
      () => this.#drop(),
      () => this.#hold(),
      () => this.#letGo(),
      () => this.#letGo(),
      () => this.#moveDisk(),
      () => this.#moveDisk(),
      () => this.#moveDisk(),
      () => this.#collect(),
      () => this.#answer(),
      () => this.#free(),
      () => this.#lose(),
      () => this.#die(),
    ];
    if (this.#random.integer(60) === 0) await this.#rest();
    else actions[this.#random.integer(actions.length)]!();
    await this.#audit();
  }

  /** Everybody lets go of everything: nothing may be left. */
  async end(): Promise<void> {
    this.#faulty = false;
    await this.#rest();
    for (let left = 10_000; this.#tasks.length + this.#running.length > 0; left--) {
      check(left > 0, `${this.#tasks.length} tasks wait for ever`);
      this.#run();
      this.#finish();
      await this.#rest();
    }
    while (this.#views.length > 0) this.#giveBack();
    while (this.#references.length > 0) this.#letGo();
    for (const client of this.#threads) this.#lending.forget(client);
    this.#spares.length = 0;
    await this.#rest();
    const { memoryUsed, pinned, spillUsed, objects } = this.#store.usage();
    const left = {
      memoryUsed,
      pinned,
      spillUsed,
      objects,
      loans: this.#lending.size,
      lineage: this.#lineage.size,
      table: this.#objects.size,
      disk: this.#disk.size,
    };
    check(
      Object.values(left).every((count) => count === 0),
      `something is left: ${JSON.stringify(left)}`,
    );
    this.#store.close();
  }

  /** Lets the disk and asked threads do what they have to: then nobody waits. */
  async #rest(): Promise<void> {
    await this.#audit();
    while (this.#disk.pending.length > 0 || this.#asked.length + this.#answers.length > 0) {
      this.#pinned = this.#store.usage().pinned;
      if (this.#disk.pending.length > 0) this.#moveDisk();
      else if (this.#asked.length > 0) this.#collect();
      else this.#answer();
      await this.#audit();
    }
    check(this.#waiting === 0, `${this.#waiting} wait for ever`);
  }

  /** Compares what the store says with what is true. */
  async #audit(): Promise<void> {
    this.counts.steps += 1;
    await settled();
    if (this.#fault !== undefined) throw this.#fault;
    const usage = this.#store.usage();
    let [memory, pinned, away, live] = [0, 0, 0, 0];
    for (const account of this.#accounts) {
      if (!account.isLive) {
        this.#accounts.delete(account);
        continue;
      }
      live += account.bytes;
      if (account.resident) memory += account.bytes;
      else away += account.bytes;
      if (account.opened > 0) pinned += account.bytes;
      check(account.granted === 0 || account.resident, "memory was taken away of which somebody has a view");
    }
    let written = 0;
    for (const { kind, bytes } of this.#disk.pending) {
      if (kind === "read") memory += bytes.buffer.byteLength;
      else written += bytes.length;
    }
    for (const { buffer } of this.#spares) memory += buffer.byteLength;
    check(usage.memoryUsed === memory, `${usage.memoryUsed} bytes of memory are counted, and ${memory} are taken`);
    check(usage.pinned === pinned, `${usage.pinned} bytes are counted as pinned, and ${pinned} are`);
    check(usage.memoryUsed <= this.#memory, "the limit of memory is exceeded");
    check(usage.spillUsed <= this.#spillLimit, "the limit of spilled bytes is exceeded");
    check(usage.spillUsed >= away && usage.spillUsed <= live + written, `${usage.spillUsed} spilled bytes are counted`);
    for (const view of this.#views) this.#look(view);
  }

  #look({ object, bytes }: View): void {
    const { mark } = this.#marks.get(object)!;
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
    check(words[0] === mark && words.at(-1) === mark, `object ${object} is not what was written`);
  }

  #pick<T>(items: readonly T[]): T | undefined {
    return items[this.#random.integer(Math.max(1, items.length))];
  }

  #account(object: StoredObject): Account {
    const account = new Account(object);
    this.#accounts.add(account);
    return account;
  }

  #newId(client: number): number {
    this.#lastId += 1;
    return client * 2 ** 32 + this.#lastId;
  }

  #thread(): number {
    return this.#pick([...this.#threads])!;
  }

  #refer(client: number, object: number): void {
    this.#references.push({ client, object });
  }

  #put(): void {
    const client = this.#thread();
    const object = this.#newId(client);
    this.#marks.set(object, { mark: this.#random.uint32(), bytes: (1 + this.#random.integer(3)) * this.#unit });
    this.#objects.expect(object, client);
    this.#refer(client, object);
    this.counts.puts += 1;
    this.#make(object, client);
  }

  /** A thread has written a value. */
  #make(object: number, client: number): void {
    this.#makeAll(object, 1, client);
  }

  /** A thread has written values with consecutive numbers: they are there all at once. */
  #makeAll(first: number, count: number, client: number, ended = () => {}): void {
    const objects = Array.from({ length: count }, (_, i) => first + i);
    const publish = (all: readonly Counted[]) => {
      for (const object of objects.toReversed()) this.#publish(object, all[object - first]!);
      ended();
    };
    const taken = objects.map((object) => this.#write(object, client));
    if (taken.some((one) => one instanceof Promise)) this.#wait(Promise.all(taken), publish);
    else publish(taken as Counted[]);
  }

  #write(object: number, client: number): Counted | Promise<Counted> {
    const { mark, bytes } = this.#marks.get(object)!;
    const spare = this.#spares.findIndex((lent) => lent.client === client && lent.buffer.byteLength === bytes);
    let buffer: SharedArrayBuffer;
    if (spare >= 0) {
      const [lent] = this.#spares.splice(spare, 1);
      buffer = lent!.buffer;
      this.#lending.usesSpare(client, lent!.number);
    } else buffer = new SharedArrayBuffer(bytes);
    new Uint32Array(buffer).fill(mark);
    this.#note(`${client} makes ${object}, ${bytes} bytes`);
    const taken = this.#values.take({ value: { bytes: new Uint8Array(buffer) } }, client, `object ${object}`);
    const examine = (counted: Counted): Counted => {
      const { outcome } = counted;
      if ("failure" in outcome) this.#refused(outcome.failure.code, bytes, object);
      return counted;
    };
    return taken instanceof Promise ? taken.then(examine) : examine(taken);
  }

  #publish(object: number, { outcome, memory }: Counted): void {
    if (memory === undefined && this.#objects.awaits(object)) this.#lineage.forget(object);
    this.#objects.settle(object, outcome, [], memory);
  }

  #wait<T>(promise: Promise<T>, then: (value: T) => void): void {
    this.#waiting += 1;
    this.counts.waits += 1;
    promise
      .then(then)
      .catch((reason) => {
        this.#fault ??= reason;
      })
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  #refused(code: string, bytes: number, object: number): void {
    this.#note(`${object} is refused: ${code}`);
    this.counts.refusals += 1;
    const mayFail = ["OBJECT_STORE_FULL", ...(this.#faulty ? ["OUT_OF_DISK", "OBJECT_LOST"] : [])];
    check(mayFail.includes(code), `${object} failed with ${code}`);
    // At this step, they may have been asked for the next in line.
    const asked = this.#askedAt.findLast((step) => step < this.counts.steps) ?? 0;
    const garbage = this.#views.find(({ dropped = asked }) => dropped < asked);
    check(
      code !== "OBJECT_STORE_FULL" || garbage === undefined,
      `${object} is refused, though ${garbage?.client} was asked for its garbage and did not answer`,
    );
    if (code !== "OBJECT_STORE_FULL" || this.#spillLimit < 1_000 * this.#unit) return;
    const pinned = Math.max(this.#pinned, this.#store.usage().pinned);
    check(
      bytes + pinned > this.#memory,
      `${object} is refused though there is room: ${bytes} bytes, ${pinned} of ${this.#memory} are pinned`,
    );
  }

  /** Returns whether the memory of one of these objects has been released since. */
  #watch(ids: readonly number[]): () => boolean {
    const accounts = ids.map((id) => this.#objects.get(id)?.memory?.object as Account | undefined);
    return () => accounts.some((account) => account?.released);
  }

  /** Objects could not be read. */
  #unread(code: string, ids: readonly number[], isFreed: () => boolean): void {
    if (code === "TASK_FAILED") {
      check(
        ids.some((id) => "failure" in (this.#objects.get(id)?.outcome ?? {})),
        `${ids} failed, though they did not`,
      );
      return;
    }
    if (code === "OBJECT_FREED") check(isFreed(), `${ids} cannot be read, as they were released, though they were not`);
    else this.#refused(code, Math.max(...ids.map((id) => this.#marks.get(id)!.bytes)), ids[0]!);
  }

  /** A task, of values that the submitting thread refers to. */
  #submit(): void {
    const client = this.#thread();
    const task = this.#newId(client);
    const known = this.#references.filter((reference) => reference.client === client).map(({ object }) => object);
    const refs = [...new Set(Array.from({ length: this.#random.integer(3) }, () => this.#pick(known)))];
    const args = refs.filter((ref) => ref !== undefined).map((ref) => ({ ref }));
    const maxRetries = this.#random.integer(4) - 1;
    const several = 1 + this.#random.integer(3);
    const returns = this.#pick([undefined, { count: several }, { ahead: several }] as const);
    const demand = { cpus: 0, gpus: 0 };
    const call: Resubmission = { task, code: 0, name: "f", args, demand, maxRetries, retryExceptions: false, returns };
    for (let part = 1; part < several; part++) this.#newId(client);
    for (const object of objectsOf(call)) {
      const mark = args.reduce(
        (sum, { ref }) => (Math.imul(sum, 31) + this.#marks.get(ref)!.mark) >>> 0,
        object % 2 ** 32,
      );
      this.#marks.set(object, { mark, bytes: (1 + this.#random.integer(3)) * this.#unit });
      this.#objects.expect(object, client);
      this.#refer(client, object);
    }
    this.#enqueue({ call, pins: pinsOf(args) });
  }

  #enqueue(task: Task): void {
    this.#objects.pin(task.pins);
    this.#underWay.add(task.call.task);
    this.#tasks.push(task);
  }

  /** A thread gets a task whose arguments are there, as soon as they are in memory. */
  #run(): void {
    const able = this.#tasks.filter(({ pins }) =>
      pins.every((id) => this.#objects.get(id)?.outcome !== undefined || this.#objects.get(id) === undefined),
    );
    const task = this.#pick(able);
    if (task === undefined) return;
    this.#tasks.splice(this.#tasks.indexOf(task), 1);
    const client = this.#thread();
    const failed = task.pins.some((id) => !("value" in (this.#objects.get(id)?.outcome ?? {})));
    this.#note(`${client} gets task ${task.call.task}${failed ? ", which has no arguments" : ""}`);
    if (failed) {
      this.#fail(task, "an argument failed");
      return;
    }
    const isFreed = this.#watch(task.pins);
    const begin = (reading: Reading) => {
      if (!("values" in reading)) {
        this.#unread(reading.failure.code, task.pins, isFreed);
        if (reading.lost !== undefined) this.#lost([reading.lost]);
        const waits = task.pins.some((id) => this.#objects.get(id)?.outcome === undefined);
        if (waits) this.#tasks.push(task);
        else this.#fail(task, "no arguments");
      } else if (!this.#threads.has(client)) {
        this.#values.unread(client, reading.values);
        this.#tasks.push(task);
      } else this.#running.push({ task, client, views: this.#view(client, task.pins, reading) });
    };
    const reading = this.#values.read(client, task.pins);
    if (reading instanceof Promise) this.#wait(reading, begin);
    else begin(reading);
  }

  #view(client: number, ids: readonly number[], { values }: Extract<Reading, { readonly values: unknown }>): View[] {
    const views = values.flatMap((value, i): View[] => {
      check(value !== undefined, `object ${ids[i]} is read as undefined`);
      const { bytes, loan } = value as PackedValue;
      return [{ client, object: ids[i]!, loan: loan!, bytes, dropped: undefined }];
    });
    for (const view of views) this.#look(view);
    this.#views.push(...views);
    return views;
  }

  /** A task returns. */
  #finish(): void {
    const running = this.#pick(this.#running);
    if (running === undefined) return;
    const { task, client, views } = running;
    this.#running.splice(this.#running.indexOf(running), 1);
    this.counts.runs += 1;
    for (const view of views) {
      if (!this.#views.includes(view)) continue;
      if (this.#random.integer(2) === 0) this.#return(view);
      else view.dropped ??= this.counts.steps;
    }
    const { call, items } = task;
    const objects = objectsOf(call);
    if (!isStream(call)) {
      this.#lineage.keep(call);
      this.#makeAll(call.task, objects.length, client, () => this.#ended(task));
      return;
    }
    for (const [index, object] of items ?? objects.entries()) {
      this.#lineage.keepItem(call, object, index);
      this.#make(object, client);
    }
    this.#ended(task);
  }

  #fail(task: Task, why: string): void {
    for (const object of task.items?.values() ?? objectsOf(task.call)) {
      if (this.#objects.awaits(object)) this.#publish(object, { outcome: failure(why), memory: undefined });
    }
    this.#ended(task);
  }

  #ended({ call, pins }: Task): void {
    this.#underWay.delete(call.task);
    this.#objects.unpin(pins);
  }

  #read(): void {
    const client = this.#thread();
    const readable = this.#references.filter((held) => {
      const outcome = this.#objects.get(held.object)?.outcome;
      return held.client === client && outcome !== undefined && "value" in outcome;
    });
    const ids = [...new Set([this.#pick(readable)?.object, this.#pick(readable)?.object])].filter(
      (id) => id !== undefined,
    );
    if (ids.length === 0) return;
    this.counts.reads += 1;
    this.#note(`${client} reads ${ids}`);
    const isFreed = this.#watch(ids);
    const arrive = (reading: Reading) => {
      if (!("values" in reading)) {
        this.#unread(reading.failure.code, ids, isFreed);
        if (reading.lost !== undefined) this.#lost([reading.lost]);
      } else if (!this.#threads.has(client)) this.#values.unread(client, reading.values);
      else this.#view(client, ids, reading);
    };
    const reading = this.#values.read(client, ids);
    if (reading instanceof Promise) this.#wait(reading, arrive);
    else arrive(reading);
  }

  /** A view becomes garbage, of which only its thread's collector knows. */
  #drop(): void {
    const view = this.#pick(this.#views);
    if (view !== undefined) view.dropped ??= this.counts.steps;
  }

  /** A thread has no view of something any more. */
  #giveBack(): void {
    const view = this.#pick(this.#views);
    if (view !== undefined) this.#return(view);
  }

  #return(view: View): void {
    this.#look(view);
    this.#views.splice(this.#views.indexOf(view), 1);
    this.#note(`${view.client} gives ${view.object} back`);
    this.#lending.giveBack(view.client, [view.loan]);
  }

  #hold(): void {
    const reference = this.#pick(this.#references);
    const client = this.#thread();
    if (
      reference === undefined ||
      this.#references.some((held) => held.client === client && held.object === reference.object)
    )
      return;
    this.#refer(client, reference.object);
    this.#objects.hold(client, [reference.object]);
  }

  #letGo(): void {
    const reference = this.#pick(this.#references);
    if (reference === undefined) return;
    const { client, object } = reference;
    this.#references.splice(this.#references.indexOf(reference), 1);
    this.#note(`${client} lets go of ${object}`);
    this.#objects.release(client, [object]);
  }

  /** One reading or writing of the disk ends. */
  #moveDisk(): void {
    const { pending } = this.#disk;
    const [operation] = pending.splice(this.#random.integer(Math.max(1, pending.length)), 1);
    if (operation === undefined) return;
    const fails = this.#faulty && this.#random.integer(12) === 0;
    const isRead = operation.kind === "read";
    this.#note(`a ${operation.kind} ${fails ? "fails" : "ends"}`);
    this.counts[fails ? "diskFaults" : isRead ? "restores" : "spills"] += 1;
    const Failed = this.#parts.RayflightError;
    operation.end(
      fails ? new Failed(isRead ? "OBJECT_LOST" : "OUT_OF_DISK", "the disk failed", { hint: "" }) : undefined,
    );
  }

  #receive(client: number, message: ClientReply): void {
    // What is sent to one that has ended is lost.
    if (!this.#threads.has(client)) return;
    if (message.type === "collect") {
      this.#asked.push({ client, round: message.round });
      this.#askedAt.push(this.counts.steps);
    } else if (message.type === "spare") {
      this.counts.spares += 1;
      this.#spares.push({ client, number: message.number, buffer: message.buffer });
    } else if (message.type === "dropSpares") {
      for (const spare of this.#spares.filter((lent) => lent.client === client)) {
        this.#spares.splice(this.#spares.indexOf(spare), 1);
      }
    }
  }

  /** A thread that was asked gives back what it does not need, which may be nothing. */
  #collect(): void {
    const asked = this.#asked.shift();
    if (asked === undefined || !this.#threads.has(asked.client)) return;
    this.counts.asks += 1;
    for (const view of this.#views.filter((held) => held.client === asked.client)) {
      if (view.dropped !== undefined || this.#random.integer(6) === 0) this.#return(view);
    }
    this.#note(`${asked.client} has collected`);
    this.#answers.push(asked);
  }

  #answer(): void {
    const answer = this.#answers.shift();
    if (answer === undefined || !this.#threads.has(answer.client)) return;
    this.#lending.collected(answer.client, answer.round);
  }

  #free(): void {
    const object = this.#pick(this.#references)?.object;
    if (object === undefined || this.#random.integer(3) > 0) return;
    this.#note(`${object} is freed`);
    this.#lending.freed(new Set([object]));
    this.#lineage.forget(object);
    this.#objects.drop(object, failure("it was freed").failure);
  }

  #lose(): void {
    const stored = [...this.#objects.stored()];
    const first = this.#random.integer(2 * stored.length + 1);
    // What one call has made lies together.
    this.#lost(stored.slice(first, first + 1 + this.#random.integer(3)));
  }

  /** As the host does it: what can be made again is, what cannot has failed. */
  #lost(objects: readonly number[]): void {
    const missing = objects.filter((id) => this.#objects.get(id)?.memory !== undefined);
    if (missing.length === 0) return;
    this.#note(`${missing} is lost`);
    const { reruns, hopeless } = this.#lineage.plan(missing, (task) => this.#underWay.has(task));
    for (const id of hopeless) {
      this.#lineage.forget(id);
      this.#objects.drop(id, failure("it was lost").failure);
    }
    this.counts.resubmissions += reruns.length;
    for (const { call, items } of reruns) {
      const task = items === undefined ? call.task : this.#newId(0);
      this.#enqueue({ call: { ...call, task }, pins: pinsOf(call.args), items });
    }
  }

  /** A thread ends, with all its references and views; another one starts. */
  #die(): void {
    const client = this.#thread();
    if (client === driver || this.#random.integer(4) > 0) return;
    this.#note(`${client} ends`);
    this.counts.deaths += 1;
    this.#threads.delete(client);
    const isOthers = (held: { readonly client: number }) => held.client !== client;
    for (const list of [this.#references, this.#views, this.#spares] as { readonly client: number }[][]) {
      list.splice(0, list.length, ...list.filter(isOthers));
    }
    for (const { task } of this.#running.filter((run) => !isOthers(run))) this.#tasks.push(task);
    this.#running.splice(0, this.#running.length, ...this.#running.filter(isOthers));
    this.#objects.releaseAll(client);
    this.#lending.forget(client);
    this.#lastThread += 1;
    this.#threads.add(this.#lastThread);
  }
}

function failure(message: string): { readonly failure: Failure } {
  return { failure: { code: "TASK_FAILED", message, hint: "" } };
}
