/** Programs that are asked something: no shell, a clean environment, an end in any case. */
import { findProgram, searchPath } from "../../../checks/command.ts";

const TIMEOUT_MS = 3_000;
const MAX_BYTES = 32 << 20;

/** What it printed; `problem` when it failed. Null: it is not installed. */
export type Said = { readonly text: string; readonly problem: string | null } | null;

export async function ask(argv: readonly [string, ...string[]]): Promise<Said> {
  const [program, ...args] = argv;
  const path = findProgram(program);
  if (path === undefined) return null;
  let isLate = false;
  let timer: number | undefined;
  try {
    const child = new Deno.Command(path, {
      args,
      clearEnv: true,
      env: { PATH: searchPath, LC_ALL: "C.UTF-8" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    // They only read: nothing is lost, and nothing can be ignored.
    timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, TIMEOUT_MS);
    const { success, stdout, stderr } = await child.output();
    if (isLate) return { text: "", problem: `${argv.join(" ")}: no answer within ${TIMEOUT_MS / 1000} s` };
    const text = new TextDecoder().decode(stdout.subarray(0, MAX_BYTES));
    const words = new TextDecoder().decode(stderr).trim().split("\n")[0] ?? "";
    return { text, problem: success ? null : `${argv.join(" ")}: ${words || "failed"}` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { text: "", problem: `${argv.join(" ")}: ${error.message}` };
  } finally {
    clearTimeout(timer);
  }
}

/** A file's text; null when there is none, or it cannot be read. */
export function readText(path: string): string | null {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return null;
  }
}
