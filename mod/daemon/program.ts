/** The program that this process runs, and a look at the one that is to take its place. */
import { inspectCommand } from "../../checks/command.ts";

/** Longer than a start on a host that is very busy. */
const TIMEOUT_MS = 10_000;
/** Of what a program that refuses has said. */
const MAX_WORDS = 2_000;
/** A supervisor's variables: a program that is only asked something must not speak for the service. */
const NOT_INHERITED = /^(NOTIFY_SOCKET|WATCHDOG_)/;

export interface Program {
  /** Absolute. */
  readonly path: string;
  readonly version: string;
}

/** The path by which this process was started, where a newer program may stand by now; asked at the start. */
export function ownPath(): string {
  const running = Deno.execPath();
  const [called = ""] = commandLine();
  const candidates = called.includes("/")
    ? [called.startsWith("/") ? called : `${Deno.cwd()}/${called}`]
    : (Deno.env.get("PATH") ?? "").split(":").map((directory) => `${directory}/${called}`);
  // By the name that was used, as that may be a link which is set to another version later.
  return candidates.find((path) => realPath(path) === running) ?? running;
}

/** The arguments after the program's name. */
export function ownArguments(): string[] {
  return commandLine().slice(1);
}

/**
 * Whether the program at `path` can take over with this configuration: it must run and accept the file. The
 * answer is the program, or a sentence that says what is wrong. Changes nothing.
 */
export async function examine(path: string, configFile: string): Promise<Program | string> {
  if (!Deno.build.standalone) {
    return "only the compiled vipd can be upgraded in place, not one run from source";
  }
  const answer = await ask(path, ["version", "--json"]);
  if (typeof answer === "string") return answer;
  const version = versionIn(answer.output);
  if (answer.code !== 0 || version === null) {
    return `${path} is no vipd: ${answer.output || "it says nothing"}`;
  }
  const verdict = await ask(path, ["validate", configFile]);
  if (typeof verdict === "string") return verdict;
  if (verdict.code === 0) return { path, version };
  return `vipd ${version} does not accept ${configFile}: ${verdict.output}`;
}

/** What speaks against running a program that somebody names over the API; null when nothing does. */
export function objection(path: string): string | null {
  return inspectCommand({ argv: [path] }) ?? null;
}

interface Answer {
  readonly code: number;
  readonly output: string;
}

async function ask(path: string, args: readonly string[]): Promise<Answer | string> {
  const env = Object.fromEntries(
    Object.entries(Deno.env.toObject()).filter(([name]) => !NOT_INHERITED.test(name)),
  );
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const command = new Deno.Command(path, {
      args: [...args],
      clearEnv: true,
      env: { ...env, NO_COLOR: "1" },
      stdin: "null",
      signal,
    });
    const { code, stdout, stderr } = await command.output();
    if (signal.aborted) return `${path} ${args[0]} has not answered within ${TIMEOUT_MS / 1000} s`;
    const decoder = new TextDecoder();
    const output = (decoder.decode(stderr) + decoder.decode(stdout)).trim().slice(0, MAX_WORDS);
    return { code, output };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `${path} cannot be run: ${error.message}`;
  }
}

function versionIn(text: string): string | null {
  try {
    const facts: unknown = JSON.parse(text);
    if (typeof facts !== "object" || facts === null || !("version" in facts)) return null;
    return typeof facts.version === "string" ? facts.version : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function commandLine(): string[] {
  return Deno.readTextFileSync("/proc/self/cmdline").split("\0").slice(0, -1);
}

function realPath(path: string): string | null {
  try {
    return Deno.realPathSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    if (error instanceof Deno.errors.PermissionDenied) return null;
    throw error;
  }
}
