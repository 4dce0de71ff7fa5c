/** `include` of keepalived.conf: its five kinds, and the paths that braces and directories make of one. */

/** What a file that is missing means: nothing, or an error. */
export type IncludeKind = "silent" | "demanded";

export interface Include {
  readonly kind: IncludeKind;
  readonly path: string;
  /** Paths, with wildcards still in them, seen from the file that includes. */
  patterns(includingFile: string): readonly string[];
}

const ALTERNATIVES_MAX = 1_000;

/** Null: the line is no include. */
export function includeOf(text: string): Include | null {
  const match = /^include([rmwba]?)\s+(.*)$/s.exec(text);
  if (match === null) return null;
  const [, mark, path = ""] = match;
  return {
    kind: mark === "" ? "silent" : "demanded",
    path,
    patterns: (including) => alternatives(path).map((one) => relativeTo(including, one)),
  };
}

function relativeTo(file: string, path: string): string {
  const directory = file.includes("/") ? file.slice(0, file.lastIndexOf("/") + 1) : "";
  return path.startsWith("/") ? path : directory + path;
}

/** `a{b,c}d` -> `abd`, `acd`; within one another as well, as far as glob(3) goes. */
function alternatives(pattern: string): string[] {
  let patterns = [pattern];
  for (;;) {
    const next = patterns.flatMap((one) => {
      const match = /\{([^{}]*)\}/.exec(one);
      if (match === null) return [one];
      const [before, after] = [one.slice(0, match.index), one.slice(match.index + match[0].length)];
      return match[1]!.split(",").map((part) => before + part + after);
    });
    if (next.length > ALTERNATIVES_MAX) return [pattern];
    if (next.every((one, i) => one === patterns[i])) return next;
    patterns = next;
  }
}
