import type { ControlStore } from "../../control/index.js";
import type { Place } from "../backend.js";
import type { ClientReply } from "../protocol.js";
import type { ClientId, Instruction, ObjectId } from "../scheduler/events.js";
import type { Demand } from "../scheduler/resources.js";
import { Scheduler } from "../scheduler/scheduler.js";
import { ActorTable } from "./actor-table.js";
import { BoardTable } from "./board-table.js";
import { Cancelling } from "./cancelling.js";
import { ChangedRows } from "./changed-rows.js";
import { CurrentTasks } from "./current-tasks.js";
import { Decisions } from "./decisions.js";
import { Definitions } from "./definitions.js";
import { Dispatch } from "./dispatch.js";
import { Lending } from "./lending.js";
import { LineTable } from "./line-table.js";
import { Lineage } from "./lineage.js";
import { NodeResources } from "./node-resources.js";
import { ObjectTable } from "./object-table.js";
import { Outcomes } from "./outcomes.js";
import { Outgoing } from "./outgoing.js";
import { type Reading, Requests } from "./requests.js";
import { ReturnsTable } from "./returns-table.js";
import { StoredValues } from "./stored-values.js";
import { Submitting } from "./submitting.js";
import type { ObjectMemory, Supervisor } from "./supervisor.js";
import { TaskLog } from "./task-log.js";
import { TaskTable } from "./task-table.js";
import { WorkerTable } from "./worker-table.js";

export interface TaskHostOptions {
  /** What the node has, in units. */
  readonly total: Demand;
  readonly supervisor: Supervisor;
  /** Whether short tasks are sent to workers before these have ended others. True by default. */
  readonly ahead?: boolean;
  /** Where large values lie; absent where all is one thread's heap. */
  readonly memory: ObjectMemory | undefined;
  /** How many bytes of calls are kept, so that lost results can be made again. 256 MiB by default. */
  readonly lineageLimit?: number | undefined;
  readonly control?: ControlStore | undefined;
  readonly place: Place;
}

const defaultLineageLimit = 2 ** 28;

export type HostParts = ReturnType<typeof createParts>;

/**
 * What a task host consists of. Each part knows parts that are made before it; the few that must tell one made after them
 * do so by a function that they are given here.
 */
export function createParts(options: TaskHostOptions, carryOut: (instruction: Instruction) => void) {
  const { control, memory, place, total, lineageLimit = defaultLineageLimit } = options;
  const scheduler = new Scheduler(total, options);
  const outgoing = new Outgoing();
  const send = (client: ClientId, reply: ClientReply) => outgoing.push(client, reply);
  const turn = new Decisions(scheduler, outgoing, carryOut);

  // Threads, and what they have of each other.
  const rows = new ChangedRows(control);
  const workers = new WorkerTable(rows, place.node);
  const definitions = new Definitions(workers, outgoing);
  const boards = new BoardTable(outgoing, (worker, code) => definitions.send(worker, code));
  const lines = new LineTable(outgoing, boards);
  const resources = new NodeResources(place.node, total, scheduler.ledger, boards);
  const log = new TaskLog(control, {
    calleeOf: (owner, callee) => boards.calleeOf(owner, callee),
    actorOf: (worker) => workers.actorOf(worker),
    current: () => current.rows({ asks: !turn.isOver }),
  });

  // Objects, and who has or wants them.
  const objects: ObjectTable = new ObjectTable(
    (value) => values.release(value),
    (id) => lineage.forget(id),
  );
  const lineage = new Lineage(objects, lineageLimit);
  const lending = new Lending(
    memory,
    send,
    () => outgoing.flush(),
    (client) => boards.has(client),
  );
  const values = new StoredValues(objects, memory, lending);
  const requests = new Requests(objects, send, {
    read,
    answered: () => turn.work(),
    lost: (object, failure) => submitting.lost([object], failure.message),
  });

  // Tasks and actors, from their submission to their outcome.
  const returns = new ReturnsTable();
  const tasks = new TaskTable(objects, log);
  const current = new CurrentTasks(tasks, boards, workers, outgoing);
  const actors = new ActorTable({ objects, tasks, workers, lines, rows, outgoing, turn }, place.namespace);
  const outcomes = new Outcomes({
    ...{ objects, values, tasks, actors, returns, lineage, requests, workers, boards, outgoing, turn },
  });
  const submitting = new Submitting({ objects, tasks, returns, lineage, outcomes, turn });
  const dispatch = new Dispatch({
    ...{ values, tasks, actors, workers, definitions, lines, returns, requests, outcomes, submitting },
    ...{ outgoing, turn },
  });
  const cancelling = new Cancelling({ tasks, actors, returns, boards, outgoing, turn });

  /** Reads values for a thread, which may end while the disk is read. */
  function read(client: ClientId, ids: readonly ObjectId[]): Reading | Promise<Reading> {
    const reading = values.read(client, ids);
    if (!(reading instanceof Promise)) return reading;
    return reading.then((found) => {
      if ("values" in found && !boards.has(client)) values.unread(client, found.values);
      return found;
    });
  }

  return {
    ...{ scheduler, turn, outgoing, rows, log, current, resources },
    ...{ workers, definitions, boards, lines },
    ...{ objects, lineage, lending, requests },
    ...{ returns, tasks, actors, outcomes, submitting, dispatch, cancelling },
  };
}
