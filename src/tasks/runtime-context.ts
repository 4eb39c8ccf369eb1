import { currentContext, runningTask } from "./context.js";
import { formatObjectId } from "./object-ref.js";
import { toAmounts } from "./scheduler/resources.js";

/** Where code runs: what the state tables call its session, node, thread, task and actor. */
export interface RuntimeContext {
  /** The session. */
  readonly jobId: string;
  readonly nodeId: string;
  /** Where `getActor` looks for names that come without a namespace. */
  readonly namespace: string;
  /** The worker thread; undefined in the driver. */
  readonly workerId: string | undefined;
  /** The task, or the actor's call; undefined in the driver. Of an actor's code that no call waits for, it may be the actor itself. */
  readonly taskId: string | undefined;
  readonly taskName: string | undefined;
  readonly actorId: string | undefined;
  /** How often the task was begun, with this time: from 1, and 0 in the driver. */
  readonly attempt: number;
  /** Whether the actor was made anew after its thread had ended. */
  readonly wasReconstructed: boolean;
  /** What the task or the actor holds, by Ray's names; GPUs by number are in `getGpuIds`. */
  readonly assignedResources: Readonly<Record<string, number>>;
  /** Aborts when the task is cancelled. In the driver it never does. */
  readonly signal: AbortSignal;
}

const never = new AbortController().signal;

/** Where this code runs. Throws FAILED_PRECONDITION where there is no session. */
export function getRuntimeContext(): RuntimeContext {
  const { backend, worker } = currentContext();
  const task = runningTask();
  return {
    jobId: backend.place.job,
    nodeId: backend.place.node,
    namespace: backend.place.namespace,
    workerId: worker === undefined ? undefined : `worker-${worker}`,
    taskId: task === undefined ? undefined : formatObjectId(task.task),
    taskName: task?.name,
    actorId: task?.actor === undefined ? undefined : formatObjectId(task.actor),
    attempt: task?.attempt ?? 0,
    wasReconstructed: task?.wasReconstructed ?? false,
    assignedResources: task === undefined ? {} : held(toAmounts(task.demand)),
    // Made when it is asked for: most code asks for something else.
    get signal() {
      return task?.signal ?? never;
    },
  };
}

function held(amounts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(amounts).filter(([, amount]) => amount > 0));
}
