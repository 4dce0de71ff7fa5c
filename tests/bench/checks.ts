/** What a thousand checks a second cost: TCP connections, and pages, of a thousand addresses of one nginx. */
import type { Child } from "../e2e/lab/child.ts";
import { helperLibrary } from "../e2e/lab/compile.ts";
import { startCheckers } from "../e2e/lab/keepalived.ts";
import { startNginx } from "../e2e/lab/nginx.ts";
import { launchVipd } from "../e2e/lab/vipd.ts";
import { createLab, type Host, sleep } from "../e2e/lab.ts";
import { cpuSecondsOf } from "./cost.ts";
import type { Daemon } from "./daemons.ts";
import type { Record } from "./samples.ts";

const COUNT = 1000;
const SETTLE_MS = 5_000;
const SECONDS = { whole: 10, quick: 5 } as const;
/** vipd's processor time may be so many times keepalived's. */
const TIMES_KEEPALIVED = 1.5;

type Kind = "TCP" | "HTTP";

export async function measureChecks(daemon: Daemon, quick: boolean, record: Record): Promise<void> {
  for (const kind of ["TCP", "HTTP"] as const) {
    await measureKind(daemon, kind, quick ? SECONDS.quick : SECONDS.whole, record);
  }
}

async function measureKind(daemon: Daemon, kind: Kind, seconds: number, record: Record): Promise<void> {
  await using lab = await createLab({
    nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
    client: ["192.168.121.10/24"],
  });
  const node = lab.node("n1");
  await startNginx(node);
  const child = daemon.name === "vipd" ? await startVipd(node, kind) : await startKeepalived(node, kind);
  await sleep(SETTLE_MS);
  const [cpuBefore, looksBefore] = [await cpuSecondsOf(await tree(child)), await connectionsOf(node)];
  await sleep(seconds * 1000);
  const [cpu, looks] = [await cpuSecondsOf(await tree(child)), await connectionsOf(node)];
  const event = `${COUNT} ${kind} checks a second`;
  record({ event: `${event}: made, a second`, timing: "", value: (looks - looksBefore) / seconds });
  record({
    event: `${event}: processor time of one, µs`,
    timing: "",
    value: (cpu - cpuBefore) / (looks - looksBefore) * 1e6,
    timesTheirs: TIMES_KEEPALIVED,
  });
  await child.stop("SIGTERM");
}

async function startVipd(node: Host, kind: Kind): Promise<Child> {
  const check = (address: string): string =>
    kind === "TCP" ? `type = "tcp"\naddress = "${address}:80"` : `type = "http"\nurl = "http://${address}/"`;
  const checks = addresses().map((address, i) => `[check.c${i}]\n${check(address)}\ninterval = "1s"\n`);
  return (await launchVipd(node, checks.join(""))).child;
}

async function startKeepalived(node: Host, kind: Kind): Promise<Child> {
  const check = kind === "TCP" ? "TCP_CHECK {\n}" : "HTTP_GET {\nurl {\npath /\nstatus_code 200\n}\n}";
  const servers = addresses().map((address) => `real_server ${address} 80 {\n${check}\n}\n`);
  const configuration = `virtual_server 127.0.0.1 8000 {\ndelay_loop 1\nlvs_method NAT\nprotocol TCP\n${
    servers.join("")
  }}\n`;
  return await startCheckers(node, configuration, { LD_PRELOAD: await helperLibrary("ipvs_yes") });
}

function addresses(): string[] {
  return Array.from({ length: COUNT }, (_, i) => `127.1.${Math.floor(i / 250)}.${i % 250 + 1}`);
}

/** The daemon and its children. */
async function tree({ pid }: Child): Promise<number[]> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  return [pid, ...children.trim().split(" ").filter((word) => word !== "").map(Number)];
}

/** TCP connections opened in the node's namespace so far: the checks, and nothing else there opens any. */
async function connectionsOf(node: Host): Promise<number> {
  const lines = (await node.exec(["cat", "/proc/net/snmp"])).split("\n").filter((line) =>
    line.startsWith("Tcp:")
  );
  const [names = "", values = ""] = lines;
  return Number(values.split(" ")[names.split(" ").indexOf("ActiveOpens")]);
}
