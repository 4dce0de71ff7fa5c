/** Runs a short command of the host and returns what it printed, or throws with what it complained about. */

export interface RunOptions {
  /** Text for its standard input. */
  readonly stdin?: string;
  /** Do not throw when it fails. */
  readonly mayFail?: boolean;
}

/** Standard output of `argv`; an `Error` naming the command, its exit code and its stderr when it fails. */
export async function run(
  argv: readonly string[],
  { stdin, mayFail = false }: RunOptions = {},
): Promise<string> {
  const [program = "", ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(stdin));
    await writer.close();
  }
  const { success, code, stdout, stderr } = await child.output();
  if (!success && !mayFail) {
    throw new Error(
      `Cannot run "${argv.join(" ")}": exit ${code}: ${new TextDecoder().decode(stderr).trim()}`,
    );
  }
  return new TextDecoder().decode(stdout);
}
