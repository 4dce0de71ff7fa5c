/** What an examination finds: how bad it is, what shows it, and what to do about it. PURE. */

/**
 * problem: it does not work, or will not when it is needed; warning: it works until something else happens;
 * note: worth knowing, and may be as it should be.
 */
export const SEVERITIES = ["problem", "warning", "note"] as const;
export type Severity = typeof SEVERITIES[number];

export interface Finding {
  readonly severity: Severity;
  /** `VI_1`, `eth0`, a file, `this host`. */
  readonly about: string;
  /** One sentence. */
  readonly message: string;
  /** What was seen, line by line. */
  readonly evidence: readonly string[];
  /** Commands to copy; a line that begins with `#` explains. */
  readonly fix: readonly string[];
}

/** An examination of one subject, over facts that others have gathered. */
export interface Examination<Facts> {
  readonly name: string;
  readonly looksAt: string;
  readonly judge: (facts: Facts) => readonly Finding[];
}

export function problem(
  about: string,
  message: string,
  evidence: readonly string[] = [],
  fix: readonly string[] = [],
): Finding {
  return { severity: "problem", about, message, evidence, fix };
}

export function warning(...[about, message, evidence = [], fix = []]: Parameters<typeof problem>): Finding {
  return { severity: "warning", about, message, evidence, fix };
}

export function note(...[about, message, evidence = [], fix = []]: Parameters<typeof problem>): Finding {
  return { severity: "note", about, message, evidence, fix };
}
