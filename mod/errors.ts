/** The errors that vipd raises on purpose, each with the exit code that the command line gives it. */

/** One thing wrong in operator input: where it stands, what was expected there and what was found. */
export interface Problem {
  readonly file: string;
  /** 1-based; 0 when the problem belongs to no line (a missing file). */
  readonly line: number;
  readonly column: number;
  /** Dotted path of the value, such as `virtual_router.VI_1.priority`; empty for the document. */
  readonly path: string;
  readonly message: string;
}

/** A problem of the file as a whole. */
export function documentProblem(file: string, message: string): Problem {
  return { file, line: 0, column: 0, path: "", message };
}

/** `vipd.toml:14:12: virtual_router.VI_1.priority: expected 1..254, got 300` */
export function formatProblem({ file, line, column, path, message }: Problem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file;
  return path === "" ? `${place}: ${message}` : `${place}: ${path}: ${message}`;
}

/** The configuration cannot be used; holds every problem at once. Exit code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
  }
}

/** The command line cannot be understood. Exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The daemon cannot start although its configuration is good: an address is taken, a right is missing. Exit
 * code 1.
 */
export class StartError extends Error {
  override readonly name = "StartError";
}
