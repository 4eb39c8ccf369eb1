import { availableParallelism, tmpdir, totalmem } from "node:os";
import { RayflightError } from "../../src/error.js";
import { checkSpillCodec, type SpillCodecName } from "../../src/store/spill-codec.js";
import { countGpus } from "./count-gpus.js";

/** What `init` takes. Every field has a default; sizes are in bytes. */
export interface InitOptions {
  /** Address the Flight endpoint listens on. Anything but loopback needs `token`. Default: `127.0.0.1`. */
  host?: string;
  /** Port of the Flight endpoint; 0 takes any free one, and `node.uri` says which. Default: 0. */
  port?: number;
  /** Bearer token that every client must send. Default: none, which only loopback allows. */
  token?: string;
  /** CPUs that tasks and actors may use, which is also the number of task threads. Default: the machine's. */
  numCpus?: number;
  /** GPUs that tasks and actors may ask for, numbered from 0. Default: those that `countGpus` finds on this machine. */
  numGpus?: number;
  /** Other resources that tasks and actors may ask for, as `{ licence: 2 }`. Default: none. */
  resources?: Readonly<Record<string, number>>;
  /** The namespace of this session's named actors, where they give none. Default: `default`. */
  namespace?: string;
  /** Memory for objects and datasets before parts are spilled. Default: 30 % of the machine's memory. */
  objectStoreMemory?: number;
  /** Folder for spilled bytes; its files are unlinked while open, so none is ever left. Default: the system's temporary folder. */
  spillDirectory?: string;
  /** Disk that spilled bytes may take before writes are refused. Default: four times `objectStoreMemory`. */
  spillLimit?: number;
  /**
   * How spilled bytes are compressed: "none", "gzip", "brotli", or "zstd" where Node has it (22.15 and newer). Default: "none".
   */
  spillCodec?: SpillCodecName;
  /** How long a transaction that nobody touches stays open, in milliseconds. Default: 30 minutes. */
  transactionTtlMs?: number;
  /**
   * Prints what tasks and actors write to stdout and stderr in the driver, each line with `(name wid=N)` in front: the
   * function or class, and the worker. Default: true.
   */
  logToDriver?: boolean;
  /**
   * Prints a line that several workers write within 5 seconds once, and then how often it came. Lines are alike when they
   * differ only in words with digits. Default: true.
   */
  foldLogs?: boolean;
  /** A folder for what each worker writes, in files such as `worker-1.out` and `worker-1.err`. Default: none. */
  logDirectory?: string;
  /**
   * Runs tasks and actors in the driver's own thread, with the same semantics, so that a debugger steps through them.
   * Their rows are on this thread: `state` shows them, Flight does not. Default: false.
   */
  debug?: boolean;
  /** Keeps the process alive until the node is closed, as a server wants. Default: false, it lives as long as something is awaited. */
  keepAlive?: boolean;
}

/** `InitOptions` with every default applied: what the inner code sees. */
export type NodeOptions = Required<Omit<InitOptions, "token" | "logDirectory">> & {
  token: string | undefined;
  logDirectory: string | undefined;
};

const defaultTransactionTtlMs = 30 * 60_000;

function requireCount(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RayflightError("INVALID_ARGUMENT", `${name} is ${value}.`, { hint: `Give a whole number from ${least}.` });
}

/** Applies the defaults once, at the edge. Throws INVALID_ARGUMENT for a number that makes no sense. */
export function fillOptions(options: InitOptions = {}): NodeOptions {
  const objectStoreMemory = requireCount(
    "objectStoreMemory",
    options.objectStoreMemory ?? Math.floor(totalmem() * 0.3),
    1 << 20,
  );
  return {
    host: options.host ?? "127.0.0.1",
    port: requireCount("port", options.port ?? 0, 0),
    token: options.token,
    numCpus: requireCount("numCpus", options.numCpus ?? availableParallelism(), 0),
    numGpus: requireCount("numGpus", options.numGpus ?? countGpus(), 0),
    resources: options.resources ?? {},
    namespace: options.namespace ?? "default",
    objectStoreMemory,
    spillDirectory: options.spillDirectory ?? tmpdir(),
    spillLimit: requireCount("spillLimit", options.spillLimit ?? 4 * objectStoreMemory, 0),
    spillCodec: checkSpillCodec(options.spillCodec ?? "none"),
    transactionTtlMs: requireCount("transactionTtlMs", options.transactionTtlMs ?? defaultTransactionTtlMs, 1),
    logToDriver: options.logToDriver ?? true,
    foldLogs: options.foldLogs ?? true,
    logDirectory: options.logDirectory,
    debug: options.debug ?? false,
    keepAlive: options.keepAlive ?? false,
  };
}
