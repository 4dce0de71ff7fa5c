/**
 * The host's nft(8), which speaks JSON: a transaction in, a listing out. No shell, and never without a limit.
 */
import type { Family } from "./objects.ts";
import type { Json } from "./statements.ts";

/** Where distributions put it; nobody's PATH is trusted. */
const PLACES = ["/usr/sbin/nft", "/sbin/nft", "/usr/bin/nft", "/usr/local/sbin/nft", "/usr/local/bin/nft"];
const TIMEOUT_MS = 30_000;

/** What nft refused, in its own words. */
export class NftError extends Error {
  override readonly name = "NftError";
}

export interface Nft {
  /** All of the commands or, when it throws, none. */
  run(commands: readonly Json[]): Promise<void>;
  /** Why the kernel would not take these commands, of which nothing is done; null when it would. */
  check(commands: readonly Json[]): Promise<string | null>;
  /** The objects that `list` and these words show, without the elements of sets. Null: no such table. */
  list(...words: readonly string[]): Promise<readonly Json[] | null>;
  /** All that is in a table; nothing where there is none. */
  listElements(family: Family, table: string): Promise<readonly Json[]>;
}

/** The path of the program; null when it is not installed. */
export function findNft(): string | null {
  return PLACES.find(isFile) ?? null;
}

export function hostNft(program: string): Nft {
  return {
    async run(commands): Promise<void> {
      const { success, errors } = await execute(
        program,
        ["-j", "-f", "-"],
        JSON.stringify({ nftables: commands }),
      );
      if (!success) throw new NftError(errors);
    },
    async check(commands): Promise<string | null> {
      const input = JSON.stringify({ nftables: commands });
      const { success, errors } = await execute(program, ["-c", "-j", "-f", "-"], input);
      return success ? null : errors;
    },
    list: (...words) => list(program, ["-j", "-t", "list", ...words]),
    listElements: async (family, table) => await list(program, ["-j", "list", "table", family, table]) ?? [],
  };
}

async function list(program: string, args: readonly string[]): Promise<readonly Json[] | null> {
  const { success, output, errors } = await execute(program, args, "");
  if (success) return (JSON.parse(output) as { nftables: readonly Json[] }).nftables;
  if (/No such file or directory/.test(errors)) return null;
  throw new NftError(errors);
}

async function execute(
  program: string,
  args: readonly string[],
  input: string,
): Promise<{ success: boolean; output: string; errors: string }> {
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { LANG: "C.UTF-8" },
    cwd: "/",
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  try {
    const [{ success, signal, stdout, stderr }] = await Promise.all([
      child.output(),
      write(child.stdin, input),
    ]);
    const said = new TextDecoder().decode(stderr).split("\n").map((line) => line.trim()).filter((line) =>
      line !== ""
    );
    const errors = signal === null ? explain(said) : `nft was ended by ${signal}`;
    return { success, output: new TextDecoder().decode(stdout), errors };
  } finally {
    clearTimeout(timer);
  }
}

/** A program that ends without reading all is not ours to report: its status says more. */
async function write(stdin: WritableStream<Uint8Array>, input: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** `internal:0:0-0: Error: Could not process rule: No such file or directory`: what comes after the place. */
function explain(lines: readonly string[]): string {
  const [first = "nft failed and did not say why"] = lines.map((line) =>
    line.replace(/^internal:\S+ Error: /, "")
  );
  return first;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
