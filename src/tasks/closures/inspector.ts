import { type Debugger, type Runtime, Session } from "node:inspector";

/** A script as V8 runs it. */
export interface Script {
  readonly url: string;
  readonly source: string;
  readonly isModule: boolean;
  /** The line of the URL's text at which the source begins: shipped functions keep their place in their file. */
  readonly startLine: number;
}

/** Variables that a function can see, from the innermost scope outwards; the global scope is left out. */
export interface Scope {
  readonly kind: "module" | "inner";
  readonly names: ReadonlySet<string>;
  /** The value of a variable; "unset" when its declaration was not reached yet (Node 20 says undefined then). */
  read(name: string): { readonly value: unknown } | "unset";
}

export interface FunctionFacts {
  readonly script: Script | undefined;
  /** A position inside the function's text in its script's source. */
  readonly position: number;
  readonly scopes: readonly Scope[];
}

const scripts = new Map<string, Script>();
/** Where objects pass between this code and the inspector, which addresses them by expressions. */
const slot = Symbol.for("rayflight.inspected");
const slots = globalThis as { [slot]?: unknown };

/**
 * Reads through V8's inspector what JavaScript itself does not tell: the variables that a function has captured, and its
 * script. Synchronous: it talks to its own thread. `close` it soon.
 */
export class FunctionInspector {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
  }

  inspect(target: object): FunctionFacts {
    slots[slot] = target;
    const { result } = this.#post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression: 'globalThis[Symbol.for("rayflight.inspected")]',
    });
    delete slots[slot];
    const { internalProperties = [] } = this.#properties(result.objectId!);
    const internal = (name: string) => internalProperties.find((property) => property.name === name)?.value;
    const scopeList = internal("[[Scopes]]");
    const scopes = scopeList === undefined ? [] : this.#properties(scopeList.objectId!).result;
    const location = internal("[[FunctionLocation]]")?.value as Debugger.Location | undefined;
    const script = location && this.#script(location.scriptId);
    return {
      script,
      position: location && script ? offsetOf(script, location) : 0,
      scopes: scopes.flatMap(({ value }) => (value?.description === "Global" ? [] : [this.#scope(value!)])),
    };
  }

  close(): void {
    this.#session.disconnect();
  }

  #scope({ description = "", objectId }: Runtime.RemoteObject): Scope {
    const variables = new Map(this.#properties(objectId!).result.map(({ name, value }) => [name, value]));
    return {
      kind: description.startsWith("Module") ? "module" : "inner",
      names: new Set(variables.keys()),
      read: (name) => {
        const variable = variables.get(name);
        return variable === undefined ? "unset" : { value: this.#valueOf(variable) };
      },
    };
  }

  #valueOf(variable: Runtime.RemoteObject): unknown {
    if (variable.objectId === undefined) {
      if (variable.type === "undefined") return undefined;
      if (variable.unserializableValue === undefined) return variable.value;
      const text = variable.unserializableValue;
      return variable.type === "bigint" ? BigInt(text.slice(0, -1)) : Number(text);
    }
    this.#post("Runtime.callFunctionOn", {
      objectId: variable.objectId,
      functionDeclaration: 'function () { "use strict"; globalThis[Symbol.for("rayflight.inspected")] = this; }',
    });
    const value = slots[slot];
    delete slots[slot];
    return value;
  }

  #script(id: string): Script | undefined {
    if (!scripts.has(id)) {
      const parsed = new Map<string, Debugger.ScriptParsedEventDataType>();
      const note = ({ params }: { params: Debugger.ScriptParsedEventDataType }) => parsed.set(params.scriptId, params);
      this.#session.on("Debugger.scriptParsed", note);
      this.#post("Debugger.enable");
      const found = parsed.get(id);
      if (found !== undefined) {
        const { scriptSource } = this.#post<Debugger.GetScriptSourceReturnType>("Debugger.getScriptSource", {
          scriptId: id,
        });
        scripts.set(id, {
          url: found.url,
          source: scriptSource,
          isModule: found.isModule ?? false,
          startLine: found.startLine,
        });
      }
      this.#post("Debugger.disable");
      this.#session.off("Debugger.scriptParsed", note);
    }
    return scripts.get(id);
  }

  #properties(objectId: string): Runtime.GetPropertiesReturnType {
    return this.#post("Runtime.getProperties", { objectId, ownProperties: true });
  }

  #post<T>(method: string, params: object = {}): T {
    let answer: T | undefined;
    let failure: Error | null = null;
    this.#session.post(method, params, (error, result) => {
      failure = error;
      answer = result as T;
    });
    if (failure !== null) throw failure;
    return answer!;
  }
}

function offsetOf({ source, startLine }: Script, { lineNumber, columnNumber = 0 }: Debugger.Location): number {
  let start = 0;
  for (let line = 0; line < lineNumber - startLine; line++) start = source.indexOf("\n", start) + 1;
  return start + columnNumber;
}
