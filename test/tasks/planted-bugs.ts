/** A bug that was never there: one place of one file's compiled text, changed. */
export interface PlantedBug {
  readonly name: string;
  /** In which simulation it must show. */
  readonly shows: "scheduler" | "waking";
  /** Below `src/`, without its ending. */
  readonly file: string;
  /** Must be there exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The simulations must find each of these, and nothing in the code without them. */
export const plantedBugs: readonly PlantedBug[] = [
  {
    name: "a task is let in though its resources are not free",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "if (!this.#ledger.fits(first.demand))",
    replace: "if (first.demand.gpus > 0 && !this.#ledger.fits(first.demand))",
  },
  {
    name: "a GPU is given twice",
    shows: "scheduler",
    file: "tasks/scheduler/resources",
    find: "if (left === unit && whole.length < units / unit)",
    replace: "if (whole.length < units / unit)",
  },
  {
    name: "GPUs are not given back",
    shows: "scheduler",
    file: "tasks/scheduler/resources",
    find: "this.#gpus[gpu] += units;",
    replace: "",
  },
  {
    name: "a retry is not counted",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "task.retriesLeft -= 1;",
    replace: "",
  },
  {
    name: "a task that waits is forgotten when its thread ends",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "[...worker.apart, ...(worker.lease?.tasks ?? [])]",
    replace: "[...(worker.lease?.tasks ?? [])]",
  },
  {
    name: "all but the first task of a thread that ended are forgotten",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "for (const task of this.#lose(worker))\n            this.#retry(task, id,",
    replace: "for (const task of this.#lose(worker).slice(0, 1))\n            this.#retry(task, id,",
  },
  {
    name: "a task that waits keeps its CPUs",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "this.#ledger.giveCpus(task.grant);\n                worker.lease",
    replace: "worker.lease",
  },
  {
    name: "a task that goes on takes no CPU again",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "this.#ledger.takeBack(task.grant, task.demand.cpus - task.covered - task.grant.cpus);",
    replace: "void 0;",
  },
  {
    name: "parking gives no CPU back",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "this.#ledger.give(worker.permit.grant);\n        worker.permit = undefined;",
    replace: "worker.permit = undefined;",
  },
  {
    name: "a worker gets a task while it may take calls from boards",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "stops === 0 && lease === undefined && permit === undefined",
    replace: "stops === 0 && lease === undefined",
  },
  {
    name: "no permit is revoked for a task that waits",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "if (waiting.length > 0) {",
    replace: "if (waiting.length > 1) {",
  },
  {
    name: "a task starts when the first of its arguments is there",
    shows: "scheduler",
    file: "tasks/scheduler/dependencies",
    find: "if (missing.size > 0)",
    replace: "if (missing.size > 5)",
  },
  {
    name: "who waits for two objects is told of the failure of one, and then of the other's value",
    shows: "scheduler",
    file: "tasks/scheduler/dependencies",
    find: "for (const node of failed)\n            this.forget(node);",
    replace: "",
  },
  {
    name: "a call overtakes one that waits for its arguments",
    shows: "scheduler",
    file: "tasks/scheduler/actor-pool",
    find: "call?.ready && (call.life ?? life) === life;",
    replace: "call !== undefined && (call.life ?? life) === life;",
  },
  {
    name: "calls that were not sent are forgotten when their actor ends",
    shows: "scheduler",
    file: "tasks/scheduler/actor-pool",
    find: "for (const queue of actor.queues.values()) {\n            for (const call of queue)\n                this.#emit",
    replace: "for (const queue of []) {\n            for (const call of queue)\n                this.#emit",
  },
  {
    name: "an actor is made anew as often as its thread ends",
    shows: "scheduler",
    file: "tasks/scheduler/actor-pool",
    find: "actor.restartsLeft -= 1;",
    replace: "void 0;",
  },
  {
    name: "an actor that is to pause is made anew at once",
    shows: "scheduler",
    file: "tasks/scheduler/actor-pool",
    find: "if (!pauses) {",
    replace: "if (true) {",
  },
  {
    name: "calls are in another order when their actor was made anew",
    shows: "scheduler",
    file: "tasks/scheduler/actor-pool",
    find: "for (const call of sent) {",
    replace: "for (const call of sent.reverse()) {",
  },
  {
    name: "an actor that ends keeps its resources",
    shows: "scheduler",
    file: "tasks/scheduler/actor-pool",
    find: "if (actor.grant !== undefined)",
    replace: "if (actor.grant === undefined)",
  },
  {
    name: "what is cancelled counts as queued",
    shows: "scheduler",
    file: "tasks/scheduler/task-pool",
    find: "queue.remove(task);\n                this.#queued -= 1;",
    replace: "queue.remove(task);",
  },
  {
    name: "an object is kept for a task twice and let go once",
    shows: "scheduler",
    file: "tasks/host/object-table",
    find: "entry.pins += 1;",
    replace: "entry.pins += 2;",
  },
  {
    name: "an object goes though a task needs it",
    shows: "scheduler",
    file: "tasks/host/object-table",
    find: "entry.holder !== undefined || entry.pins > 0 ||",
    replace: "entry.holder !== undefined ||",
  },
  {
    name: "the second thread that refers to an object is forgotten",
    shows: "scheduler",
    file: "tasks/host/object-table",
    find: "entry.others.add(client);",
    replace: "",
  },
  {
    name: "two workers take the same call",
    shows: "waking",
    file: "tasks/rings/board",
    find: "if (Atomics.compareExchange(slots, slotsStart + slot * wordsPerSlot, ready, this.#claimed) === ready) {",
    replace:
      "if (Atomics.load(slots, slotsStart + slot * wordsPerSlot) === ready && (Atomics.store(slots, slotsStart + slot * wordsPerSlot, this.#claimed), true)) {",
  },
  {
    name: "a result that was not shown is taken for one that was",
    shows: "waking",
    file: "tasks/rings/board",
    find: "else if (state === stateOf(answeredBase, worker))",
    replace: "else if (state === -1)",
  },
  {
    name: "a worker is woken for a call without being taken for it",
    shows: "waking",
    file: "tasks/rings/bell",
    find: "Atomics.compareExchange(words, busyWord, 0, 1) !== 0",
    replace: "Atomics.load(words, busyWord) !== 0",
  },
  {
    name: "a bell counts after it looked whether its thread sleeps",
    shows: "waking",
    file: "tasks/rings/bell",
    find: "Atomics.add(this.#words, sequence, 1);\n        // Who takes",
    replace: "// Who takes",
  },
  {
    name: "a worker reads its permit before it says that it is busy",
    shows: "waking",
    file: "tasks/rings/permit",
    find: "Atomics.store(this.#words, busyWord, 1);\n        return this.granted;",
    replace: "const { granted } = this;\n        Atomics.store(this.#words, busyWord, 1);\n        return granted;",
  },
  {
    name: "nobody is woken when a worker parks",
    shows: "waking",
    file: "tasks/host/board-table",
    find: "this.wakeIdle();\n        return this.#permits",
    replace: "return this.#permits",
  },
  {
    name: "nobody is woken when a thread ends",
    shows: "waking",
    file: "tasks/host/board-table",
    find: "new Bell(words).wake();",
    replace: "void words;",
  },
];
