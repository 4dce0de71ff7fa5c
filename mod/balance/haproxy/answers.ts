/** What haproxy answers to `show servers state`, `show stat`, `show info` and `show proc`. PURE. */
import { parseTable } from "../../../checks/haproxy_table.ts";
import type { SlotState } from "./proxy.ts";

/** Bits of srv_admin_state (haproxy's management guide, "show servers state"). */
const MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40;
const DRAINING = 0x08 | 0x10;

export interface ServerState {
  readonly proxy: string;
  readonly server: string;
  readonly state: SlotState;
  /** 0..256. */
  readonly weight: number;
}

/** A version, a line of column names, a line for each server. */
export function parseServersState(text: string): ServerState[] {
  const [, header = "", ...lines] = text.trimStart().split("\n");
  const columns = header.replace(/^#\s*/, "").split(" ");
  const column = (name: string): number => columns.indexOf(name);
  const [proxy, server] = [column("be_name"), column("srv_name")];
  const [admin, weight] = [column("srv_admin_state"), column("srv_uweight")];
  if ([proxy, server, admin, weight].includes(-1)) throw new Error("haproxy lists no states of servers");
  return lines.filter((line) => line !== "").map((line) => {
    const fields = line.split(" ");
    return {
      proxy: fields[proxy] ?? "",
      server: fields[server] ?? "",
      state: stateOf(Number(fields[admin])),
      weight: Number(fields[weight]),
    };
  });
}

function stateOf(admin: number): SlotState {
  if ((admin & MAINTENANCE) !== 0) return "maint";
  return (admin & DRAINING) === 0 ? "ready" : "drain";
}

/** Counted since the worker runs, for a frontend or for a server of a backend. */
export interface Counters {
  readonly proxy: string;
  /** "FRONTEND", or the server's name. */
  readonly row: string;
  /** Sessions at this moment. */
  readonly current: number;
  readonly sessions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export function parseStat(text: string): Counters[] {
  return parseTable(text, ["pxname", "svname", "scur", "stot", "bin", "bout"])
    .map(([proxy = "", row = "", current, sessions, bytesIn, bytesOut]) => ({
      proxy,
      row,
      current: Number(current),
      sessions: Number(sessions),
      bytesIn: Number(bytesIn),
      bytesOut: Number(bytesOut),
    }));
}

/** The mark of the configuration that this worker runs, and its pid. */
export function parseInfo(text: string): { readonly mark: string | null; readonly pid: number } {
  const mark = /^description: "?vipd ([0-9a-f]{16})/m.exec(text)?.[1] ?? null;
  return { mark, pid: Number(/^Pid: (\d+)$/m.exec(text)?.[1] ?? 0) };
}

/** Pids of the workers that serve out what they have begun, since a reload. */
export function parseOldWorkers(text: string): number[] {
  const [, old = ""] = text.split(/^# old workers$/m);
  const [section = ""] = old.split(/^#/m);
  return [...section.matchAll(/^(\d+)\s+worker\b/gm)].map(([, pid]) => Number(pid));
}

/** `[ALERT] (123) : config : …` without its beginning, each once. */
export function parseAlerts(text: string): string[] {
  const alerts = [...text.matchAll(/^\[ALERT\]\s*(?:\(\d+\)|\d+\/\d+ \(\d+\))\s*:\s*(.*\S)\s*$/gm)];
  return [...new Set(alerts.map(([, message = ""]) => message.replace(/^config : /, "")))];
}
