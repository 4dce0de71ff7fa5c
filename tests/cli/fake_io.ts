/** An Io that remembers what was printed. */
import type { Io } from "../../mod/cli/io.ts";

export interface FakeIo extends Io {
  readonly stdout: string[];
  readonly stderr: string[];
}

/** `files` by path; everything else is not found. */
export function fakeIo(files: Readonly<Record<string, string>> = {}, isTerminal = false): FakeIo {
  const stdout: string[] = [];
  const stderr: string[] = [];
  return {
    stdout,
    stderr,
    isTerminal,
    out: (line) => void stdout.push(line),
    err: (line) => void stderr.push(line),
    env: () => undefined,
    readTextFile: (path) => {
      const text = files[path];
      return text === undefined ? Promise.reject(new Deno.errors.NotFound(path)) : Promise.resolve(text);
    },
  };
}
