/** The process table, read from /proc. */
import { hasEnded } from "../../ffi/errno.ts";
import type { Process, ProcessFilter } from "../../checks/check.ts";

const commLimit = 15;

/** The process with this pid unless it is a zombie or gone. */
export function readProcess(pid: number): Process | undefined {
  const stat = readProc(`${pid}/stat`);
  // The name stands in parentheses and may itself contain any character.
  const open = stat.indexOf("(");
  const close = stat.lastIndexOf(")");
  if (open < 0 || close < open) return undefined;
  const fields = stat.slice(close + 2).split(" ");
  const [state] = fields;
  if (state === "Z" || state === "X") return undefined;
  return { pid, startTime: Number(fields[19]), comm: stat.slice(open + 1, close) };
}

/**
 * The command line as typed or as the process has retitled itself; empty for a kernel thread or when it is
 * gone.
 */
export function readCommandLine(pid: number): string {
  return readProc(`${pid}/cmdline`).replace(/\0+$/, "").replaceAll("\0", " ");
}

/** See `Host.processes`. */
export function findProcesses({ comm, commandLine, containers = false }: ProcessFilter): Process[] {
  const wanted = comm === undefined ? undefined : cut(comm);
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === Deno.pid) continue;
    const process = readProcess(pid);
    if (process === undefined || (wanted !== undefined && process.comm !== wanted)) continue;
    if (commandLine !== undefined && !commandLine(readCommandLine(pid))) continue;
    if (containers || isOfOurNamespace(pid)) found.push(process);
  }
  return found;
}

/** A container's process has a second pid, the one in there, in its NSpid line. */
function isOfOurNamespace(pid: number): boolean {
  const line = /^NSpid:\t(.*)$/m.exec(readProc(`${pid}/status`))?.[1];
  return line === undefined || !line.includes("\t");
}

/** The kernel keeps 15 bytes of a name. */
function cut(comm: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(comm).subarray(0, commLimit));
}

function readProc(path: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${path}`);
  } catch (error) {
    if (hasEnded(error) || isHidden(error)) return "";
    throw error;
  }
}

/** A /proc mounted with hidepid, or a hardened container, shows nothing of others' processes. */
function isHidden(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable;
}
