/** What a thread needs that has actors. */
export { LoneActor } from "./lone-actor.js";
export { SharedHost } from "./shared-host.js";
