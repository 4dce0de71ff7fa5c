/** The haproxy of this host: where it is, who its workers become, and what it says to a configuration. */
import { parseAlerts } from "./answers.ts";

const DIRECTORIES = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/bin", "/bin"];
const CHECK_TIMEOUT_MS = 20_000;
/** What haproxy's package makes, and what every system has. */
const ACCOUNTS = ["haproxy", "nobody"];

/** The program's path, or the end of a sentence that says why there is none. */
export function findProgram(binary?: string): { readonly path: string } | { readonly missing: string } {
  const candidates = binary === undefined ? DIRECTORIES.map((directory) => `${directory}/haproxy`) : [binary];
  const path = candidates.find(isExecutable);
  if (path !== undefined) return { path };
  if (binary !== undefined) return { missing: `${binary} is not an executable file` };
  return { missing: "haproxy is not installed (looked in " + DIRECTORIES.join(", ") + ")" };
}

function isExecutable(path: string): boolean {
  try {
    const { isFile, mode } = Deno.statSync(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/** linux/capability.h: what it takes to become another user in a jail, and to signal who has become one. */
const NEEDED = { CAP_CHOWN: 0, CAP_KILL: 5, CAP_SETGID: 6, CAP_SETUID: 7, CAP_SYS_CHROOT: 18 } as const;

/**
 * Null where this process could not become another: without root or these capabilities, as under a service
 * manager that keeps them from us, the workers stay what vipd is, which is little then.
 */
export function workersAccount(
  status = Deno.readTextFileSync("/proc/self/status"),
  passwd = Deno.readTextFileSync("/etc/passwd"),
): { readonly uid: number; readonly gid: number } | null {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const mayBecome = Object.values(NEEDED).every((bit) => (effective >> BigInt(bit) & 1n) === 1n);
  if (!mayBecome || !/^Uid:\s*0\s/m.test(status)) return null;
  const accounts = passwd.split("\n").map((line) => line.split(":"));
  for (const wanted of ACCOUNTS) {
    const [, , uid, gid] = accounts.find(([name]) => name === wanted) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}

/** What haproxy has against the configuration in this file, in sentences; null: nothing. */
export async function objectionTo(program: string, file: string): Promise<string | null> {
  const { success, code, stderr } = await new Deno.Command(program, {
    args: ["-c", "-f", file],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    clearEnv: true,
    signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
  }).output();
  if (success) return null;
  const said = new TextDecoder().decode(stderr);
  const lines = Deno.readTextFileSync(file).split("\n");
  return explain(said, lines) || `haproxy -c ended with code ${code}`;
}

/** Alerts with the line they are about; the sums that haproxy draws at the end are left out. */
function explain(said: string, lines: readonly string[]): string {
  const alerts = parseAlerts(said).filter((alert) => !/^(Fatal errors|Error\(s\)) found/.test(alert));
  return alerts.map((alert) => {
    const [whole, number] = /^parsing \[[^\]]*:(\d+)\]\s*:?\s*/.exec(alert) ?? [];
    if (whole === undefined) return alert;
    return `"${lines[Number(number) - 1]?.trim()}": ${alert.slice(whole.length)}`;
  }).join("; ");
}
