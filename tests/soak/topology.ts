/**
 * What runs in the soak: three hosts with vipd, one with keepalived, two dozen virtual routers of every kind,
 * and the configuration of each host in the mood that a reload puts it into.
 */
import { keepalivedRouter, type RouterSpec, vipdRouter } from "../e2e/lab/routers.ts";

/** Hosts with vipd; the first ones are measured, the last one is also stopped and killed. */
export const HOSTS = ["n1", "n2", "n3"] as const;
export const MEASURED = ["n1", "n2"] as const;
export const KEEPALIVED = "k1";
export type HostName = typeof HOSTS[number];

export const LAB_OPTIONS = {
  nodes: {
    n1: ["10.77.0.1/16", "fd77::1/64"],
    n2: ["10.77.0.2/16", "fd77::2/64"],
    n3: ["10.77.0.3/16", "fd77::3/64"],
    k1: ["10.77.0.4/16", "fd77::4/64"],
  },
  client: ["10.77.0.10/16"],
};

const SOURCES4 = ["10.77.0.1", "10.77.0.2", "10.77.0.3"];
const SOURCES6 = ["fd77::1", "fd77::2", "fd77::3"];
const PRIORITIES = [200, 150, 100];
const KEEPALIVED_PRIORITY = 120;

/** One virtual router, on every host. */
export interface Plan {
  readonly name: string;
  readonly vrid: number;
  readonly version: 2 | 3;
  readonly intervalMs: number;
  readonly addresses: readonly string[];
  readonly unicast: boolean;
  readonly virtualMac: boolean;
  readonly password?: string;
  /** keepalived takes part. */
  readonly foreign: boolean;
  /** A line for the table's end. */
  readonly track: string;
  /** Index of the host that has it while nothing is wrong. */
  readonly home: number;
}

/** Kinds of virtual routers, each with how many there are of it. */
const KINDS = [
  { count: 7, version: 3, family: 4 },
  { count: 1, version: 3, family: 4, virtualMac: true },
  { count: 3, version: 2, family: 4 },
  { count: 1, version: 2, family: 4, password: "s3cret" },
  { count: 5, version: 3, family: 6 },
  { count: 1, version: 3, family: 6, virtualMac: true },
  { count: 3, version: 3, family: 4, unicast: true },
  { count: 1, version: 3, family: 6, unicast: true },
  { count: 1, version: 3, family: 4, foreign: true },
  { count: 1, version: 2, family: 4, foreign: true },
] as const;

/** What the routers beyond the first three (which flap with a link) track, in turn. */
const TRACKS = [
  "",
  'track = ["nginx"]',
  'track = [{ check = "file", weight = -120 }]',
  'track = [{ check = "port", weight = -120 }]',
  'track = ["worker"]',
  'track = [{ check = "page", weight = -120 }]',
];

export const PLANS: readonly Plan[] = KINDS.flatMap((kind) => Array.from({ length: kind.count }, () => kind))
  .map((kind, i): Plan => ({
    name: `r${i + 1}`,
    vrid: i + 1,
    version: kind.version,
    intervalMs: kind.version === 2 ? 1000 : 100,
    addresses: virtualAddresses(i + 1, kind.family),
    unicast: "unicast" in kind,
    virtualMac: "virtualMac" in kind,
    foreign: "foreign" in kind,
    ...("password" in kind ? { password: kind.password } : {}),
    track: i < HOSTS.length ? 'track = ["flap"]' : TRACKS[i % TRACKS.length]!,
    home: i % HOSTS.length,
  }));

/** The routers that follow the link `flap0` of their host; the n-th is at home on the n-th host. */
export const METRONOMES: readonly Plan[] = PLANS.slice(0, HOSTS.length);

/** How a reload changes a host's configuration for a while. */
export interface Mood {
  /** Names of the routers with a low priority. */
  readonly demoted: ReadonlySet<string>;
  /** Names of routers that only this host has; each has an address and a check of its own. */
  readonly extra: readonly string[];
  /** Routers with one more address. */
  readonly widened: ReadonlySet<string>;
  readonly garpRepeat: number;
}

export const CALM: Mood = { demoted: new Set(), extra: [], widened: new Set(), garpRepeat: 5 };

/** What the checks of one host look at. */
export interface Watched {
  readonly nginxPidFile: string;
  /** Exists while the check `file` passes. */
  readonly file: string;
  /** Command line of the process that the check `worker` looks for. */
  readonly worker: string;
}

export function vipdConfig(host: HostName, watched: Watched, mood: Mood): string {
  const index = HOSTS.indexOf(host);
  const routers = PLANS.map((plan) => vipdRouter(specOf(plan, index, mood)));
  return [checksOf(watched), ...routers, ...mood.extra.map((name, i) => extraRouter(name, index, i))].join(
    "\n",
  );
}

export function keepalivedConfig(): string {
  const foreign = PLANS.filter((plan) => plan.foreign);
  return foreign.map(({ name, vrid, version, intervalMs, addresses }) =>
    keepalivedRouter({ name, vrid, version, intervalMs, addresses, priority: KEEPALIVED_PRIORITY })
  ).join("\n");
}

function specOf(plan: Plan, index: number, mood: Mood): RouterSpec {
  const { name, vrid, version, intervalMs, password, track, home } = plan;
  const rank = (index - home + HOSTS.length) % HOSTS.length;
  const [sources, six] = plan.addresses[0]!.includes(":") ? [SOURCES6, true] : [SOURCES4, false];
  const more = six ? `fd77:1::${vrid}` : `10.77.200.${vrid}`;
  return {
    name,
    vrid,
    version,
    intervalMs,
    priority: mood.demoted.has(name) ? 10 + index : PRIORITIES[rank]!,
    addresses: mood.widened.has(name) ? [...plan.addresses, more] : plan.addresses,
    ...(password === undefined ? {} : { password }),
    ...(plan.unicast
      ? { unicast: { source: sources[index]!, peers: sources.filter((_, i) => i !== index) } }
      : {}),
    vipdExtra: [
      `garp.repeat = ${mood.garpRepeat}`,
      'garp.refresh = "5s"',
      `virtual_mac = ${plan.virtualMac}`,
      track,
    ].join("\n"),
  };
}

function checksOf({ nginxPidFile, file, worker }: Watched): string {
  const common = "rise = 1\nfall = 1\n";
  return [
    '[check.flap]\ntype = "interface"\ninterface = "flap0"\ninterval = "1s"',
    `[check.nginx]\ntype = "nginx"\npid_file = "${nginxPidFile}"\ninterval = "1s"`,
    `[check.file]\ntype = "exec"\ncommand = ["/usr/bin/test", "-e", "${file}"]\ninterval = "500ms"`,
    '[check.port]\ntype = "tcp"\naddress = "127.0.0.1:80"\ninterval = "250ms"',
    '[check.page]\ntype = "http"\nurl = "http://127.0.0.1/"\ninterval = "250ms"\ntimeout = "1s"',
    `[check.worker]\ntype = "process"\nmatch = "^${worker.replaceAll(".", "\\\\.")}$"\ninterval = "1s"`,
  ].map((table) => `${table}\n${common}`).join("\n");
}

function extraRouter(name: string, index: number, i: number): string {
  const router = vipdRouter({
    name,
    vrid: 100 + 40 * index + i,
    version: 3,
    priority: 100,
    intervalMs: 100,
    addresses: [`10.77.${210 + index}.${i + 1}`],
    vipdExtra: `track = [{ check = "c-${name}", weight = 10 }]`,
  });
  return `[check.c-${name}]\ntype = "tcp"\naddress = "127.0.0.1:80"\ninterval = "500ms"\n\n${router}`;
}

/** One to three of them; of IPv6 the first is link-local. */
function virtualAddresses(vrid: number, family: 4 | 6): string[] {
  const count = 1 + vrid % 3;
  return Array.from({ length: count }, (_, i) => {
    if (family === 4) return `10.77.${100 + i}.${vrid}`;
    return i === 0 ? `fe80::77:${vrid}` : `fd77:0:0:${i}::${vrid}`;
  });
}
