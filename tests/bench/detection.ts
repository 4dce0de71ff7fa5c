/**
 * How soon a server's end is noticed, killed or hung: by vipd's check of its kind, and by a script of
 * keepalived's at the same interval that asks with the server's own client. And what one look costs.
 */
import { startKeepalived } from "../e2e/lab/keepalived.ts";
import { PASSWORD, postgres, RunningService, type Service, SERVICES } from "../e2e/lab/services.ts";
import { launchVipd, startVipd, status } from "../e2e/lab/vipd.ts";
import type { Child } from "../e2e/lab/child.ts";
import { createLab, type Host, sleep, waitFor } from "../e2e/lab.ts";
import { cpuSecondsOf } from "./cost.ts";
import type { Daemon } from "./daemons.ts";
import type { Record } from "./samples.ts";

const INTERVAL_S = 2;
const TIMEOUT_S = 1;
const PATIENCE_MS = 20_000;
/** Who has not noticed by then never will. */
const NOTICE_MS = 6_000;
/** In one round. */
const TIMES = 3;
/** Checks of one kind at a time. */
const LOOKS = 50;
const LOOK_SECONDS = 5;
const SETTLE_MS = 3_000;

/** What operators make a script of, where there is something; `%` stands for the server's directory. */
const SCRIPTS: Readonly<{ [service: string]: string }> = {
  mysql: `/usr/bin/mysqladmin --no-defaults -S %/socket -u probe -p${PASSWORD} ping`,
  postgres: `${postgres("pg_isready")} -q -h 127.0.0.1 -t 1`,
  redis: `/usr/bin/redis-cli --no-auth-warning -a ${PASSWORD} ping`,
  nginx: "/usr/bin/pgrep -F %/pid",
  http: "/usr/bin/curl -sf -m 1 -o /dev/null http://127.0.0.1:81/",
  tls: "/usr/bin/curl -sf -m 1 -o /dev/null --cacert %/ca.pem https://127.0.0.1/",
  haproxy: "/bin/sh -c 'echo show info | socat -t 1 - UNIX-CONNECT:%/socket | grep -q ^Name:'",
  smtp: "/usr/bin/curl -sf -m 1 -o /dev/null smtp://127.0.0.1 -X NOOP",
  dns: "/usr/bin/dig +time=1 +tries=1 @127.0.0.1 www.example.com",
};

const MEASURED: readonly Service[] = SERVICES.filter(({ name }) => SCRIPTS[name] !== undefined);

/** Whoever watches the servers: what it takes each for, by what it says. */
interface Watcher {
  readonly child: Child;
  isUp(name: string): boolean;
  /** Of the last change; ms since the epoch. */
  changedMs(name: string): number;
}

/** Every server is killed, and hangs, at a moment of its own. */
export async function measureDetection(daemon: Daemon, record: Record): Promise<void> {
  await using lab = await createLab({ nodes: { n1: ["192.168.121.129/24"] }, client: ["192.168.121.10/24"] });
  const node = lab.node("n1");
  const servers = await Promise.all(MEASURED.map((service) => RunningService.create(node, service)));
  for (const server of servers) server.start();
  const watcher = daemon.name === "vipd"
    ? await watchByVipd(node, servers)
    : await watchByKeepalived(node, servers);
  try {
    await Promise.all(servers.map((server) => measureServer(server, watcher, record)));
  } catch (error) {
    throw new Error(`${String(error)}\n${watcher.child.output.slice(-3_000)}`, { cause: error });
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
    await watcher.child.stop();
  }
}

async function measureServer(server: RunningService, watcher: Watcher, record: Record): Promise<void> {
  const { name } = server;
  const becomes = (state: boolean, patienceMs = PATIENCE_MS): Promise<unknown> =>
    waitFor(`${name} to be ${state ? "up" : "down"}`, () => watcher.isUp(name) === state, patienceMs, 5);
  const noticed = async (event: string, act: () => number | Promise<number>): Promise<void> => {
    await becomes(true);
    await sleep(INTERVAL_S * 1000 * (0.5 + Math.random()));
    const atMs = await act();
    const isSeen = await becomes(false, NOTICE_MS).then(() => true, () => false);
    record({
      event: `${name}: ${event}`,
      timing: "",
      value: isSeen ? watcher.changedMs(name) - atMs : Infinity,
    });
  };
  for (let time = 0; time < TIMES; time++) {
    await noticed("kill -9", () => server.kill());
    server.start();
    await noticed("hangs", () => server.signal("SIGSTOP"));
    server.signal("SIGCONT");
  }
}

async function watchByVipd(node: Host, servers: readonly RunningService[]): Promise<Watcher> {
  const times = `interval = "${INTERVAL_S}s"\ntimeout = "${TIMEOUT_S}s"\nrise = 1\nfall = 1\n`;
  const checks = servers.map(({ name, check }) => `[check.${name}]\n${check}\n${times}`);
  const { child } = await launchVipd(node, checks.join("\n"));
  return heard(child, (line) => {
    const [, name, to] = /"event":"change".*"name":"(\w+)".*"to":"(up|down)"/.exec(line) ??
      /change (\w+) \w+ -> (up|down)/.exec(line) ?? [];
    return name === undefined ? undefined : [name, to === "up"];
  });
}

async function watchByKeepalived(node: Host, servers: readonly RunningService[]): Promise<Watcher> {
  const child = await startKeepalived(
    node,
    keepalivedOf(node, servers.map((server) => [server.name, server])),
  );
  return heard(child, (line) => {
    const [, name, verdict] = /VRRP_Script\((\w+)\) (succeeded|failed|timed_out)/.exec(line) ?? [];
    return name === undefined ? undefined : [name, verdict === "succeeded"];
  });
}

function keepalivedOf(
  node: Host,
  named: readonly (readonly [name: string, server: RunningService])[],
): string {
  const scripts = named.map(([name, server]) =>
    `vrrp_script ${name} {\nscript "${SCRIPTS[server.name]!.replaceAll("%", server.directory)}"\n` +
    `interval ${INTERVAL_S}\ntimeout ${TIMEOUT_S}\nfall 1\nrise 1\nweight 1\n}\n`
  );
  const tracked = named.map(([name]) => `${name}\n`).join("");
  return `global_defs {\nscript_user root\n}\n${scripts.join("")}vrrp_instance VI_1 {\n` +
    `interface ${node.iface}\nvirtual_router_id 1\npriority 100\nvirtual_ipaddress {\n192.168.121.200\n}\n` +
    `track_script {\n${tracked}}\n}\n`;
}

/** Follows what a daemon says. */
function heard(child: Child, read: (line: string) => [name: string, isUp: boolean] | undefined): Watcher {
  const states = new Map<string, { readonly isUp: boolean; readonly atMs: number }>();
  child.onLine((line) => {
    const change = read(line);
    if (change === undefined || states.get(change[0])?.isUp === change[1]) return;
    states.set(change[0], { isUp: change[1], atMs: performance.timeOrigin + performance.now() });
  });
  return {
    child,
    isUp: (name) => states.get(name)?.isUp ?? false,
    changedMs: (name) => states.get(name)?.atMs ?? NaN,
  };
}

/** What a look costs, of every kind: many checks of one server. */
export async function measureLooks(daemon: Daemon, record: Record): Promise<void> {
  for (const service of MEASURED) {
    await using lab = await createLab({
      nodes: { n1: ["192.168.121.129/24"] },
      client: ["192.168.121.10/24"],
    });
    const node = lab.node("n1");
    const server = await RunningService.create(node, service);
    server.start();
    const { child, looks } = daemon.name === "vipd"
      ? await lookByVipd(node, server)
      : await lookByKeepalived(node, server);
    await sleep(SETTLE_MS);
    const [cpuBefore, looksBefore] = [await cpuWithChildren(child), await looks()];
    await sleep(LOOK_SECONDS * 1000);
    const [cpu, made] = [await cpuWithChildren(child) - cpuBefore, await looks() - looksBefore];
    record({ event: `${service.name}: looks a second`, timing: "", value: made / LOOK_SECONDS });
    record({ event: `${service.name}: processor time of one, µs`, timing: "", value: cpu / made * 1e6 });
    await child.stop();
    await server.kill();
  }
}

interface Looking {
  readonly child: Child;
  /** Made so far. */
  looks(): Promise<number>;
}

async function lookByVipd(node: Host, server: RunningService): Promise<Looking> {
  const checks = Array.from(
    { length: LOOKS },
    (_, i) => `[check.c${i}]\n${server.check}\ninterval = "${INTERVAL_S}s"\n`,
  );
  const vipd = await startVipd(node, checks.join(""));
  const looks = async (): Promise<number> =>
    (await status(vipd)).checks.reduce((sum, { successes }) => sum + successes, 0);
  return { child: vipd.child, looks };
}

async function lookByKeepalived(node: Host, server: RunningService): Promise<Looking> {
  const names = Array.from({ length: LOOKS }, (_, i) => `c${i}`);
  const child = await startKeepalived(node, keepalivedOf(node, names.map((name) => [name, server])), true);
  const startedMs = performance.now();
  // It tells nobody how many scripts it has run: one each in time, as long as they end in time.
  return { child, looks: () => Promise.resolve((performance.now() - startedMs) / 1000 / INTERVAL_S * LOOKS) };
}

/** Seconds of the daemon and its children, and of what these have run. */
async function cpuWithChildren({ pid }: Child): Promise<number> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  const own = [pid, ...children.trim().split(" ").filter((word) => word !== "").map(Number)];
  const ended = await Promise.all(own.map(async (one) => {
    const stat = await Deno.readTextFile(`/proc/${one}/stat`).catch(() => "");
    // cutime and cstime, in ticks of 10 ms.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[13] ?? 0) + Number(fields[14] ?? 0)) / 100;
  }));
  const living = await Promise.all(own.map((one) => cpuSecondsOf([one]).catch(() => 0)));
  return [...ended, ...living].reduce((sum, value) => sum + value, 0);
}
