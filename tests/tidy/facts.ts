/**
 * What the tidy rules know of a source file: read from Deno's own parser, through its lint plugin interface.
 */

export interface Import {
  readonly specifier: string;
  /** `dynamic` is `await import()`: loaded later or never. */
  readonly kind: "value" | "type" | "dynamic";
  /** Names taken; `*` for all of them. */
  readonly names: readonly string[];
}

export interface Named {
  readonly name: string;
  /** 1-based. */
  readonly line: number;
}

export interface ExportFact extends Named {
  /** Made by `const`, so that it may be one of a table. */
  readonly constant: boolean;
}

export interface FunctionFact extends Named {
  readonly lines: number;
}

export interface Facts {
  /** From the root of the repository, such as `mod/vrrp/router.ts`. */
  readonly path: string;
  readonly source: string;
  readonly imports: readonly Import[];
  /** Values that the file exports: functions, classes, constants. */
  readonly exports: readonly ExportFact[];
  /** Every identifier that refers to something, and `object.property` for every plain member access. */
  readonly names: readonly Named[];
  readonly functions: readonly FunctionFact[];
  readonly anyTypes: readonly number[];
  readonly emptyCatches: readonly number[];
  readonly importMetas: readonly number[];
  /** Lines that a string, template or regular expression makes long: no formatter can break them. */
  readonly literalLines: readonly number[];
}

type Node = Deno.lint.Node;
type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] };

/** Reads a file's facts. Works only inside `deno test`, where Deno offers its parser. */
export function factsOf(path: string, source: string): Facts {
  const facts: Mutable<Facts> = {
    path,
    source,
    imports: [],
    exports: [],
    names: [],
    functions: [],
    anyTypes: [],
    emptyCatches: [],
    importMetas: [],
    literalLines: [],
  };
  const line = lineFinder(source);
  const visitor = {
    ...importVisitor(facts),
    ...functionVisitor(facts, line),
    ...nameVisitor(facts, line),
  };
  const plugin: Deno.lint.Plugin = { name: "tidy", rules: { facts: { create: () => visitor } } };
  Deno.lint.runPlugin(plugin, path.replace(/^.*\//, ""), source);
  return facts;
}

/** Offset -> 1-based line. */
function lineFinder(source: string): (node: Node) => number {
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  return ({ range }) => {
    let low = 0;
    for (let high = starts.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= range[0]) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}

function importVisitor(facts: Mutable<Facts>): Deno.lint.LintVisitor {
  return {
    ImportDeclaration(node): void {
      const names = node.specifiers.map((one) =>
        one.type === "ImportSpecifier" && one.imported.type === "Identifier" ? one.imported.name : "*"
      );
      const typeOnly = node.importKind === "type" || (node.specifiers.length > 0 &&
        node.specifiers.every((one) => one.type === "ImportSpecifier" && one.importKind === "type"));
      facts.imports.push({ specifier: node.source.value, kind: typeOnly ? "type" : "value", names });
    },
    ImportExpression(node): void {
      const specifier = node.source.type === "Literal" ? String(node.source.value) : "";
      facts.imports.push({ specifier, kind: "dynamic", names: ["*"] });
    },
    ExportAllDeclaration(node): void {
      facts.imports.push({ specifier: node.source.value, kind: "value", names: ["*"] });
    },
    ExportNamedDeclaration(node): void {
      if (node.source === null) return;
      const names = node.specifiers.map(({ local }) => local.type === "Identifier" ? local.name : "*");
      const kind = node.exportKind === "type" ? "type" : "value";
      facts.imports.push({ specifier: node.source.value, kind, names });
    },
  };
}

function functionVisitor(
  facts: Mutable<Facts>,
  line: (node: Node) => number,
): Deno.lint.LintVisitor {
  return {
    "FunctionDeclaration, FunctionExpression, ArrowFunctionExpression"(node: Node): void {
      const lines = facts.source.slice(...node.range).split("\n").length;
      facts.functions.push({ name: functionName(node), line: line(node), lines });
    },
    "ExportNamedDeclaration > FunctionDeclaration, ExportNamedDeclaration > ClassDeclaration"(
      node: Node,
    ): void {
      const { id } = node as Deno.lint.FunctionDeclaration | Deno.lint.ClassDeclaration;
      if (id !== null) facts.exports.push({ name: id.name, line: line(node), constant: false });
    },
    "ExportNamedDeclaration > VariableDeclaration > VariableDeclarator"(node: Node): void {
      const { id } = node as Deno.lint.VariableDeclarator;
      if (id.type === "Identifier") facts.exports.push({ name: id.name, line: line(node), constant: true });
    },
    CatchClause(node): void {
      const comments = facts.source.slice(...node.body.range).includes("//");
      if (node.body.body.length === 0 && !comments) facts.emptyCatches.push(line(node));
    },
  };
}

function nameVisitor(facts: Mutable<Facts>, line: (node: Node) => number): Deno.lint.LintVisitor {
  return {
    Identifier(node): void {
      const fact = { name: node.name, line: line(node) };
      const last = facts.names.at(-1);
      if (isReference(node) && (last?.name !== fact.name || last.line !== fact.line)) facts.names.push(fact);
    },
    MemberExpression(node): void {
      const { object, property, computed } = node;
      if (computed || object.type !== "Identifier" || property.type !== "Identifier") return;
      facts.names.push({ name: `${object.name}.${property.name}`, line: line(node) });
    },
    TSAnyKeyword(node): void {
      facts.anyTypes.push(line(node));
    },
    MetaProperty(node): void {
      facts.importMetas.push(line(node));
    },
    "Literal, TemplateLiteral"(node: Node): void {
      const lines = facts.source.slice(...node.range).split("\n");
      const long = lines.length > 1 || node.range[1] - node.range[0] > 40;
      if (long) facts.literalLines.push(...lines.map((_, index) => line(node) + index));
    },
  };
}

function functionName(node: Node): string {
  if (node.type === "FunctionDeclaration" && node.id !== null) return node.id.name;
  const { parent } = node as Deno.lint.ArrowFunctionExpression;
  if (parent.type === "VariableDeclarator" && parent.id.type === "Identifier") return parent.id.name;
  if (parent.type === "MethodDefinition" && parent.key.type === "Identifier") return parent.key.name;
  if (parent.type === "Property" && parent.key.type === "Identifier") return parent.key.name;
  return "a function";
}

/**
 * False for names that belong to something else: `x.name`, `{ name: x }`, `interface { name }`, `import {
 * name }`.
 */
function isReference(node: Deno.lint.Identifier): boolean {
  const parent = node.parent as Node & { key?: Node; property?: Node; right?: Node; computed?: boolean };
  const same = (other?: Node): boolean => other !== undefined && other.range[0] === node.range[0];
  switch (parent.type) {
    case "MemberExpression":
      return parent.computed === true || !same(parent.property);
    case "Property":
      // In `{ name }` one identifier is both key and value, and is visited as both; nameVisitor counts it
      // once.
      return parent.computed || (parent as Deno.lint.Property).shorthand || !same(parent.key);
    case "TSQualifiedName":
      return !same(parent.right);
    case "ImportSpecifier":
    case "ExportSpecifier":
      return false;
    default:
      return parent.key === undefined || parent.computed === true || !same(parent.key);
  }
}
