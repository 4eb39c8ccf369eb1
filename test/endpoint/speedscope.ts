import { readdirSync, readFileSync } from "node:fs";
import { createContext, runInContext } from "node:vm";

/** What speedscope shows of one thread. */
export interface SpeedscopeProfile {
  getName(): string;
  getWeightUnit(): string;
  /** Calls `open` for each slice that begins, at its time in the unit, and `close` for each that ends. */
  forEachCall(
    open: (node: { readonly frame: { readonly name: string } }, value: number) => void,
    close: (node: unknown, value: number) => void,
  ): void;
}

interface Importer {
  importProfileGroupFromText(name: string, text: string): Promise<{ profiles: SpeedscopeProfile[] } | null>;
}

const release = new URL("../../../node_modules/speedscope/dist/release/", import.meta.url);

/** What the page expects of a browser. */
const page =
  "self window document navigator location localStorage history Image Worker HTMLElement addEventListener matchMedia " +
  "requestAnimationFrame setTimeout getComputedStyle";

/**
 * What the viewer speedscope makes of a file: its own importer, taken out of the program that it is published as. That is a
 * page: it is run with a document that does nothing, and the promise of its importer is caught on the way.
 */
export async function importInSpeedscope(name: string, text: string): Promise<SpeedscopeProfile[]> {
  const script = readdirSync(release).find((file) => /^speedscope-\w+\.js$/.test(file))!;
  const source = readFileSync(new URL(script, release), "utf8").replaceAll(
    /\bvar (\w+)=Promise\.resolve\(\)\.then\(/g,
    "var $1=globalThis.found[globalThis.found.length]=Promise.resolve().then(",
  );
  const nothing: unknown = new Proxy(function nothing() {}, {
    get: (_, key) => (key === "then" ? undefined : key === Symbol.toPrimitive ? () => "" : nothing),
    set: () => true,
    apply: () => nothing,
    construct: () => nothing as object,
  });
  const sandbox: Record<string, unknown> = { found: [], console: { log() {}, error() {}, warn() {} } };
  for (const name of page.split(" ")) sandbox[name] = nothing;
  Object.assign(sandbox, { TextDecoder, TextEncoder, URL, URLSearchParams, atob, btoa });
  const context = createContext(sandbox);
  try {
    runInContext(source, context);
  } catch {
    // The page; the importer is there by then.
  }
  for (const module of sandbox.found as Promise<Partial<Importer>>[]) {
    const importer = await module.catch(() => ({}) as Partial<Importer>);
    if (importer.importProfileGroupFromText === undefined) continue;
    const group = await importer.importProfileGroupFromText(name, text);
    if (group === null) throw new Error("speedscope does not know the file's format.");
    return group.profiles;
  }
  throw new Error("speedscope's importer was not found in its release.");
}
