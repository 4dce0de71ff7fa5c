/** Words and operators of a shell script, as far as check scripts use them; see shell.ts. */

/** Out of what this part of the shell language covers: the script is left as it is. */
export class NotUnderstood extends Error {}

/** A piece of a word: text as it is, a variable, a command whose output it is, or arithmetic. */
export type Piece =
  | { readonly kind: "text"; readonly text: string; readonly quoted: boolean }
  | { readonly kind: "variable"; readonly name: string; readonly quoted: boolean }
  | { readonly kind: "command"; readonly source: string; readonly quoted: boolean }
  | { readonly kind: "arithmetic"; readonly source: string };

export type Token =
  | { readonly kind: "word"; readonly pieces: readonly Piece[] }
  | { readonly kind: "operator"; readonly text: string };

const OPERATORS = ["&&", "||", ";;", "|", ";", "&", "\n", "(", ")"];
const REDIRECTION = /^(?:\d*>&\d+|&>>?|\d*>>|\d*<>|\d*>|\d*<)/;

/** Splits a script; comments go, redirections are kept as words that begin with a redirection sign. */
export function shellTokens(script: string): Token[] {
  const reader = new Reader(script.replace(/\r/g, "").replace(/\\\n/g, " "));
  const tokens: Token[] = [];
  for (let token = reader.next(); token !== undefined; token = reader.next()) tokens.push(token);
  return tokens;
}

class Reader {
  #at = 0;

  constructor(readonly text: string) {}

  next(): Token | undefined {
    while (/[ \t]/.test(this.#peek())) this.#at++;
    if (this.#peek() === "#") { while (!["", "\n"].includes(this.#peek())) this.#at++; }
    if (this.#peek() === "") return undefined;
    const rest = this.text.slice(this.#at);
    if (rest.startsWith("<<") || rest.startsWith(">(") || rest.startsWith("<(")) {
      throw new NotUnderstood("here-documents and process substitution");
    }
    const [redirection] = REDIRECTION.exec(rest) ?? [];
    if (redirection !== undefined) {
      this.#at += redirection.length;
      while (/[ \t]/.test(this.#peek())) this.#at++;
      return this.#word([{ kind: "text", text: redirection, quoted: false }]);
    }
    if (rest.startsWith("((")) return this.#arithmeticCommand();
    const operator = OPERATORS.find((one) => rest.startsWith(one));
    if (operator === undefined) return this.#word([]);
    this.#at += operator.length;
    return { kind: "operator", text: operator };
  }

  #peek(ahead = 0): string {
    return this.text[this.#at + ahead] ?? "";
  }

  #arithmeticCommand(): Token {
    const source = this.#until("((", "))");
    return {
      kind: "word",
      pieces: [{ kind: "text", text: "((", quoted: false }, { kind: "arithmetic", source }],
    };
  }

  #word(pieces: Piece[]): Token {
    for (;;) {
      const char = this.#peek();
      const operator = OPERATORS.some((one) => this.text.startsWith(one, this.#at));
      if (char === "" || /[ \t]/.test(char) || operator || /[<>]/.test(char)) return { kind: "word", pieces };
      pieces.push(...this.#piece());
    }
  }

  #piece(): Piece[] {
    const char = this.#peek();
    if (char === "'") return [{ kind: "text", text: this.#quoted("'"), quoted: true }];
    if (char === '"') return this.#doubleQuoted();
    if (char === "`" || char === "$") return [this.#expansion(false)];
    if (char === "\\") this.#at++;
    return [{ kind: "text", text: this.text[this.#at++] ?? "", quoted: char === "\\" }];
  }

  #doubleQuoted(): Piece[] {
    const pieces: Piece[] = [{ kind: "text", text: "", quoted: true }];
    this.#at++;
    while (this.#peek() !== '"') {
      const char = this.#peek();
      if (char === "") throw new NotUnderstood("an open quote");
      if (char === "`" || (char === "$" && /[\w?#({@*]/.test(this.#peek(1)))) {
        pieces.push(this.#expansion(true));
      } else {
        if (char === "\\" && /["\\$`]/.test(this.#peek(1))) this.#at++;
        pieces.push({ kind: "text", text: this.text[this.#at++] ?? "", quoted: true });
      }
    }
    this.#at++;
    return pieces;
  }

  #expansion(quoted: boolean): Piece {
    if (this.#peek() === "`") return { kind: "command", source: this.#quoted("`"), quoted };
    if (this.text.startsWith("$((", this.#at)) {
      return { kind: "arithmetic", source: this.#until("$((", "))") };
    }
    if (this.text.startsWith("$(", this.#at)) {
      return { kind: "command", source: this.#until("$(", ")"), quoted };
    }
    const [all, braced, plain] = /^\$(?:\{(\w+|[?#@*])\}|(\w+|[?#@*]))/.exec(this.text.slice(this.#at)) ?? [];
    if (all === undefined) {
      if (this.#peek(1) === "{") throw new NotUnderstood("an expansion with operators");
      this.#at++;
      return { kind: "text", text: "$", quoted };
    }
    this.#at += all.length;
    return { kind: "variable", name: braced ?? plain ?? "", quoted };
  }

  #quoted(mark: string): string {
    const end = this.text.indexOf(mark, this.#at + 1);
    if (end < 0) throw new NotUnderstood("an open quote");
    const inside = this.text.slice(this.#at + 1, end);
    this.#at = end + 1;
    return inside;
  }

  /** What stands between the opening and its closing counterpart, quotes and nested parentheses heeded. */
  #until(open: string, close: string): string {
    const begin = this.#at + open.length;
    let depth = 0;
    let quote = "";
    for (let i = begin; i < this.text.length; i++) {
      const char = this.text[i]!;
      if (quote !== "") quote = char === quote ? "" : quote;
      else if (char === "'" || char === '"') quote = char;
      else if (depth === 0 && this.text.startsWith(close, i)) {
        this.#at = i + close.length;
        return this.text.slice(begin, i);
      } else if (char === "(") depth++;
      else if (char === ")") depth--;
    }
    throw new NotUnderstood("an open parenthesis");
  }
}
