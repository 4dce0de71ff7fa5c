/** Programs that check scripts call: what they print, what they start, and which of them stop keepalived. */
import { baseName } from "./command_line.ts";
import { alive, type CheckDraft } from "./native_check.ts";
import { UNKNOWN } from "./shell_builtins.ts";
import type { Deed } from "./shell_run.ts";
import { NotUnderstood } from "./shell_tokens.ts";

/** Where the exit status of a probe does not say all: what the script may look at instead. */
export function printed(program: string, args: readonly string[], status: number): string {
  if (program !== "curl" && program !== "wget") return program === "systemctl" ? "active\n" : "4711\n";
  const at = args.findIndex((arg) => arg === "-w" || arg === "--write-out");
  const format = at < 0 ? "" : args[at + 1] ?? "";
  const head = args.some((arg) => /^(-[a-zA-Z]*I|--head)$/.test(arg));
  const hidden = args.some((arg) => /^(-[a-zA-Z]*o|--output)/.test(arg)) || (at >= 0 && head);
  const body = hidden ? "" : head ? `HTTP/1.1 ${status} OK\n` : UNKNOWN;
  return body + format.replace(/%\{(http_code|response_code)\}/, "{code}").replace(/\\+n/g, "\n");
}

export function pidCheck(word: string): CheckDraft | undefined {
  if (/^\d+$/.test(word)) throw new NotUnderstood("a process by its number");
  const [, path] = /^pid:(.+)$/.exec(word) ?? [];
  if (path === undefined) return undefined;
  const { check } = alive(baseName(path).replace(/\.pid$/, ""));
  return check["type"] === "nginx" ? { ...check, pid_file: path } : check;
}

/** Some way to end keepalived. */
export function stopsKeepalived(program: string, args: readonly string[], path: string): boolean {
  const words = args.map((arg) => arg.replace(/\.service$/, ""));
  if (program === "systemctl") return words.includes("stop") && words.includes("keepalived");
  if (program === "service") return words[0] === "keepalived" && words[1] === "stop";
  if (path.startsWith("/etc/") && program === "keepalived") return words[0] === "stop";
  if (program === "killall" || program === "pkill") {
    return words.at(-1) === "keepalived" && !words.includes("-0");
  }
  return program === "kill" && words.some((word) => word.startsWith("pid:") && word.includes("keepalived"));
}

/** Whether it brings back what the script has looked at. */
export function starts(
  program: string,
  args: readonly string[],
  path: string,
  deeds: readonly Deed[],
): boolean {
  const verbs = ["start", "restart"];
  if (program === "systemctl" || program === "rc-service") return args.some((arg) => verbs.includes(arg));
  if (program === "service") return verbs.includes(args[1] ?? "");
  if (/^\/etc\/(rc\.d\/)?init\.d\//.test(path)) return verbs.includes(args[0] ?? "");
  const looked = deeds.flatMap((deed) =>
    deed.kind === "probe" ? [deed.check["process"] ?? deed.check["type"]] : []
  );
  return looked.includes(program) && !args.some((arg) => /^(-t|-v|-V|-s|stop|quit)$/.test(arg));
}
