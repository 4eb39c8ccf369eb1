import { randomUUID } from "node:crypto";
import type { Place } from "../backend.js";

const usualNode = "node-0";
const usualNamespace = "default";

/** A new session on a node, which the state tables call so. */
export function createPlace({ node, namespace }: { node?: string | undefined; namespace?: string | undefined }): Place {
  return { job: randomUUID(), node: node ?? usualNode, namespace: namespace ?? usualNamespace };
}
