/**
 * What a subcommand may touch of the outside: lines out, lines of error, the environment, files. Tests pass a
 * fake.
 */

/** The surroundings of one subcommand; `main.ts` passes `systemIo()`. */
export interface Io {
  /** Writes one line to standard output. */
  out(line: string): void;
  /** Writes one line to standard error. */
  err(line: string): void;
  /** Whether standard output is a terminal: progress, cursor movement and colour only then. */
  readonly isTerminal: boolean;
  /** An environment variable; undefined when it is not set. */
  env(name: string): string | undefined;
  /** The whole text of a file; rejects with Deno's own errors (`Deno.errors.NotFound`, ...). */
  readTextFile(path: string): Promise<string>;
}

/** The real surroundings: stdout, stderr, environment and files of this process. */
export function systemIo(): Io {
  const encoder = new TextEncoder();
  return {
    out: (line) => writeAll(Deno.stdout, encoder.encode(line + "\n")),
    err: (line) => writeAll(Deno.stderr, encoder.encode(line + "\n")),
    isTerminal: Deno.stdout.isTerminal(),
    env: (name) => Deno.env.get(name),
    readTextFile: (path) => Deno.readTextFile(path),
  };
}

/** A serial line and many a pseudo terminal know no size and say 0: then it is that of a VT100. */
export function terminalSize(): { readonly columns: number; readonly rows: number } {
  const { columns, rows } = Deno.consoleSize();
  return { columns: columns || 80, rows: rows || 24 };
}

/** Where lines are to be wrapped. */
export function widthOf({ isTerminal }: Pick<Io, "isTerminal">): number {
  return isTerminal ? terminalSize().columns : Infinity;
}

/** Whether to colour: only on a terminal, and never when NO_COLOR is set to anything (no-color.org). */
export function useColor(io: Pick<Io, "isTerminal" | "env">): boolean {
  return io.isTerminal && (io.env("NO_COLOR") ?? "") === "" && io.env("TERM") !== "dumb";
}

/**
 * A short write is legal on a pipe; the rest is written in turn. A closed pipe ends the process's output
 * quietly.
 */
function writeAll(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  let rest = bytes;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(stream.writeSync(rest));
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) return;
      throw error;
    }
  }
}
