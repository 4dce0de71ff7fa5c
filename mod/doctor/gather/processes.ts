/** Programs that run on this host, those about the network only in this network namespace. */
import type { Snapshot } from "../../snapshot.ts";
import type { LinkFacts, ManagerFacts, ProcessFacts, ServiceFacts } from "../facts.ts";
import { readText } from "./programs.ts";

/** By what the kernel calls the process: at most 15 characters. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ["keepalived", "keepalived"],
  ["firewalld", "firewalld"],
  ["NetworkManager", "NetworkManager"],
  ["systemd-network", "systemd-networkd"],
]);
const CLOCK_TICKS = 100;

export function gatherServices(): ServiceFacts[] {
  const here = readLink("/proc/self/ns/net");
  const services: ServiceFacts[] = [];
  for (const { name: pid } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    const name = NAMES.get(readText(`/proc/${pid}/comm`)?.trim() ?? "");
    if (name === undefined || readLink(`/proc/${pid}/ns/net`) !== here) continue;
    services.push({ name, pid: Number(pid), vrids: name === "keepalived" ? vridsOf(pid) : [] });
  }
  const ufw = readText("/etc/ufw/ufw.conf") ?? "";
  if (/^ENABLED=yes/m.test(ufw)) services.push({ name: "ufw", pid: 0, vrids: [] });
  return services;
}

function vridsOf(pid: string): number[] {
  const args = (readText(`/proc/${pid}/cmdline`) ?? "").split("\0");
  const at = args.findIndex((arg) => arg === "-f" || arg === "--use-file");
  const joined = args.find((arg) => /^(-f.|--use-file=)/.test(arg))?.replace(/^(-f|--use-file=)/, "");
  const file = joined ?? (at < 0 ? undefined : args[at + 1]) ?? "/etc/keepalived/keepalived.conf";
  const text = readText(`/proc/${pid}/root${file}`) ?? "";
  return [...text.matchAll(/^\s*virtual_router_id\s+(\d+)/gm)].map(([, vrid]) => Number(vrid));
}

/** The daemon's process, if it is one of this host's. */
export function gatherDaemon(status: Snapshot | null): ProcessFacts | null {
  const pid = status?.node.pid;
  const text = pid === undefined ? null : readText(`/proc/${pid}/status`);
  if (text === null) return null;
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(text)?.[1] ?? "0";
  return {
    pid: pid!,
    uid: Number(field("Uid")),
    capabilities: BigInt(`0x${field("CapEff")}`),
    clockMovedMs: status!.node.last_upgrade === null ? clockMoved(pid!, status!.node.started) : 0,
  };
}

/** When it says it started, against how long the kernel says it runs. */
function clockMoved(pid: number, started: string): number {
  const stat = readText(`/proc/${pid}/stat`) ?? "";
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const uptime = Number((readText("/proc/uptime") ?? "").split(" ")[0]);
  const movedMs = Date.now() - Date.parse(started) - (uptime - ticks / CLOCK_TICKS) * 1_000;
  // A container may see another uptime than the kernel counts by.
  return Number.isFinite(movedMs) && ticks / CLOCK_TICKS <= uptime ? movedMs : 0;
}

/** Who looks after these interfaces, by what the managers write down about them. */
export function gatherManagers(
  links: readonly LinkFacts[],
  services: readonly ServiceFacts[],
): ManagerFacts[] {
  const runs = (name: string): boolean => services.some((service) => service.name === name);
  return links.flatMap(({ name, index }): ManagerFacts[] => {
    const managed = readText(`/run/NetworkManager/devices/${index}`) ?? "";
    const state = readText(`/run/systemd/netif/links/${index}`) ?? "";
    const found: ManagerFacts[] = [];
    if (runs("NetworkManager") && /^managed=(true|1|full)/m.test(managed)) {
      found.push({ manager: "NetworkManager", interface: name, file: "", keeps: false });
    }
    if (runs("systemd-networkd") && /^ADMIN_STATE=(configured|configuring)/m.test(state)) {
      const file = /^NETWORK_FILE=(.*)$/m.exec(state)?.[1] ?? "";
      const extra = /^NETWORK_FILE_DROPINS="?(.*?)"?$/m.exec(state)?.[1]?.split(/[: ]/) ?? [];
      const text = [file, ...extra].map((path) => path === "" ? "" : readText(path) ?? "").join("\n");
      const keeps = /^\s*KeepConfiguration\s*=\s*(yes|true|static|1|on)/im.test(text);
      found.push({ manager: "systemd-networkd", interface: name, file, keeps });
    }
    return found;
  });
}

function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // It has ended meanwhile, or belongs to somebody else.
    return "";
  }
}
