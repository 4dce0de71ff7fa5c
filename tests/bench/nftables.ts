/**
 * What the nftables engine costs: new connections a second through it beside the same hosts without it, each
 * measured in a lab of its own (a port that is used again meets a server that remembers it), and how long the
 * kernel's connections take to be counted and forgotten. Needs wrk.
 */
import process from "node:process";
import { visitTranslated } from "../../ffi/conntrack.ts";
import { close } from "../../ffi/fd.ts";
import * as s from "../../ffi/socket.ts";
import { AF_INET, sockaddr } from "../../ffi/sockaddr.ts";
import type { Service } from "../../mod/balance/model.ts";
import { hostKernel } from "../../mod/balance/nftables/kernel.ts";
import { startNginx } from "../e2e/lab/nginx.ts";
import { inLab } from "../e2e/lab/scenario.ts";
import { startVipd } from "../e2e/lab/vipd.ts";
import { type Host, type Lab, waitFor } from "../e2e/lab.ts";
import { namespace } from "../ffi/namespace.ts";

const VIP = "192.0.2.10";
const OPTIONS = {
  nodes: {
    director: ["192.0.2.1/24", `${VIP}/32`, "10.77.0.1/24"],
    rs1: ["10.77.0.21/24"],
    rs2: ["10.77.0.22/24"],
  },
  client: ["192.0.2.100/24"],
};
const SECONDS = 2;
const ROUNDS = Number(Deno.args[0] ?? 3);
const CONNECTIONS = 100_000;

/** How the client gets to a server; null: past vipd. */
const WAYS: Readonly<Record<string, { readonly keys: string; readonly servers: number } | null>> = {
  "routed, connections not tracked": null,
  "routed, connections tracked": null,
  "nat, one server": { keys: 'scheduler = "rr"', servers: 1 },
  "nat, rr of two": { keys: 'scheduler = "rr"', servers: 2 },
  "nat, sh of two": { keys: 'scheduler = "sh"\nflags = ["sh-port"]', servers: 2 },
  "nat, rr of two, persistence": { keys: 'scheduler = "rr"\npersistence = "60s"', servers: 2 },
  "nat, rr of two, masquerade": {
    keys: 'scheduler = "rr"\nforward = { method = "nat", masquerade = true }',
    servers: 2,
  },
  "dr, rr of two": { keys: 'scheduler = "rr"\nforward = "dr"', servers: 2 },
};

async function connectionsPerSecond(way: string): Promise<number> {
  let rate = NaN;
  await inLab(OPTIONS, async (lab) => {
    await prepare(lab);
    const through = WAYS[way]!;
    const director = lab.node("director");
    if (through === null) await passBy(lab, director, way.endsWith(" tracked") && !way.includes("not"));
    else await startBalancing(director, through.keys, through.servers);
    if (through?.keys.includes('"dr"')) await takeDirectly(lab);
    const target = through === null ? "10.77.0.21" : VIP;
    const wrk = ["wrk", "-t1", "-c32", `-d${SECONDS}s`, "-H", "Connection: close", `http://${target}:80/`];
    rate = Number(/^Requests\/sec:\s+([\d.]+)/m.exec(await lab.client.exec(wrk))?.[1]);
  });
  return rate;
}

async function prepare(lab: Lab): Promise<void> {
  const settings = "echo 1 > /proc/sys/net/ipv4/ip_forward; " +
    "for i in all eth0; do echo 0 > /proc/sys/net/ipv4/conf/$i/send_redirects; done";
  await lab.node("director").exec(["sh", "-c", settings]);
  for (const name of ["rs1", "rs2"]) {
    const server = lab.node(name);
    await server.ip("route", "add", "192.0.2.0/24", "via", "10.77.0.1");
    await startNginx(server);
  }
}

/**
 * The way by the director's routing, where nftables looks at nothing, or at whether a connection is known.
 */
async function passBy(lab: Lab, director: Host, isTracked: boolean): Promise<void> {
  await lab.client.ip("route", "add", "10.77.0.0/24", "via", "192.0.2.1");
  if (!isTracked) return;
  const rules =
    "table inet t { chain c { type filter hook prerouting priority 0; ct state invalid drop; }; }";
  await director.exec(["nft", "-f", "-"], { stdin: `${rules.replaceAll("; ", "\n")}\n` });
}

async function startBalancing(director: Host, keys: string, servers: number): Promise<void> {
  const isDirect = keys.includes('"dr"');
  const lines = [21, 22].slice(0, servers).map((last) =>
    `[[virtual_server.web.real_server]]\naddress = "10.77.0.${last}"`
  );
  const head = `[virtual_server.web]\naddress = "${VIP}:80"\nengine = "nftables"\n${keys}`;
  await startVipd(director, [head, ...lines].join("\n"));
  const list = ["nft", "list", "table", isDirect ? "netdev" : "inet", "vipd"];
  await waitFor(
    "the rules",
    async () => (await director.exec(list, { mayFail: true })).includes("hook"),
    20_000,
  );
}

/** Servers of direct routing have the address themselves, and answer past the director. */
async function takeDirectly(lab: Lab): Promise<void> {
  for (const name of ["rs1", "rs2"]) {
    await lab.node(name).ip("address", "add", `${VIP}/32`, "dev", "lo");
    await lab.node(name).exec(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/all/arp_ignore"]);
    await lab.node(name).ip("route", "replace", "192.0.2.0/24", "dev", "eth0");
  }
}

/** In a namespace of its own: so many connections to a service of ours, counted, then forgotten. */
function countAndForget(): string {
  using ns = namespace();
  return ns.run(() => {
    const file = Deno.makeTempFileSync();
    const chain = "type nat hook output priority -100\nudp dport 53 redirect to :5353";
    Deno.writeTextFileSync(file, `table inet t {\nchain c {\n${chain}\n}\n}\n`);
    new Deno.Command("nft", { args: ["-f", file] }).outputSync();
    Deno.removeSync(file);
    connect(CONNECTIONS);
    let seen = 0;
    const [looked] = timed(() => visitTranslated(4, () => seen++));
    const kernel = hostKernel();
    const nobody: Service = {
      match: { kind: "address", family: 4, protocol: "udp", address: "127.0.0.1", port: 53 },
      ...{ scheduler: "rr", flags: [], onePacket: false, persistence: null, destinations: [] },
    };
    const [counted] = timed(() => kernel.connections([nobody]));
    const [forgotten, many] = timed(() => kernel.forget([nobody], []));
    kernel.close();
    return `${seen} connections: listed in ${looked} ms, counted in ${counted} ms, ` +
      `${many} forgotten in ${forgotten} ms`;
  });
}

/** Milliseconds of processor time: of a busy machine the clock says little. */
function timed<T>(action: () => T): [ms: number, result: T] {
  const before = process.cpuUsage();
  const result = action();
  const { user, system } = process.cpuUsage(before);
  return [Math.round((user + system) / 1000), result];
}

/** One datagram from each of so many ports, of as many addresses as that takes. */
function connect(count: number): void {
  for (let made = 0; made < count; made++) {
    const fd = s.socket(AF_INET, s.SOCK_DGRAM);
    s.bind(fd, sockaddr(Uint8Array.of(127, 0, 1 + made / 50_000, 1), 10_000 + made % 50_000));
    s.sendto(fd, Uint8Array.of(1), sockaddr(Uint8Array.of(127, 0, 0, 1), 53));
    close(fd);
  }
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

const rates = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const way of Object.keys(WAYS)) {
    const rate = Math.round(await connectionsPerSecond(way));
    rates.set(way, [...rates.get(way) ?? [], rate]);
    print(`round ${round + 1}: ${way}: ${rate}`);
  }
}
for (const [way, found] of rates) {
  const sorted = found.toSorted((a, b) => a - b);
  print(`${way}: ${sorted[sorted.length >> 1]} new connections/s (${sorted.join(" ")})`);
}
print(countAndForget());
