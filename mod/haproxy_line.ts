/** A line that an operator writes into a section of haproxy.cfg: what it may not be. PURE. */

// deno-lint-ignore no-control-regex -- control characters are what it looks for
const BREAKS = /[\x00-\x08\x0a-\x1f\x7f\u0085\u2028\u2029]/;

/** Whether it holds what ends a line, for haproxy or for whoever reads the file. */
export function breaksLine(text: string): boolean {
  return BREAKS.test(text);
}

/**
 * The words that begin a section: what follows one would be a part of another section than it was given for.
 */
const SECTIONS = new Set([
  ...["global", "defaults", "frontend", "backend", "listen", "peers", "resolvers", "mailers", "program"],
  ...["userlist", "http-errors", "ring", "log-forward", "cache", "fcgi-app", "crt-store", "traces", "acme"],
]);

/** What vipd sets itself, to know its haproxy again and to tell it from others. */
const OURS = new Set(["daemon", "description", "localpeer", "master-worker", "pidfile", "nbproc"]);

/** What speaks against this as one line of a section; null: nothing. */
export function lineProblem(line: string): string | null {
  if (breaksLine(line)) return "expected one line";
  const [first = ""] = line.trim().split(/\s+/);
  if (first === "" || first.startsWith("#")) return null;
  // haproxy knows more than one way to write a letter: none of them here.
  if (!/^[A-Za-z0-9_.-]+$/.test(first)) return `"${first}" is no keyword of haproxy`;
  if (SECTIONS.has(first)) return `"${first}" would begin another section`;
  if (first.startsWith(".")) return `"${first}" would be a directive for the whole file`;
  // A backslash at the end would go on with the next line; one before a blank is a blank.
  return /\\$/.test(line) ? "expected no backslash at the end" : null;
}

/** The same for the section `global`. */
export function globalLineProblem(line: string): string | null {
  const [first = ""] = line.trim().split(/\s+/);
  return lineProblem(line) ?? (OURS.has(first) ? `"${first}" is set by vipd` : null);
}
