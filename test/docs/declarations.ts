import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parse } from "@babel/parser";
import type * as ast from "@babel/types";

/** Something that an entry of the package exports, as its emitted types say. */
export interface Declaration {
  readonly name: string;
  readonly kind: "class" | "interface" | "function" | "type" | "constant";
  /** The source file without folder and ending: "client", "ipc/read-message". */
  readonly source: string;
  /** Where it stands there. */
  readonly position: number;
  readonly comment: string;
  /** As it is declared; of a class or an interface the name with its type parameters. A function has one for each overload. */
  readonly signatures: readonly Signature[];
  /** What a class or an interface extends; "" for nothing. */
  readonly heritage: string;
  /** Of a class or an interface, in their order. */
  readonly members: readonly Member[];
}

export interface Member {
  readonly name: string;
  readonly comment: string;
  readonly signatures: readonly Signature[];
}

/** A declaration's text; `parameters` are apart where it is a call, so that a long one can be broken. */
export interface Signature {
  readonly before: string;
  readonly parameters?: readonly string[];
  readonly after: string;
}

/** All that `entry`, a .d.ts file, exports, in the order of its exports. */
export function readEntry(entry: string, folder: string): Declaration[] {
  const found: Declaration[] = [];
  for (const statement of read(entry).body) {
    if (statement.type === "ExportAllDeclaration") {
      found.push(...readEntry(pathOf(statement.source.value, entry), folder));
      continue;
    }
    if (statement.type !== "ExportNamedDeclaration") throw new Error(`${entry}: only named exports are documented.`);
    const from = pathOf(statement.source?.value ?? "", entry);
    for (const specifier of statement.specifiers) {
      if (specifier.type !== "ExportSpecifier") throw new Error(`${entry}: only named exports are documented.`);
      found.push(declarationOf(specifier.local.name, homeOf(specifier.local.name, from), folder));
    }
  }
  return found;
}

function pathOf(specifier: string, importer: string): string {
  return join(dirname(importer), specifier).replace(/\.js$/, ".d.ts");
}

/** The file that declares what `path` exports, perhaps from another file. */
function homeOf(name: string, path: string): string {
  for (const statement of read(path).body) {
    if (statement.type !== "ExportNamedDeclaration" || !statement.source) continue;
    const specifiers = statement.specifiers.filter((one) => one.type === "ExportSpecifier");
    if (specifiers.some(({ local }) => local.name === name)) return homeOf(name, pathOf(statement.source.value, path));
  }
  return path;
}

interface Source {
  readonly text: string;
  readonly body: readonly ast.Statement[];
}

const sources = new Map<string, Source>();

function read(path: string): Source {
  let source = sources.get(path);
  if (source === undefined) {
    const text = readFileSync(path, "utf8");
    const { program } = parse(text, { sourceType: "module", plugins: [["typescript", { dts: true }]] });
    source = { text, body: program.body };
    sources.set(path, source);
  }
  return source;
}

function declarationOf(name: string, path: string, folder: string): Declaration {
  const { text, body } = read(path);
  const statements = body.filter((statement) => namesOf(statement).includes(name));
  const [first] = statements;
  if (first === undefined) throw new Error(`${path} exports no ${name}.`);
  const node = declared(first)!;
  return {
    name,
    kind: kindOf(node),
    source: normalize(path)
      .slice(normalize(folder).length + 1)
      .replace(/\.d\.ts$/, ""),
    position: first.start!,
    comment: statements.map(commentOf).find((comment) => comment !== "") ?? "",
    signatures: statements.map((statement) => signatureOf(declared(statement)!, text)),
    heritage: heritageOf(node, text),
    members: membersOf(node, text),
  };
}

function declared(statement: ast.Statement): ast.Declaration | undefined {
  return (statement.type === "ExportNamedDeclaration" && statement.declaration) || undefined;
}

function namesOf(statement: ast.Statement): string[] {
  const node = declared(statement);
  if (node?.type === "VariableDeclaration") return node.declarations.map(({ id }) => (id as ast.Identifier).name);
  return node !== undefined && "id" in node && node.id?.type === "Identifier" ? [node.id.name] : [];
}

function kindOf(node: ast.Declaration): Declaration["kind"] {
  switch (node.type) {
    case "ClassDeclaration":
      return "class";
    case "TSInterfaceDeclaration":
      return "interface";
    case "TSDeclareFunction":
      return "function";
    case "TSTypeAliasDeclaration":
      return "type";
    case "VariableDeclaration":
      return "constant";
    default:
      throw new Error(`Exports of the kind ${node.type} are not documented yet.`);
  }
}

type Nodes = readonly { readonly start?: number | null; readonly end?: number | null }[];

/** The source from the first node to the last. */
function slice(text: string, ...nodes: Nodes): string {
  return text.slice(nodes[0]!.start!, nodes.at(-1)!.end!);
}

function signatureOf(node: ast.Declaration, text: string): Signature {
  const whole = slice(text, node)
    .replace(/^declare /, "")
    .replace(/;$/, "");
  if (node.type === "TSDeclareFunction") return callOf(`function ${node.id!.name}`, node, text);
  if (node.type === "ClassDeclaration" || node.type === "TSInterfaceDeclaration") {
    const kind = node.type === "ClassDeclaration" ? "class" : "interface";
    const parameters = node.typeParameters ? slice(text, node.typeParameters) : "";
    return { before: `${kind} ${node.id!.name}${parameters}`, after: heritageOf(node, text, " extends ") };
  }
  return { before: whole, after: "" };
}

function heritageOf(node: ast.Declaration, text: string, word = ""): string {
  const nodes =
    node.type === "TSInterfaceDeclaration"
      ? node.extends
      : node.type === "ClassDeclaration"
        ? node.superClass
        : undefined;
  const list = [nodes ?? []].flat();
  return list.length === 0 ? "" : word + slice(text, ...list);
}

function membersOf(node: ast.Declaration, text: string): Member[] {
  if (node.type !== "ClassDeclaration" && node.type !== "TSInterfaceDeclaration") return [];
  const members = new Map<string, { comment: string; signatures: Signature[] }>();
  for (const member of node.body.body as (ast.ClassBody["body"][number] | ast.TSInterfaceBody["body"][number])[]) {
    if (!("key" in member) || member.type === "ClassPrivateProperty") continue;
    if ("accessibility" in member && member.accessibility === "private") continue;
    const key = slice(text, member.key);
    const name = "computed" in member && member.computed ? `[${key}]` : key;
    const known = members.get(name) ?? { comment: "", signatures: [] };
    known.comment ||= commentOf(member);
    known.signatures.push(memberSignature(name, member, text));
    members.set(name, known);
  }
  // What is named by a symbol and has no comment is for the language, not for the reader.
  return [...members]
    .map(([name, member]) => ({ name, ...member }))
    .filter(({ name, comment }) => !name.startsWith("[") || comment !== "")
    .sort((left, right) => Number(right.name === "constructor") - Number(left.name === "constructor"));
}

function memberSignature(name: string, member: ast.Node, text: string): Signature {
  if (member.type === "TSDeclareMethod" || member.type === "TSMethodSignature") {
    const [prefix, suffix] = ["static" in member && member.static ? "static " : "", member.optional ? "?" : ""];
    return callOf(
      `${prefix}${member.kind === "get" || member.kind === "set" ? `${member.kind} ` : ""}${name}${suffix}`,
      member,
      text,
    );
  }
  const whole = slice(text, member).replace(/;$/, "");
  return { before: whole.replace(/^(\w+\?: .*) \| undefined$/s, "$1"), after: "" };
}

type Callable = ast.TSDeclareFunction | ast.TSDeclareMethod | ast.TSMethodSignature;

function callOf(name: string, node: Callable, text: string): Signature {
  const parameters = node.type === "TSMethodSignature" ? node.parameters : node.params;
  const result = node.type === "TSMethodSignature" ? node.typeAnnotation : node.returnType;
  return {
    before: `${name}${node.typeParameters ? slice(text, node.typeParameters) : ""}`,
    parameters: parameters.map((parameter) =>
      slice(text, parameter)
        .replace(/^\{[^}]*\}(\??: (\w*))/s, (_, rest: string, type: string) => `${lastWord(type)}${rest}`)
        .replace(/(\?: .*) \| undefined$/s, "$1"),
    ),
    after: result ? slice(text, result) : "",
  };
}

/** What a parameter is called that is taken apart in its list: "options" of EncodeOptions, or of a type without a name. */
function lastWord(type: string): string {
  return /[A-Z][a-z]+$/.exec(type)?.[0].toLowerCase() ?? "options";
}

/** The text of the doc comment right before a node; "" where there is none. */
function commentOf(node: ast.Node): string {
  const comment = node.leadingComments?.at(-1);
  if (comment?.type !== "CommentBlock" || !comment.value.startsWith("*")) return "";
  const lines = comment.value
    .slice(1)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, "").trim());
  const paragraphs = lines.join("\n").trim().split(/\n\n+/);
  return paragraphs.map((paragraph) => paragraph.replace(/\n/g, " ")).join("\n\n");
}
