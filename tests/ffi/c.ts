/** Asks the C compiler: the values of expressions, as the system's own headers define them. */

/** Values of `expressions`, in order. Needs gcc and linux-libc-dev. */
export async function evaluateC(
  headers: readonly string[],
  expressions: readonly string[],
): Promise<number[]> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-c-" });
  try {
    const source = [
      "#define _GNU_SOURCE",
      ...["stdio.h", "stddef.h", ...headers].map((header) => `#include <${header}>`),
      "int main(void) {",
      ...expressions.map((expression) => `  printf("%lld\\n", (long long)(${expression}));`),
      "  return 0;",
      "}",
    ].join("\n");
    await Deno.writeTextFile(`${directory}/a.c`, source);
    await run("gcc", ["-o", `${directory}/a`, `${directory}/a.c`]);
    return (await run(`${directory}/a`, [])).trim().split("\n").map(Number);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, { args }).output();
  if (!success) throw new Error(`${command} failed:\n${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}
