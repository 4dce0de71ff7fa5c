/**
 * `script "…"` and `misc_path "…"`: a check of vipd's own where it is certain what the words, or the script
 * file that they name, look at; otherwise the program as it is.
 */
import { baseName } from "./command_line.ts";
import { type CheckDraft, limitOf, nativeCheck } from "./native_check.ts";
import { meaningOf, type Puzzle } from "./meaning.ts";

export interface Recognised {
  readonly check: CheckDraft;
  /**
   * Its failure stopped keepalived, which gives the addresses up whatever the weight: without a weight, a
   * failing check does the same and comes back by itself.
   */
  readonly stops: boolean;
  /** How long it sleeps before it fails, if that is known. */
  readonly sleepsMs?: number;
  /** What behaves otherwise, in sentences of their own. */
  readonly notes: readonly string[];
}

export interface Refusal {
  readonly refused: string;
}

/** The text of a file, if there is one that can be read. */
type Read = (path: string) => string | undefined;

const SHELLS = ["sh", "bash", "dash", "ash"];
/** What only a shell understands. `</dev/tcp/` is the one thing for which keepalived runs one. */
const SHELLISH = /^(\|\|?|&&?|;|\d?&?>.*|<(?!\/dev\/tcp\/).*)$|;$|\$\(|`/;

/** The words that keepalived executes; `read` looks at script files. */
export function recogniseScript(words: readonly string[], read: Read): Recognised | Refusal {
  const [program = "", ...args] = words;
  if (program === "") return { refused: "no program is given" };
  if (SHELLS.includes(baseName(program))) {
    if (args[0] === "-c" && args.length === 2) return fromShellLine(words, args[1]!);
    return fromFile(words, args, read);
  }
  const limit = baseName(program) === "timeout" ? limitOf(args) : undefined;
  if (limit !== undefined) {
    const inner = recogniseScript(limit.command, read);
    if ("refused" in inner) return inner;
    if (inner.check["type"] !== "exec") {
      return { ...inner, check: { ...inner.check, timeout: limit.timeout } };
    }
  }
  const shellish = words.find((word) => SHELLISH.test(word));
  if (shellish !== undefined) return fromIntent(words, shellish, read);
  const recognised = nativeCheck(words);
  if (recognised !== undefined) return { check: recognised.check, stops: false, notes: recognised.notes };
  return fromFile(words, words, read);
}

/** `sh -c "…"`: here a shell does read it. */
function fromShellLine(words: readonly string[], line: string): Recognised | Refusal {
  const meaning = meaningOf(line);
  if ("why" in meaning) return unlessItStops(words, words.join(" "), meaning);
  return { check: meaning.check, stops: meaning.stops !== null, notes: meaning.notes };
}

/** No shell ever read it: what its author thought that it does. */
function fromIntent(words: readonly string[], shellish: string, read: Read): Recognised | Refusal {
  const truth = `keepalived runs no shell: ${JSON.stringify(shellish)} was an argument of ${words[0]}`;
  const plain = withoutOrnament(words);
  if (plain.length < words.length) {
    const inner = recogniseScript(plain, read);
    return "refused" in inner ? inner : { ...inner, notes: [`${truth}; it is left out`, ...inner.notes] };
  }
  const text = words.map((word) => /\s/.test(word) ? `'${word}'` : word).join(" ");
  const meaning = meaningOf(text);
  if ("why" in meaning) {
    return {
      refused: `${truth}, so it never did what it says; what it means is not certain (${meaning.why}): ` +
        `write it into a script file, or say ["/bin/sh", "-c", "…"] in an exec check`,
    };
  }
  return {
    check: meaning.check,
    stops: meaning.stops !== null,
    notes: [`${truth}, so it never did what it says; the check does`, ...meaning.notes],
  };
}

/** Without output that goes nowhere, and without `|| exit 1` at the end: neither changes the exit status. */
function withoutOrnament(words: readonly string[]): string[] {
  const ends = words.length >= 4 && /^\|\| exit [1-9]\d*;?$/.test(words.slice(-3).join(" "));
  const kept = ends ? words.slice(0, -3) : words;
  const isSink = (i: number): boolean =>
    /^(\d?>{1,2}|&>)$/.test(kept[i] ?? "") && kept[i + 1] === "/dev/null";
  return kept.filter((word, i) =>
    !/^(\d?>{1,2}|&>)(\/dev\/null|&\d)$/.test(word) && !isSink(i) && !isSink(i - 1)
  );
}

/** A script file of a form that is known; another one is run as it is. */
function fromFile(
  words: readonly string[],
  [path = "", ...args]: readonly string[],
  read: Read,
): Recognised | Refusal {
  const source = path.startsWith("/") ? read(path) : undefined;
  if (source === undefined && /^\/.*\.sh$/.test(path)) {
    const note = `${path} cannot be read here, so nobody knows what it looks at`;
    return asItIs(words, note);
  }
  if (source === undefined || !isShellScript(source)) {
    return asItIs(words);
  }
  const meaning = meaningOf(source);
  if ("why" in meaning) return unlessItStops(words, path, meaning);
  if (args.length > 0) return unlessItStops(words, path, { why: "it has arguments", stops: "no" });
  const { check, stops, notes } = meaning;
  const without = stops === null ? [] : [
    `${path} stopped keepalived (${
      stops.join(" ")
    }), and somebody had to start it again: the failing check ` +
    "gives the addresses up, and takes them back when it passes",
  ];
  return {
    check,
    stops: stops !== null,
    sleepsMs: meaning.sleepsMs,
    notes: [`the check does what ${path} does, without running it`, ...without, ...notes],
  };
}

/** What is not understood runs as before, unless it would stop a daemon that is not there and then pass. */
function unlessItStops(words: readonly string[], path: string, { why, stops }: Puzzle): Recognised | Refusal {
  if (stops === "and may pass") {
    return {
      refused:
        `${path} stops keepalived, which is not running any more, and may end with 0 after that: let it ` +
        `end with 1 there, which gives the addresses up (${why})`,
    };
  }
  const note =
    `${path} stops keepalived before it fails: leave that out of it, its failure gives the addresses up`;
  return {
    check: program(words),
    stops: stops === "and fails",
    notes: [`${path} is run as it is: ${why}`, ...(stops === "and fails" ? [note] : [])],
  };
}

/** The program that it was. */
export function asItIs(words: readonly string[], ...notes: string[]): Recognised {
  return { check: program(words), stops: false, notes };
}

function program(words: readonly string[]): CheckDraft {
  return { type: "exec", command: [...words] };
}

/** Text, and of a shell: without a first line that says so, keepalived's execve(2) would have refused it. */
function isShellScript(source: string): boolean {
  return /^#!.*\b(ba|da|a)?sh\b/.test(source) && !source.includes("\0");
}
