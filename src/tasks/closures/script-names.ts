import { type AnyNode, type ModuleDeclaration, type Program, parse, type Statement } from "acorn";
import { declarePattern } from "./free-names.js";
import type { Script } from "./inspector.js";

/** A name of a module that is another module's export; `name` is "*" for the module itself. */
export interface ImportedName {
  readonly specifier: string;
  readonly name: string;
}

/** What a module imports and exports, read from its source. */
export interface ScriptNames {
  readonly imports: ReadonlyMap<string, ImportedName>;
  /** The export whose function or class is written at this position. */
  exportAt(position: number): string | undefined;
}

const known = new WeakMap<Script, ScriptNames>();

/** Reads a script once. A script that is no module has neither imports nor exports of this kind. */
export function namesOfScript(script: Script): ScriptNames {
  let names = known.get(script);
  if (names === undefined) {
    names = script.isModule ? readModule(script.source) : { imports: new Map(), exportAt: () => undefined };
    known.set(script, names);
  }
  return names;
}

function readModule(source: string): ScriptNames {
  const { body } = parseModule(source);
  const exported = exportedNames(body);
  const code: { node: AnyNode; exportName: string }[] = [];
  for (const statement of body) {
    const isDefault = statement.type === "ExportDefaultDeclaration";
    const declaration = declarationOf(statement);
    if (declaration === null) continue;
    if (isDefault) code.push({ node: declaration, exportName: "default" });
    else if (declaration.type === "VariableDeclaration") {
      // Only a const is certain to be what is exported in every thread.
      if (declaration.kind !== "const") continue;
      for (const { id, init } of declaration.declarations) {
        if (id.type === "Identifier" && init) add(id.name, init);
      }
    } else if (declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration") {
      if (declaration.id) add(declaration.id.name, declaration);
    }
  }
  return {
    imports: importedNames(body),
    exportAt: (position) =>
      code.find(({ node }) => node.start <= position && position < signatureEnd(node))?.exportName,
  };

  function add(local: string, node: AnyNode): void {
    const exportName = exported.get(local);
    const isCode = /Function|^Class/.test(node.type);
    if (exportName !== undefined && isCode) code.push({ node, exportName });
  }
}

function parseModule(source: string): Program {
  return parse(source, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
}

function declarationOf(statement: Statement | ModuleDeclaration): AnyNode | null {
  if (statement.type === "ExportNamedDeclaration" || statement.type === "ExportDefaultDeclaration") {
    return statement.declaration ?? null;
  }
  return statement as AnyNode;
}

/** A function inside of the exported one lies behind its signature. */
function signatureEnd(node: AnyNode): number {
  if (!("body" in node) || node.body === null || Array.isArray(node.body)) return node.end;
  if (/^Class/.test(node.type)) return node.start + 1;
  return "params" in node && node.params.length > 0 ? node.params[0]!.start : node.body.start;
}

function exportedNames(body: readonly (Statement | ModuleDeclaration)[]): Map<string, string> {
  const exported = new Map<string, string>();
  const declare = (name: string) => exported.set(name, name);
  for (const statement of body) {
    if (statement.type !== "ExportNamedDeclaration" || statement.source) continue;
    const { declaration, specifiers } = statement;
    if (declaration?.type === "VariableDeclaration") {
      for (const { id } of declaration.declarations) declarePattern(id, { declare });
    } else if (declaration?.id) declare(declaration.id.name);
    for (const { local, exported: as } of specifiers) {
      if (local.type === "Identifier") exported.set(local.name, as.type === "Identifier" ? as.name : String(as.value));
    }
  }
  return exported;
}

function importedNames(body: readonly (Statement | ModuleDeclaration)[]): Map<string, ImportedName> {
  const imports = new Map<string, ImportedName>();
  for (const statement of body) {
    if (statement.type !== "ImportDeclaration") continue;
    const specifier = String(statement.source.value);
    for (const binding of statement.specifiers) {
      let name = "*";
      if (binding.type === "ImportDefaultSpecifier") name = "default";
      else if (binding.type === "ImportSpecifier") {
        const { imported } = binding;
        name = imported.type === "Identifier" ? imported.name : String(imported.value);
      }
      imports.set(binding.local.name, { specifier, name });
    }
  }
  return imports;
}
