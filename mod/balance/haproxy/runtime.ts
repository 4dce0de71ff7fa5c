/** Commands to a running haproxy, over its unix sockets. */
import { sleep } from "../../sleep.ts";

const TIMEOUT_MS = 5_000;
const PATIENCE_MS = 5_000;
const AGAIN_MS = 20;
/** What haproxy reads as one line is less than its buffer of 16 KiB. */
const LINE_MAX = 8_000;

/**
 * The answer to one line of commands. Rejects when nobody listens, or when the answer does not end in time.
 */
export async function ask(path: string, line: string): Promise<string> {
  const connection = await Deno.connect({ transport: "unix", path });
  const timer = setTimeout(() => connection.close(), TIMEOUT_MS);
  try {
    const bytes = new TextEncoder().encode(`${line}\n`);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    // The master's socket would wait for more.
    await connection.closeWrite();
    return await new Response(connection.readable).text();
  } catch (error) {
    throw new Error(`haproxy does not answer "${line.slice(0, 60)}": ${String(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    closeQuietly(connection);
  }
}

/** Like `ask`, of a master: for a moment after a reload it begins anew, and nobody listens. */
export async function askPatiently(path: string, line: string): Promise<string> {
  for (const untilMs = performance.now() + PATIENCE_MS;;) {
    try {
      return await ask(path, line);
    } catch (error) {
      if (!(error instanceof Error) || performance.now() >= untilMs) throw error;
      await sleep(AGAIN_MS);
    }
  }
}

/** Gives commands that answer nothing when all is well; returns what it answered instead. */
export async function order(path: string, commands: readonly string[]): Promise<string[]> {
  const complaints: string[] = [];
  for (const line of linesOf(commands)) {
    const answer = await ask(path, line);
    complaints.push(...answer.split("\n").map((text) => text.trim()).filter((text) => text !== ""));
  }
  return complaints;
}

function linesOf(commands: readonly string[]): string[] {
  const lines: string[] = [];
  for (const command of commands) {
    const last = lines.at(-1);
    if (last === undefined || last.length + command.length >= LINE_MAX) lines.push(command);
    else lines[lines.length - 1] = `${last};${command}`;
  }
  return lines;
}

/** Reading to the end has closed it already, or the time-out has. */
function closeQuietly(connection: Deno.UnixConn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
