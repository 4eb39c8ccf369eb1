import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { run } from "./command.mjs";

/** The npm dependencies of a folder, as package-lock.json has them. None needs an install script, so none is run. */
export function nodeModules(folder, name) {
  return {
    name,
    isDone: () => isInstalled(folder),
    async run() {
      const args = ["ci", "--include=dev", "--ignore-scripts", "--engine-strict=false", "--no-audit", "--no-fund"];
      await npm(folder, args, `Installing the ${name}`);
    },
  };
}

/** Runs npm: the one that runs us, if one does, but not under the settings that it was given for that. */
export function npm(root, args, what) {
  const self = process.env.npm_execpath;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !isPassing(name)));
  return self !== undefined && basename(self) === "npm-cli.js"
    ? run(process.execPath, [self, ...args], { cwd: root, env, what })
    : run("npm", args, { cwd: root, env, what });
}

/** Settings of one npm command that would change what another does; registries, proxies and caches stay. */
function isPassing(name) {
  return (
    /^npm_(package|lifecycle)_/.test(name) ||
    /^npm_config_(dry_run|global|location|prefix|local_prefix|workspaces?|include_workspace_root|omit|include|only|production|package_lock.*|lockfile_version|install_.*|if_present|json|silent|loglevel)$/i.test(
      name,
    )
  );
}

/** npm writes node_modules/.package-lock.json when it has finished: it must name what package-lock.json asks for. */
function isInstalled(root) {
  const hidden = join(root, "node_modules/.package-lock.json");
  if (!existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, "utf8")).packages;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (!path.startsWith("node_modules/")) return true;
    const present = installed[path];
    if (present === undefined) return entry.optional === true || entry.peer === true || entry.devOptional === true;
    return present.version === entry.version && present.integrity === entry.integrity && existsSync(join(root, path));
  });
}
