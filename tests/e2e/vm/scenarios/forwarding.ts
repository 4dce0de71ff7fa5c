/**
 * One director with a virtual server of every kind: the kernel's table has what the configuration says, and
 * requests reach the real servers by NAT, direct routing and tunnels, IPv4 and IPv6, TCP and UDP.
 */
import { assert, assertEquals } from "@std/assert";
import { createLab, type Host, type Lab } from "../../lab.ts";
import { ipvsTable, sorted } from "../../lab/ipvs.ts";
import { request, startVipd, status, type Vipd } from "../../lab/vipd.ts";
import { waitFor } from "../../lab/wait.ts";
import { converse, PORT, startAnswering } from "../conversation.ts";
import {
  addressesOf,
  hits,
  holdQuietly,
  hosts,
  inOneWorld,
  prepareDirector,
  prepareRealServer,
} from "../world.ts";

/** What a virtual server says in vipd.toml, and the kernel's service: `ipvsadm` options without -A and -a. */
interface Row {
  readonly toml: string;
  readonly service: string;
  readonly destinations: readonly string[];
}

const INSIDE = ["10.20.0.99", "10.20.0.104"];
const LINES = `192.168.179.201:${PORT}`;
const OUTSIDE = ["192.168.179.99", "192.168.179.104"];

function servers(addresses: readonly string[], port: number, lines = ""): string {
  const address = (one: string): string => `${one.includes(":") ? `[${one}]` : one}:${port}`;
  return addresses.map((one) => `{ address = "${address(one)}"${lines} }`).join(", ");
}

const ROWS: Readonly<Record<string, Row>> = {
  nat: {
    toml: `address = "192.168.179.201:80"\nscheduler = "rr"\nreal_server = [${servers(INSIDE, 80)}]`,
    service: "-t 192.168.179.201:80 -s rr",
    destinations: ["10.20.0.99:80 -m -w 1", "10.20.0.104:80 -m -w 1"],
  },
  dr: {
    toml: `address = "192.168.179.202:80"\nscheduler = "rr"\nforward = "dr"\nweight = 100
real_server = [${servers(OUTSIDE, 80)}]`,
    service: "-t 192.168.179.202:80 -s rr",
    destinations: ["192.168.179.99:80 -g -w 100", "192.168.179.104:80 -g -w 100"],
  },
  tunnel: {
    toml: `address = "192.168.179.203:80"\nscheduler = "rr"\nforward = "tunnel"
real_server = [${servers(OUTSIDE, 80)}]`,
    service: "-t 192.168.179.203:80 -s rr",
    destinations: ["192.168.179.99:80 -i -w 1 --tun-type ipip", "192.168.179.104:80 -i -w 1 --tun-type ipip"],
  },
  nat6: {
    toml: `address = "[fd00:179::201]:80"\nscheduler = "rr"
real_server = [${servers(["fd00:20::99", "fd00:20::104"], 80)}]`,
    service: "-t [fd00:179::201]:80 -s rr",
    destinations: ["[fd00:20::99]:80 -m -w 1", "[fd00:20::104]:80 -m -w 1"],
  },
  dr6: {
    toml: `address = "[fd00:179::202]:80"\nscheduler = "rr"\nforward = "dr"
real_server = [${servers(["fd00:179::99", "fd00:179::104"], 80)}]`,
    service: "-t [fd00:179::202]:80 -s rr",
    destinations: ["[fd00:179::99]:80 -g -w 1", "[fd00:179::104]:80 -g -w 1"],
  },
  mark: {
    toml: `fwmark = 7\nscheduler = "rr"\nreal_server = [${servers(INSIDE, 80)}]`,
    service: "-f 7 -s rr",
    destinations: ["10.20.0.99:80 -m -w 1", "10.20.0.104:80 -m -w 1"],
  },
  sticky: {
    toml: `address = "192.168.179.205:80"\nscheduler = "rr"\nforward = "dr"\npersistence = "60s"
real_server = [${servers(OUTSIDE, 80)}]`,
    service: "-t 192.168.179.205:80 -s rr -p 60",
    destinations: ["192.168.179.99:80 -g -w 1", "192.168.179.104:80 -g -w 1"],
  },
  udp: {
    toml: `address = "192.168.179.201:5353"\nprotocol = "udp"\nscheduler = "rr"
real_server = [${servers(INSIDE, 5353)}]`,
    service: "-u 192.168.179.201:5353 -s rr",
    destinations: ["10.20.0.99:5353 -m -w 1", "10.20.0.104:5353 -m -w 1"],
  },
  lines: {
    toml: `address = "${LINES}"\nscheduler = "rr"\nreal_server = [${servers(INSIDE, PORT)}]`,
    service: `-t ${LINES} -s rr`,
    destinations: [`10.20.0.99:${PORT} -m -w 1`, `10.20.0.104:${PORT} -m -w 1`],
  },
  // What is only looked at, not used.
  one_packet: {
    toml: `address = "192.168.179.201:5354"\nprotocol = "udp"\nscheduler = "rr"\none_packet = true
real_server = [${servers(INSIDE, 5353)}]`,
    service: "-u 192.168.179.201:5354 -s rr -o",
    destinations: ["10.20.0.99:5353 -m -w 1", "10.20.0.104:5353 -m -w 1"],
  },
  sctp: {
    toml: `address = "192.168.179.201:5000"\nprotocol = "sctp"\nscheduler = "wlc"
real_server = [{ address = "10.20.0.99:5000", weight = 65535 }]`,
    service: "--sctp-service 192.168.179.201:5000 -s wlc",
    destinations: ["10.20.0.99:5000 -m -w 65535"],
  },
  every_port: {
    toml: `address = "192.168.179.209"\nscheduler = "sh"\nflags = ["sh-port", "sh-fallback"]\nforward = "dr"
persistence = "300s"\npersistence_granularity = "255.255.255.0"\nreal_server = [{ address = "192.168.179.99" }]`,
    service: "-t 192.168.179.209:0 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port",
    destinations: ["192.168.179.99:0 -g -w 1"],
  },
  encapsulated: {
    toml: `address = "192.168.179.210:80"\nscheduler = "mh"\nflags = ["mh-port"]
forward = { method = "tunnel", type = "gue", port = 6080, checksum = "checksum" }
real_server = [{ address = "192.168.179.99:80" },
{ address = "192.168.179.104:80", forward = { method = "tunnel", type = "gre" } }]`,
    service: "-t 192.168.179.210:80 -s mh -b mh-port",
    destinations: [
      "192.168.179.99:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-csum",
      "192.168.179.104:80 -i -w 1 --tun-type gre --tun-nocsum",
    ],
  },
};

/** Scheduler -> how it deals out 12 requests to servers of weight 1 and 3; undefined: as it comes. */
const SCHEDULERS: Readonly<Record<string, string | undefined>> = {
  rr: "6+6",
  wrr: "3+9",
  lc: undefined,
  wlc: undefined,
  lblc: "one",
  lblcr: "one",
  dh: "one",
  sh: "one",
  mh: "one",
  sed: undefined,
  nq: undefined,
  fo: "0+12",
  ovf: "0+12",
};
const FIRST_PORT = 8001;

const scheduling = Object.keys(SCHEDULERS).map((name, index) => {
  const address = `192.168.179.201:${FIRST_PORT + index}`;
  const [light, heavy] = INSIDE;
  const toml = `address = "${address}"\nscheduler = "${name}"
real_server = [{ address = "${light}:80" }, { address = "${heavy}:80", weight = 3 }]`;
  const destinations = [`${light}:80 -m -w 1`, `${heavy}:80 -m -w 3`];
  return [`by_${name}`, { toml, service: `-t ${address} -s ${name}`, destinations }] as const;
});

const ALL: readonly (readonly [name: string, row: Row])[] = [...Object.entries(ROWS), ...scheduling];

const TOML = ALL.map(([name, row]) => `[virtual_server.${name}]\n${row.toml}\n`).join("\n");

/** The table that the kernel must have, sorted. */
const TABLE = sorted(
  ALL.flatMap(([, { service, destinations }]) => [
    `-A ${service}`,
    ...destinations.map((one) => `-a ${service.split(" ").slice(0, 2).join(" ")} -r ${one}`),
  ]).join("\n"),
);

interface World {
  readonly lab: Lab;
  readonly director: Host;
  vipd: Vipd;
}

async function open(): Promise<World> {
  const lab = await createLab(hosts({ n1: addressesOf(102, 1) }));
  const director = lab.node("n1");
  const virtual = [201, 202, 203, 204, 205, 209].map((number) => `192.168.179.${number}/32`);
  const virtual6 = ["fd00:179::201/128", "fd00:179::202/128"];
  await prepareDirector(director);
  await director.exec([
    "sh",
    "-c",
    [...virtual, ...virtual6].map((one) => `ip address add ${one} dev eth0`).join(" && "),
  ]);
  const mark = "ip daddr 192.168.179.204 tcp dport 80 meta mark set 7";
  const chain = `chain arriving {\ntype filter hook prerouting priority mangle\n${mark}\n}`;
  await director.exec(["nft", "-f", "-"], { stdin: `table ip marks {\n${chain}\n}\n` });
  await Promise.all([lab.node("rs1"), lab.node("rs2")].map(openServer));
  assertEquals(await loaded("ip_vs"), false, "no part of IPVS is loaded before it is asked for");
  return { lab, director, vipd: await startVipd(director, TOML) };
}

async function loaded(module: string): Promise<boolean> {
  return (await Deno.readTextFile("/proc/modules")).split("\n").some((line) => line.startsWith(`${module} `));
}

/** Waits until the kernel's table is that of the configuration. */
async function complete(director: Host): Promise<void> {
  const equal = async (): Promise<boolean> => (await ipvsTable(director)).join() === TABLE.join();
  await waitFor("the whole table", equal, 60_000, 500).catch(async () => {
    assertEquals(await ipvsTable(director), TABLE);
  });
}

async function openServer(server: Host): Promise<void> {
  await prepareRealServer(server);
  await holdQuietly(server, ["192.168.179.202/32", "192.168.179.205/32", "fd00:179::202/128"]);
  await server.exec(["sh", "-c", "modprobe ipip && ip link set tunl0 up"]);
  await holdQuietly(server, ["192.168.179.203/32"], "tunl0");
  const inside = (await server.addresses("eth0")).find((one) => one.startsWith("10.20."));
  startAnswering(server);
  server.spawn("echo", ["socat", `UDP4-RECVFROM:5353,bind=${inside},fork`, `SYSTEM:echo ${server.name}`]);
}

/** Names of the real servers that answered so many datagrams, each from a port of its own. */
async function answers(lab: Lab, address: string, datagrams: number): Promise<string[]> {
  const one = `echo | socat -T 10 -t 10 - UDP4:${address},readbytes=4`;
  const text = await lab.client.exec(["sh", "-c", `for i in $(seq ${datagrams}); do ${one}; done`]);
  return text.trim().split("\n").sort();
}

/** What an operator wants of a real server of "lines". */
async function order({ vipd }: World, server: string, what: "drain" | "undrain"): Promise<void> {
  const path = `/virtual_servers/lines/real_servers/${encodeURIComponent(server)}/${what}`;
  const { status, ok } = await request(vipd.socket, path, { method: "POST" });
  assert(ok, `${what}: ${status}`);
}

/** Active connections of a real server of "lines", as the status counts them. */
async function connections({ vipd }: World, server: string): Promise<number | null | undefined> {
  const lines = (await status(vipd)).virtual_servers.find(({ name }) => name === "lines");
  return lines?.real_servers.find(({ name }) => name === server)?.active_connections;
}

async function drain(world: World): Promise<void> {
  const { lab, director } = world;
  const old = await converse(lab.client, LINES, 41_000);
  const name = await old.say("hello");
  const server = `${INSIDE[name === "rs1" ? 0 : 1]}:${PORT}`;
  const weight = (weight: string) => async (): Promise<boolean> =>
    (await ipvsTable(director)).some((line) =>
      line.startsWith(`-a -t ${LINES} -r ${server} -m -w ${weight}`)
    );
  await waitFor("its connection in the status", async () => await connections(world, server) === 1, 60_000);
  await order(world, server, "drain");
  await waitFor("weight 0", weight("0"), 60_000);
  assertEquals(await old.say("still"), name);
  const fresh = await converse(lab.client, LINES, 41_001);
  assert(await fresh.say("new") !== name, "a new connection goes elsewhere");
  await old.end();
  await waitFor("the drained server to be out", async () => !await weight("")(), 60_000);
  await order(world, server, "undrain");
  await complete(director);
  await fresh.end();
}

/** Half of the requests to each. */
function evenly(name: string, address: string): Readonly<Record<string, (world: World) => Promise<void>>> {
  return {
    [name]: async ({ lab }) => assertEquals(await hits(lab, address, 12), { rs1: 6, rs2: 6 }),
  };
}

export const forwarding = inOneWorld(open, {
  "every virtual server is in the kernel, to the letter": async ({ director }) => {
    await complete(director);
    assert(await loaded("ip_vs"));
  },
  ...evenly("NAT", "192.168.179.201"),
  ...evenly("direct routing", "192.168.179.202"),
  ...evenly("tunnel", "192.168.179.203"),
  ...evenly("NAT of IPv6", "[fd00:179::201]"),
  ...evenly("direct routing of IPv6", "[fd00:179::202]"),
  ...evenly("firewall mark", "192.168.179.204"),
  "persistence: a client stays with its server": async ({ lab }) => {
    assertEquals(Object.values(await hits(lab, "192.168.179.205", 6)), [6]);
  },
  "UDP": async ({ lab }) => {
    assertEquals(await answers(lab, "192.168.179.201:5353", 4), ["rs1", "rs1", "rs2", "rs2"]);
  },
  "every scheduler deals out its way": async ({ lab }) => {
    for (const [index, [name, deal]] of Object.entries(SCHEDULERS).entries()) {
      const { rs1 = 0, rs2 = 0, ...others } = await hits(lab, `192.168.179.201:${FIRST_PORT + index}`, 12);
      assertEquals([rs1 + rs2, others], [12, {}], name);
      if (deal === "one") assert(rs1 === 12 || rs2 === 12, `${name}: ${rs1}+${rs2}`);
      else if (deal !== undefined) assertEquals(`${rs1}+${rs2}`, deal, name);
    }
  },
  "a drained server keeps its connection, gets no new one, and goes with the last": drain,
  "who was killed finds its services as they were, and puts right what changed": async (world) => {
    const { director } = world;
    world.vipd.child.signal("SIGKILL");
    await world.vipd.child.exited;
    assertEquals(await ipvsTable(director), TABLE);
    const changes = "-d -t 192.168.179.202:80 -r 192.168.179.99:80\n-e -f 7 -r 10.20.0.99:80 -m -w 9\n";
    await director.exec(["ipvsadm", "-R"], { stdin: changes });
    world.vipd = await startVipd(director, TOML);
    await complete(director);
  },
  "an orderly end leaves nothing behind": async ({ director, vipd }) => {
    assertEquals((await vipd.child.stop("SIGTERM", 60_000)).code, 0);
    assertEquals(await ipvsTable(director), []);
  },
});
