import type { AnyNode, Function as FunctionNode, ImportExpression, Pattern } from "acorn";

/** What a piece of code needs from outside of it. */
export interface FreeNames {
  /** Variables that it neither declares nor gets as parameters. */
  readonly names: ReadonlySet<string>;
  /** For each of them that is only used as `name.property`: the properties. */
  readonly members: ReadonlyMap<string, ReadonlySet<string>>;
  /** Something that only exists where it was written: "this", "super", "arguments", "new.target" or "import.meta". */
  readonly outer: string | undefined;
  readonly imports: readonly ImportExpression[];
}

/** Finds the free names of one expression: a function, a class, or an object with one method. */
export function findFreeNames(expression: AnyNode): FreeNames {
  const finder = new Finder();
  finder.visit(expression, new Names(undefined, undefined));
  for (const name of finder.bare) finder.members.delete(name);
  return finder;
}

/** A scope: the names that it declares. */
class Names {
  readonly #parent: Names | undefined;
  readonly #declared = new Set<string>();
  /** What holds `this`: a function that is no arrow, or the body of a class. */
  readonly owner: "function" | "class" | undefined;

  constructor(parent: Names | undefined, owner: "function" | "class" | undefined) {
    this.#parent = parent;
    this.owner = owner ?? parent?.owner;
  }

  declare(name: string): void {
    this.#declared.add(name);
  }

  has(name: string): boolean {
    return this.#declared.has(name) || (this.#parent?.has(name) ?? false);
  }
}

class Finder implements FreeNames {
  readonly names = new Set<string>();
  readonly members = new Map<string, Set<string>>();
  readonly bare = new Set<string>();
  readonly imports: ImportExpression[] = [];
  outer: string | undefined;

  visit(node: AnyNode | null | undefined, scope: Names): void {
    if (node == null) return;
    switch (node.type) {
      case "Identifier":
        this.#use(node.name, scope);
        return;
      case "FunctionExpression":
      case "FunctionDeclaration":
      case "ArrowFunctionExpression":
        this.#function(node, scope);
        return;
      case "ClassExpression":
      case "ClassDeclaration": {
        const inner = new Names(scope, undefined);
        if (node.id) inner.declare(node.id.name);
        this.visit(node.superClass, inner);
        this.visit(node.body, inner);
        return;
      }
      case "MethodDefinition":
      case "PropertyDefinition": {
        if (node.computed) this.visit(node.key, scope);
        this.visit(node.value, new Names(scope, "class"));
        return;
      }
      case "StaticBlock":
        this.#block(node.body, new Names(scope, "class"));
        return;
      case "Property":
        if (node.computed) this.visit(node.key, scope);
        // A method of an object literal may say `super`.
        this.visit(node.value, node.method || node.kind !== "init" ? new Names(scope, "class") : scope);
        return;
      case "MemberExpression":
        this.#member(node, scope);
        return;
      case "BlockStatement":
        this.#block(node.body, new Names(scope, undefined));
        return;
      case "Program":
        this.#block(node.body, scope);
        return;
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement": {
        const inner = new Names(scope, undefined);
        const first = node.type === "ForStatement" ? node.init : node.left;
        if (first?.type === "VariableDeclaration") declareIn([first], inner);
        this.#children(node, inner);
        return;
      }
      case "SwitchStatement": {
        this.visit(node.discriminant, scope);
        const inner = new Names(scope, undefined);
        declareIn(
          node.cases.flatMap(({ consequent }) => consequent),
          inner,
        );
        for (const branch of node.cases) this.#children(branch, inner);
        return;
      }
      case "CatchClause": {
        const inner = new Names(scope, undefined);
        declarePattern(node.param, inner);
        this.visit(node.param, inner);
        this.visit(node.body, inner);
        return;
      }
      case "LabeledStatement":
        this.visit(node.body, scope);
        return;
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "ThisExpression":
        this.#needOuter("this", scope.owner === undefined);
        return;
      case "Super":
        this.#needOuter("super", scope.owner !== "class");
        return;
      case "MetaProperty":
        if (node.meta.name === "import") {
          this.#needOuter("import.meta", true);
          return;
        }
        this.#needOuter("new.target", scope.owner === undefined);
        return;
      case "ImportExpression":
        this.imports.push(node);
        this.#children(node, scope);
        return;
      default:
        this.#children(node, scope);
        return;
    }
  }

  #function(node: FunctionNode | AnyNode, scope: Names): void {
    if (!("params" in node)) return;
    const isArrow = node.type === "ArrowFunctionExpression";
    // A method's own function keeps the class as its owner, so that `super` is allowed in it.
    const owner = isArrow ? undefined : scope.owner === "class" ? "class" : "function";
    const inner = new Names(scope, owner);
    if (!isArrow) inner.declare("arguments");
    if (node.type === "FunctionExpression" && node.id) inner.declare(node.id.name);
    for (const parameter of node.params) declarePattern(parameter, inner);
    for (const parameter of node.params) this.visit(parameter, inner);
    if (node.body.type !== "BlockStatement") {
      this.visit(node.body, inner);
      return;
    }
    hoistVars(node.body.body, inner);
    this.#block(node.body.body, inner);
  }

  #block(body: readonly AnyNode[], scope: Names): void {
    declareIn(body, scope);
    for (const statement of body) this.visit(statement, scope);
  }

  #member(node: AnyNode & { type: "MemberExpression" }, scope: Names): void {
    const { object, property, computed } = node;
    if (object.type === "Identifier" && !computed && property.type === "Identifier" && !scope.has(object.name)) {
      this.names.add(object.name);
      const members = this.members.get(object.name) ?? new Set();
      this.members.set(object.name, members.add(property.name));
      return;
    }
    this.visit(object, scope);
    if (computed) this.visit(property, scope);
  }

  #use(name: string, scope: Names): void {
    if (scope.has(name)) return;
    if (name === "arguments") {
      this.#needOuter("arguments", true);
      return;
    }
    this.names.add(name);
    this.bare.add(name);
  }

  #needOuter(what: string, needed: boolean): void {
    if (needed) this.outer ??= what;
  }

  #children(node: AnyNode, scope: Names): void {
    for (const child of childrenOf(node)) this.visit(child, scope);
  }
}

/** Every node that is directly below another one. */
export function* childrenOf(node: AnyNode): Generator<AnyNode> {
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) yield item;
    } else if (isNode(value)) yield value;
  }
}

function isNode(value: unknown): value is AnyNode {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}

/** Declares what these statements declare for the whole block: let, const, class, function. */
function declareIn(body: readonly AnyNode[], scope: Names): void {
  for (const statement of body) {
    const node = isExport(statement) ? statement.declaration : statement;
    if (node?.type === "VariableDeclaration") for (const { id } of node.declarations) declarePattern(id, scope);
    else if ((node?.type === "FunctionDeclaration" || node?.type === "ClassDeclaration") && node.id) {
      scope.declare(node.id.name);
    }
  }
}

function isExport(node: AnyNode): node is AnyNode & { declaration: AnyNode | null } {
  return node.type === "ExportNamedDeclaration" || node.type === "ExportDefaultDeclaration";
}

/** Declares every `var` of a function, however deep, but not those of functions in it. */
function hoistVars(body: readonly AnyNode[], scope: Names): void {
  for (const node of body) {
    if (/Function|^Class/.test(node.type)) continue;
    if (node.type === "VariableDeclaration" && node.kind === "var") {
      for (const { id } of node.declarations) declarePattern(id, scope);
    }
    hoistVars([...childrenOf(node)], scope);
  }
}

/** Declares the names that a pattern binds. */
export function declarePattern(pattern: Pattern | null | undefined, scope: { declare(name: string): void }): void {
  switch (pattern?.type) {
    case "Identifier":
      scope.declare(pattern.name);
      return;
    case "ObjectPattern":
      for (const property of pattern.properties) {
        declarePattern(property.type === "RestElement" ? property.argument : property.value, scope);
      }
      return;
    case "ArrayPattern":
      for (const element of pattern.elements) declarePattern(element, scope);
      return;
    case "AssignmentPattern":
      declarePattern(pattern.left, scope);
      return;
    case "RestElement":
      declarePattern(pattern.argument, scope);
      return;
  }
}
