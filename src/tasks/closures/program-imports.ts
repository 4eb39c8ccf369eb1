import { createRequire, isBuiltin, Module } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";

/** `import(specifier)` as the module `from` would do it, in the program's main thread or another. */
export async function importFrom(from: string, specifier: string): Promise<unknown> {
  if (isBuiltin(specifier)) return await import(specifier);
  await shareLoader();
  if (/^[a-z][a-z+.-]*:/i.test(specifier)) return await import(specifier);
  if (/^\.{0,2}\//.test(specifier) && isFile(from)) return await import(new URL(specifier, from).href);
  return await importName(from, specifier);
}

/** The `require` of the module `from`. */
export async function requireOf(from: string): Promise<NodeJS.Require> {
  await shareLoader();
  return createRequire(isFile(from) ? from : inWorkingFolder());
}

/** A bare specifier is resolved from the folder of who imports it, so the import has to be written there. */
async function importName(from: string, specifier: string): Promise<unknown> {
  const path = fileURLToPath(isFile(from) ? from : inWorkingFolder());
  const importer = new Module(path) as Module & { _compile(code: string, path: string): void };
  importer._compile("exports.load = (specifier) => import(specifier);", path);
  return await (importer.exports as { load(specifier: string): Promise<unknown> }).load(specifier);
}

let loader: Promise<void> | undefined;

/**
 * Has this thread import what the main thread can, where the program is run by tsx, which gives its loader to main
 * threads only. Before the first import: one that failed fails for ever.
 */
function shareLoader(): Promise<void> {
  loader ??= isMainThread ? Promise.resolve() : registerTsx();
  return loader;
}

async function registerTsx(): Promise<void> {
  const tsx = importedAtStart().find((name) => /^tsx(\/esm)?$|\/tsx\/dist\/(loader|esm\/index)\.mjs$/.test(name));
  if (tsx === undefined) return;
  for (const api of ["tsx/esm/api", "tsx/cjs/api"]) ((await importName(tsx, api)) as { register(): void }).register();
}

/** What `--import` named, on the command line or in NODE_OPTIONS. */
function importedAtStart(): string[] {
  const options = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? "").split(/\s+/)];
  return options.flatMap((option, i) => {
    if (option.startsWith("--import=")) return [option.slice("--import=".length)];
    return option === "--import" ? [options[i + 1] ?? ""] : [];
  });
}

function isFile(url: string): boolean {
  return url.startsWith("file:");
}

function inWorkingFolder(): string {
  return pathToFileURL(`${process.cwd()}/shipped.cjs`).href;
}
