/**
 * Plays a check script in a made-up world, in which its probes pass or fail as asked, and tells what it would
 * have done. Nothing is run.
 */
import { baseName, seconds } from "./command_line.ts";
import { alive, type CheckDraft, nativeCheck } from "./native_check.ts";
import { type Node, parseShell, type Word } from "./shell.ts";
import { arithmetic, filter, grepPattern, known, type Result, testStatus } from "./shell_builtins.ts";
import { pidCheck, printed, starts, stopsKeepalived } from "./shell_programs.ts";
import { NotUnderstood } from "./shell_tokens.ts";

export interface World {
  /** Whether the n-th probe passes, counted from 0. */
  passes(probe: number): boolean;
  /** What a web server answers where a probe passes. */
  readonly status: number;
}

export type Deed =
  | { readonly kind: "probe"; readonly check: CheckDraft }
  | { readonly kind: "sleep"; readonly seconds: number }
  | { readonly kind: "start"; readonly argv: readonly string[] }
  | { readonly kind: "stop"; readonly argv: readonly string[] };

export interface Trace {
  readonly exit: number;
  readonly deeds: readonly Deed[];
  readonly notes: ReadonlySet<string>;
}

/** More than any check script takes; a loop without an end is one that waits for something. */
const STEPS_MAX = 2000;
/** Of what is called within each other, and of the text of one word. */
const DEPTH_MAX = 100;
const TEXT_MAX = 10_000;

/** Throws {@link NotUnderstood} at the first thing whose effect is not known for certain. */
export function play(script: Node, world: World): Trace {
  return new Play(world).run(script);
}

class Exit {
  constructor(readonly status: number) {}
}

class Return extends Exit {}

class Jump {
  constructor(readonly kind: "break" | "continue") {}
}

class Play {
  readonly #deeds: Deed[] = [];
  readonly #notes = new Set<string>();
  readonly #variables = new Map<string, string>();
  readonly #functions = new Map<string, Node>();
  /** Of the function that is running: what it was called with. */
  #arguments: readonly string[] | undefined;
  /** `$?` */
  #status = 0;
  /** Of the last `$(…)`: the status of an assignment. */
  #substituted = 0;
  #steps = 0;
  #probes = 0;
  #depth = 0;

  constructor(readonly world: World) {}

  run(script: Node): Trace {
    let exit: number;
    try {
      exit = this.#node(script, "").status;
    } catch (thrown) {
      if (!(thrown instanceof Exit)) throw thrown;
      exit = thrown.status;
    }
    return { exit, deeds: this.#deeds, notes: this.#notes };
  }

  #node(node: Node, input: string): Result {
    this.#tick();
    if (++this.#depth > DEPTH_MAX) throw new NotUnderstood("something that calls itself");
    try {
      const result = this.#evaluate(node, input);
      this.#status = result.status;
      return result;
    } finally {
      this.#depth--;
    }
  }

  #evaluate(node: Node, input: string): Result {
    switch (node.kind) {
      case "list":
        return this.#sequence(node.nodes);
      case "and":
      case "or": {
        const left = this.#node(node.left, input);
        if ((left.status === 0) !== (node.kind === "and")) return left;
        const right = this.#node(node.right, input);
        return { status: right.status, output: left.output + right.output };
      }
      case "pipeline":
        return this.#pipeline(node);
      case "if":
        for (const [test, body] of node.branches) {
          if (this.#node(test, "").status === 0) return this.#node(body, "");
        }
        return node.otherwise === null ? { status: 0, output: "" } : this.#node(node.otherwise, "");
      case "for":
      case "count":
      case "while":
        return this.#loop(node);
      case "function":
        this.#functions.set(node.name, node.body);
        return { status: 0, output: "" };
      case "simple":
        return this.#simple(node.words, input);
    }
  }

  #sequence(nodes: readonly Node[]): Result {
    let [status, output] = [0, ""];
    for (const node of nodes) {
      const result = this.#node(node, "");
      status = result.status;
      output += result.output;
    }
    return { status, output };
  }

  #loop(node: Node & { readonly kind: "for" | "count" | "while" }): Result {
    let output = "";
    const turn = (): boolean => {
      try {
        output += this.#node(node.body, "").output;
        return true;
      } catch (thrown) {
        if (thrown instanceof Jump) return thrown.kind === "continue";
        throw thrown;
      }
    };
    if (node.kind === "for") {
      for (const value of node.words.flatMap((word) => this.#expand(word))) {
        this.#variables.set(node.name, value);
        if (!turn()) break;
      }
    } else if (node.kind === "count") {
      const [begin, test, step] = node.parts;
      arithmetic(begin, this.#variables);
      while (arithmetic(test, this.#variables) !== 0 && this.#tick() && turn()) {
        arithmetic(step, this.#variables);
      }
    } else {
      while ((this.#node(node.test, "").status === 0) !== node.until && this.#tick() && turn()) continue;
    }
    return { status: this.#status, output };
  }

  #tick(): boolean {
    if (++this.#steps > STEPS_MAX) throw new NotUnderstood("a loop that does not end");
    return true;
  }

  #pipeline({ stages, negated }: Node & { readonly kind: "pipeline" }): Result {
    const [first, second] = stages;
    const listing = first === undefined ? undefined : this.#listing(first, second);
    let result = listing ?? this.#node(first!, "");
    for (const stage of stages.slice(1)) result = this.#node(stage, result.output);
    return { ...result, status: negated ? Number(result.status === 0) : result.status };
  }

  /** `ps -ef | grep nginx`, `ss -ltn | grep :80`: what is looked for stands in the next stage. */
  #listing(first: Node, second: Node | undefined): Result | undefined {
    const argv = first.kind === "simple" ? this.#argv(first.words).argv : [];
    const [grep, ...args] = second?.kind === "simple" ? this.#argv(second.words).argv : [];
    if (!["grep", "egrep", "fgrep"].includes(grep ?? "") || first.kind !== "simple") return undefined;
    const program = baseName(argv[0] ?? "");
    const { pattern, negated } = grepPattern(args);
    const name = pattern.replace(/\[(.)\]/g, "$1");
    if (program === "ps" && !argv.includes("-C") && !negated && /^[\w.-]+$/.test(name)) {
      const lines = this.#probe(alive(name).check) ? `root 4711 1 0 10:00 ? 00:00:00 ${name}\n` : "";
      return { status: 0, output: `${lines}root 4712 1 0 10:00 ? 00:00:00 grep ${pattern}\n` };
    }
    const [, port] = /^:?(\d+)\s*$/.exec(name) ?? [];
    if ((program === "ss" || program === "netstat") && !negated && port !== undefined) {
      const passed = this.#probe({ type: "tcp", address: `127.0.0.1:${port}` });
      this.#notes.add(`the port is connected to, at 127.0.0.1:${port}, in place of looking for it in a list`);
      return { status: 0, output: passed ? `tcp LISTEN 0 0 0.0.0.0:${port} 0.0.0.0:* \n` : "" };
    }
    return undefined;
  }

  /** Words expanded, redirections apart, assignments left in. */
  #argv(words: readonly Word[]): { argv: string[]; redirections: string[] } {
    // Between [[ and ]] a variable without a value is an empty word, elsewhere it is none.
    const [first] = words[0] ?? [];
    const isTest = first?.kind === "text" &&
      words[0]!.map((one) => one.kind === "text" ? one.text : " ").join("") === "[[";
    const texts = (word: Word): string[] => {
      const expanded = this.#expand(word);
      return isTest && expanded.length !== 1 ? [expanded.join(" ")] : expanded;
    };
    const expanded = words.map((word) => ({ word, texts: texts(word) }));
    const isRedirection = ({ word, texts }: (typeof expanded)[number]): boolean =>
      word[0]?.kind === "text" && !word[0].quoted && /^(&>|\d*[<>])/.test(texts[0] ?? "");
    return {
      argv: expanded.filter((one) => !isRedirection(one)).flatMap(({ texts }) => texts),
      redirections: expanded.filter(isRedirection).flatMap(({ texts }) => texts),
    };
  }

  #simple(words: readonly Word[], input: string): Result {
    if (words[0]?.[1]?.kind === "arithmetic" && words.length === 1) {
      const { source } = words[0][1];
      return { status: Number(arithmetic(source, this.#variables) === 0), output: "" };
    }
    this.#substituted = 0;
    const { argv, redirections } = this.#argv(words);
    const tcp = redirections.map((text) => /^\d*[<>]+\/dev\/tcp\/(.+)$/.exec(text)?.[1]).find((one) => one);
    if (tcp !== undefined) return this.#answer(nativeCheck([`</dev/tcp/${tcp}`])?.check);
    const names = argv.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
    const assignments = names < 0 ? argv : argv.slice(0, names);
    for (const text of assignments) {
      this.#variables.set(text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1));
    }
    const command = argv.slice(assignments.length);
    if (command.length === 0) return { status: this.#substituted, output: "" };
    const result = this.#call(command) ?? this.#builtin(command) ?? filter(command, input) ??
      this.#program(command);
    const silent = redirections.some((text) => /^(&>|1?>)/.test(text) && !/^1?>&/.test(text));
    return silent ? { ...result, output: "" } : result;
  }

  /** A function of the script's own. */
  #call([name = "", ...args]: readonly string[]): Result | undefined {
    const body = this.#functions.get(name);
    if (body === undefined) return undefined;
    const before = this.#arguments;
    this.#arguments = args;
    try {
      return this.#node(body, "");
    } catch (thrown) {
      if (thrown instanceof Return) return { status: thrown.status, output: "" };
      throw thrown;
    } finally {
      this.#arguments = before;
    }
  }

  #builtin([program = "", ...args]: readonly string[]): Result | undefined {
    const done = (status = 0, output = ""): Result => ({ status, output });
    switch (baseName(program)) {
      case "exit":
      case "return": {
        const status = args[0] === undefined ? this.#status : Number(known(args[0])) & 255;
        throw program === "exit" ? new Exit(status) : new Return(status);
      }
      case "break":
      case "continue":
        if (args.length > 0) throw new NotUnderstood("a jump out of several loops");
        throw new Jump(program as "break" | "continue");
      case "true":
      case ":":
      case "export":
      case "set":
      case "date":
      case "logger":
        return done();
      case "false":
        return done(1);
      case "echo":
      case "printf":
        return done(0, `${args.filter((arg) => !/^-[ne]$/.test(arg)).join(" ")}\n`);
      case "sleep":
        this.#deeds.push({ kind: "sleep", seconds: Number(/^[\d.]+/.exec(seconds(args[0]) ?? "0")?.[0]) });
        return done();
      case "let":
        return done(Number(arithmetic(args.join(" "), this.#variables) === 0));
      case "expr":
        return done(0, `${arithmetic(args.map(known).join(" "), this.#variables)}\n`);
      case "seq": {
        const [first, end] = args.length === 1 ? ["1", args[0]] : args;
        const count = Math.min(Number(end) - Number(first) + 1, STEPS_MAX);
        if (args.length > 2 || !(count >= 0)) throw new NotUnderstood("seq of three numbers");
        return done(0, Array.from({ length: count }, (_, i) => `${Number(first) + i}\n`).join(""));
      }
      case "test":
        return this.#test(args);
      case "[":
      case "[[":
        if (![`]`, `]]`].includes(args.at(-1) ?? "")) throw new NotUnderstood("a test of several parts");
        return this.#test(args.slice(0, -1));
    }
    return undefined;
  }

  #test(words: readonly string[]): Result {
    const file = nativeCheck(["test", ...words]);
    return file === undefined ? { status: testStatus(words), output: "" } : this.#answer(file.check);
  }

  #program(argv: readonly string[]): Result {
    const [program = "", ...args] = argv.map((word, i) => i === 0 ? baseName(word) : word);
    const done: Result = { status: 0, output: "" };
    if (stopsKeepalived(program, args, argv[0] ?? "")) {
      this.#deeds.push({ kind: "stop", argv });
      return done;
    }
    if (program === "cat" && /\.pid$/.test(args[0] ?? "")) return { status: 0, output: `pid:${args[0]}\n` };
    if (program === "kill" && (args[0] === "-0" || args.slice(0, 2).join(" ") === "-s 0")) {
      return this.#answer(pidCheck(args.at(-1) ?? ""));
    }
    if (program === "ps" && args.includes("-C")) {
      const name = args[args.indexOf("-C") + 1] ?? "";
      const { status, output } = this.#answer(alive(name).check, `4711 ? 00:00:00 ${name}\n`);
      const header = args.some((arg) => /^(--no-?head(er|ing|ers)?|h|-h)$/.test(arg))
        ? ""
        : "PID TTY TIME CMD\n";
      return { status, output: header + output };
    }
    if ((program === "sh" || program === "bash") && args[0] === "-c" && args.length === 2) {
      return this.#node(parseShell(args[1] ?? ""), "");
    }
    const recognised = nativeCheck(argv);
    if (recognised?.outcome === "native") {
      for (const note of recognised.notes) this.#notes.add(note);
      return this.#answer(recognised.check, printed(program, args, this.world.status));
    }
    if (!starts(program, args, argv[0] ?? "", this.#deeds)) throw new NotUnderstood(`"${argv.join(" ")}"`);
    this.#deeds.push({ kind: "start", argv });
    return done;
  }

  /** The end of a probe; `output` is what it prints where it passes. */
  #answer(check: CheckDraft | undefined, output = ""): Result {
    if (check === undefined) throw new NotUnderstood("a probe");
    const passed = this.#probe(check);
    if (check["type"] !== "http") return { status: passed ? 0 : 1, output: passed ? output : "" };
    const strict = check["expect"] === undefined && this.world.status >= 400;
    const code = passed ? String(this.world.status) : "000";
    return { status: !passed ? 7 : strict ? 22 : 0, output: output.replace("{code}", code) };
  }

  #probe(check: CheckDraft): boolean {
    this.#deeds.push({ kind: "probe", check });
    return this.world.passes(this.#probes++);
  }

  /** One word as the program gets it: none or several where it was not quoted. */
  #expand(word: Word): string[] {
    let text = "";
    let quoted = false;
    let splits = false;
    for (const piece of word) {
      if (piece.kind === "text") text += piece.text;
      else if (piece.kind === "arithmetic") text += String(arithmetic(piece.source, this.#variables));
      else if (piece.kind === "variable") text += this.#variable(piece.name);
      else text += this.#substitute(piece.source);
      if (text.length > TEXT_MAX) throw new NotUnderstood("a text without end");
      quoted ||= "quoted" in piece && piece.quoted;
      splits ||= piece.kind !== "text" && !quoted;
    }
    if (!splits || /^[A-Za-z_]\w*=/.test(text)) return text === "" && !quoted ? [] : [text];
    return text.split(/\s+/).filter((part) => part !== "");
  }

  #substitute(source: string): string {
    const before = this.#status;
    const { status, output } = this.#node(parseShell(source), "");
    this.#status = before;
    this.#substituted = status;
    return output.replace(/\n+$/, "");
  }

  #variable(name: string): string {
    if (name === "?") return String(this.#status);
    if (/^[\d@*#]/.test(name) && this.#arguments === undefined) throw new NotUnderstood("its arguments");
    if (name === "@" || name === "*") return this.#arguments!.join(" ");
    if (name === "#") return String(this.#arguments!.length);
    if (/^\d/.test(name)) return this.#arguments![Number(name) - 1] ?? "";
    return this.#variables.get(name) ?? "";
  }
}
