/**
 * The part of the shell language that check scripts are written in: pipelines, `if`, loops, tests. What is
 * out of it is {@link NotUnderstood}: nothing is ever guessed.
 */
import { NotUnderstood, type Piece, shellTokens, type Token } from "./shell_tokens.ts";

export type Word = readonly Piece[];

export type Node =
  | { readonly kind: "simple"; readonly words: readonly Word[] }
  | { readonly kind: "function"; readonly name: string; readonly body: Node }
  | { readonly kind: "pipeline"; readonly stages: readonly Node[]; readonly negated: boolean }
  | { readonly kind: "and" | "or"; readonly left: Node; readonly right: Node }
  | { readonly kind: "list"; readonly nodes: readonly Node[] }
  | {
    readonly kind: "if";
    readonly branches: readonly (readonly [test: Node, body: Node])[];
    readonly otherwise: Node | null;
  }
  | { readonly kind: "for"; readonly name: string; readonly words: readonly Word[]; readonly body: Node }
  | { readonly kind: "count"; readonly parts: readonly [string, string, string]; readonly body: Node }
  | { readonly kind: "while"; readonly until: boolean; readonly test: Node; readonly body: Node };

/** The whole script as one node. */
export function parseShell(script: string): Node {
  const parser = new Parser(shellTokens(script));
  const node = parser.list([]);
  if (!parser.atEnd) throw new NotUnderstood(`"${parser.reserved() ?? "something"}" in an odd place`);
  return node;
}

/** No check script is that deep. */
const DEPTH_MAX = 50;

class Parser {
  #at = 0;
  #depth = 0;

  constructor(readonly tokens: readonly Token[]) {}

  get atEnd(): boolean {
    return this.#at >= this.tokens.length;
  }

  /** A list of commands up to one of these words, which is left for the caller. */
  list(ends: readonly string[]): Node {
    if (++this.#depth > DEPTH_MAX) throw new NotUnderstood("blocks within blocks, too deep");
    const nodes: Node[] = [];
    for (;;) {
      while (this.#take(";") || this.#take("\n")) continue;
      if (this.atEnd || ends.includes(this.reserved() ?? "")) break;
      nodes.push(this.#andOr());
      if (this.#operator() === "&") throw new NotUnderstood("a job in the background");
      if (
        !this.atEnd && ![";", "\n"].includes(this.#operator() ?? "") && !ends.includes(this.reserved() ?? "")
      ) {
        throw new NotUnderstood("two commands on one line");
      }
    }
    this.#depth--;
    return { kind: "list", nodes };
  }

  /** A bare word at this place: what could be a keyword. */
  reserved(): string | undefined {
    const token = this.tokens[this.#at];
    if (token?.kind !== "word") return token?.text;
    return token.pieces.every((piece) => piece.kind === "text" && !piece.quoted)
      ? token.pieces.map((piece) => piece.kind === "text" ? piece.text : "").join("")
      : undefined;
  }

  #operator(): string | undefined {
    const token = this.tokens[this.#at];
    return token?.kind === "operator" ? token.text : undefined;
  }

  #take(operator: string): boolean {
    if (this.#operator() !== operator) return false;
    this.#at++;
    return true;
  }

  #expect(word: string): void {
    while (word !== ";" && this.#take("\n")) continue;
    if (this.reserved() !== word) throw new NotUnderstood(`no "${word}"`);
    this.#at++;
  }

  #andOr(): Node {
    let left = this.#pipeline();
    for (;;) {
      const kind = this.#take("&&") ? "and" : this.#take("||") ? "or" : undefined;
      if (kind === undefined) return left;
      while (this.#take("\n")) continue;
      left = { kind, left, right: this.#pipeline() };
    }
  }

  #pipeline(): Node {
    const negated = this.reserved() === "!";
    if (negated) this.#at++;
    const stages = [this.#command()];
    while (this.#take("|")) stages.push(this.#command());
    return stages.length === 1 && !negated ? stages[0]! : { kind: "pipeline", stages, negated };
  }

  #command(): Node {
    switch (this.reserved()) {
      case "if":
        return this.#if();
      case "for":
        return this.#for();
      case "while":
      case "until":
        return this.#while();
      case "{": {
        this.#at++;
        const node = this.list(["}"]);
        this.#expect("}");
        return node;
      }
    }
    const words: Word[] = [];
    for (let token = this.tokens[this.#at]; token?.kind === "word"; token = this.tokens[++this.#at]) {
      words.push(token.pieces);
    }
    if (words.length === 0) throw new NotUnderstood("parentheses, or nothing where a command belongs");
    if (this.#operator() === "(") return this.#function(words);
    return { kind: "simple", words };
  }

  /** `name() { … }` */
  #function(words: readonly Word[]): Node {
    const [piece, ...others] = words.length === 1 ? words[0]! : [];
    const name = words[0]?.map((one) => one.kind === "text" ? one.text : " ").join("") ?? "";
    if (!/^\w+$/.test(name) || piece === undefined || others.some(({ kind }) => kind !== "text")) {
      throw new NotUnderstood("parentheses");
    }
    this.#at++;
    if (!this.#take(")")) throw new NotUnderstood("parentheses");
    while (this.#take("\n")) continue;
    if (this.reserved() !== "{") throw new NotUnderstood("a function without braces");
    return { kind: "function", name, body: this.#command() };
  }

  #if(): Node {
    const branches: (readonly [Node, Node])[] = [];
    do {
      this.#at++;
      const test = this.list(["then"]);
      this.#expect("then");
      branches.push([test, this.list(["elif", "else", "fi"])]);
    } while (this.reserved() === "elif");
    const otherwise = this.reserved() === "else" ? (this.#at++, this.list(["fi"])) : null;
    this.#expect("fi");
    return { kind: "if", branches, otherwise };
  }

  #for(): Node {
    this.#at++;
    const [first, arithmetic] = this.#word();
    if (arithmetic?.kind === "arithmetic" && first?.kind === "text" && first.text === "((") {
      const [begin = "", test = "", step = "", ...more] = arithmetic.source.split(";");
      if (more.length > 0) throw new NotUnderstood("a loop of more than three parts");
      return { kind: "count", parts: [begin, test, step], body: this.#loopBody() };
    }
    this.#at--;
    const name = this.reserved() ?? "";
    this.#at++;
    this.#expect("in");
    const words: Word[] = [];
    while (this.tokens[this.#at]?.kind === "word") words.push(this.#word());
    return { kind: "for", name, words, body: this.#loopBody() };
  }

  #while(): Node {
    const until = this.reserved() === "until";
    this.#at++;
    const test = this.list(["do"]);
    return { kind: "while", until, test, body: this.#loopBody() };
  }

  #loopBody(): Node {
    while (this.#take(";") || this.#take("\n")) continue;
    this.#expect("do");
    const body = this.list(["done"]);
    this.#expect("done");
    return body;
  }

  #word(): Word {
    const token = this.tokens[this.#at++];
    if (token?.kind !== "word") throw new NotUnderstood("no word where one belongs");
    return token.pieces;
  }
}
