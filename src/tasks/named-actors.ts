import type { ActorHandle } from "./actor-handle.js";
import { currentContext } from "./context.js";
import type { ActorName } from "./questions.js";

/**
 * A handle of the actor with this name, in the session's namespace or in another one. Give it the actor's class as type:
 * `getActor<Counter>("counter")`. Throws NOT_FOUND when there is none. It blocks this thread for as long as the node takes to
 * answer, a fraction of a millisecond as a rule.
 */
export function getActor<T>(name: string, namespace?: string): ActorHandle<T> {
  return currentContext().backend.findActor(name, namespace) as ActorHandle<T>;
}

/** The names of all actors that have one and live: in the session's namespace, or in all of them. Blocks as `getActor` does. */
export function listNamedActors({ allNamespaces = false } = {}): Pick<ActorName, "name" | "namespace">[] {
  const names = currentContext().backend.listActors(allNamespaces);
  return names.map(({ name, namespace }) => ({ name, namespace }));
}
