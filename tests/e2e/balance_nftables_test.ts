/** Virtual servers where the kernel has no IPVS: the nftables engine, translating or direct, real traffic. */
import { assert, assertEquals } from "@std/assert";
import { curlExit, hold, HOLD_PORT, shares, startRealServer, udpShares } from "./lab/real_servers.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, settled, testTogether } from "./lab/scenario.ts";
import { reload, startVipd, type Vipd } from "./lab/vipd.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

const VIP = "192.0.2.10";
const VIP6 = "fd00:1::10";
const OPTIONS = {
  nodes: {
    director: ["192.0.2.1/24", `${VIP}/32`, "10.77.0.1/24", "fd00:1::1/64", `${VIP6}/128`, "fd00:77::1/64"],
    rs1: ["10.77.0.21/24", "fd00:77::21/64"],
    rs2: ["10.77.0.22/24", "fd00:77::22/64"],
  },
  client: ["192.0.2.100/24", "fd00:1::100/64"],
};
const SERVERS = ["rs1", "rs2"];
/** The addresses of clients and servers move. */
const PAIR = {
  nodes: {
    ...OPTIONS.nodes,
    director: ["192.0.2.1/24", "10.77.0.2/24"],
    other: ["192.0.2.2/24", "10.77.0.3/24"],
  },
  client: OPTIONS.client,
};

async function forwards(director: Host): Promise<void> {
  const forwarding =
    "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
  await director.exec(["sh", "-c", forwarding]);
}

async function prepared(lab: Lab): Promise<Host> {
  await forwards(lab.node("director"));
  await Promise.all(SERVERS.map(async (name) => {
    await lab.node(name).ip("route", "add", "default", "via", "10.77.0.1");
    await lab.node(name).ip("-6", "route", "add", "default", "via", "fd00:77::1");
    await startRealServer(lab.node(name));
  }));
  return lab.node("director");
}

interface Server {
  readonly name: string;
  readonly weight?: number;
}

function virtualServer(keys: string, servers: readonly Server[], port = "", v6 = false): string {
  return [
    "[virtual_server.web]",
    'engine = "nftables"',
    keys,
    ...servers.map(({ name, weight = 1 }) => {
      const last = name.slice(2);
      const address = v6 ? `[fd00:77::2${last}]${port}` : `10.77.0.2${last}${port}`;
      return `[[virtual_server.web.real_server]]\nname = "${name}"\naddress = "${address}"\nweight = ${weight}`;
    }),
  ].join("\n");
}

const BOTH = [{ name: "rs1" }, { name: "rs2" }];
const ADDRESS = `address = "${VIP}:80"`;

/** A director of a pair: one port by hash, to both servers; the next one by turns, to these. */
function ofPair(priority: number, turned: readonly Server[]): string {
  const addresses = [`${VIP}/32`, "10.77.0.1/24"];
  const router = vipdRouter({ name: "VI", vrid: 7, version: 3, priority, intervalMs: 100, addresses });
  const hashed = `address = "${VIP}:${HOLD_PORT}"\nscheduler = "sh"\nflags = ["sh-port"]`;
  const rotated = `address = "${VIP}:${HOLD_PORT + 1}"\nscheduler = "rr"`;
  return [
    router,
    virtualServer(hashed, BOTH),
    virtualServer(rotated, turned, `:${HOLD_PORT}`).replaceAll("virtual_server.web", "virtual_server.turns"),
  ].join("\n");
}

function direct(keys: string, servers: readonly Server[], v6 = false): string {
  return virtualServer(`${keys}\nscheduler = "wrr"\nforward = "dr"`, servers, "", v6);
}

/** Has the virtual addresses and does not tell: what arptables and sysctl do on a real server. */
async function takesDirectly(server: Host): Promise<void> {
  const quiet = "for i in all lo; do echo 1 > /proc/sys/net/ipv4/conf/$i/arp_ignore; " +
    "echo 2 > /proc/sys/net/ipv4/conf/$i/arp_announce; done";
  await server.exec(["sh", "-c", quiet]);
  // To the client past the director, which would take a packet from its own address for a forgery.
  await server.ip("route", "add", "192.0.2.0/24", "dev", "eth0");
  await server.ip("-6", "route", "add", "fd00:1::/64", "dev", "eth0");
  await server.ip("address", "add", `${VIP}/32`, "dev", "lo");
  await server.ip("address", "add", `${VIP6}/128`, "dev", "lo");
}

async function ruledDirectly(director: Host, by: (table: string) => boolean): Promise<void> {
  const list = ["nft", "list", "table", "netdev", "vipd"];
  await waitFor("the rules", async () => by(await director.exec(list, { mayFail: true })), 20_000, 50);
}

/** The text of vipd's table; empty while there is none. */
function table(director: Host): Promise<string> {
  return director.exec(["nft", "list", "table", "inet", "vipd"], { mayFail: true });
}

async function ruled(director: Host, by: (table: string) => boolean): Promise<void> {
  await waitFor("the rules", async () => by(await table(director)), 20_000, 50);
}

async function started(lab: Lab, toml: string): Promise<{ director: Host; vipd: Vipd }> {
  const director = await prepared(lab);
  const vipd = await startVipd(director, toml);
  await ruled(director, (text) => text.includes("prerouting"));
  return { director, vipd };
}

testTogether("nftables", [
  {
    name:
      "round robin, a table that somebody deletes, weights by reload, weight 0, IPv6, nothing left behind",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const config = (servers: readonly Server[]): string =>
          virtualServer(`${ADDRESS}\nscheduler = "wrr"`, servers);
        const { director, vipd } = await started(lab, config(BOTH));
        assertEquals(await shares(lab.client, VIP, 20), { rs1: 10, rs2: 10 });
        assertEquals(await shares(director, VIP, 4), { rs1: 2, rs2: 2 });
        await director.exec(["nft", "delete", "table", "inet", "vipd"]);
        await ruled(director, (text) => text.includes("prerouting"));
        await waitFor("a word about it", () => vipd.child.output.includes("healed table inet vipd"), 10_000);
        assertEquals(await shares(lab.client, VIP, 4), { rs1: 2, rs2: 2 });
        await reload(vipd, config([{ name: "rs1", weight: 3 }, { name: "rs2" }]));
        await ruled(director, (text) => text.includes("mod 4"));
        assertEquals(await shares(lab.client, VIP, 20), { rs1: 15, rs2: 5 });
        await reload(vipd, config([{ name: "rs1", weight: 0 }, { name: "rs2" }]));
        await ruled(director, (text) => !text.includes("numgen"));
        assertEquals(await shares(lab.client, VIP, 10), { rs2: 10 });
        await reload(vipd, virtualServer(`address = "[${VIP6}]:80"\nscheduler = "rr"`, BOTH, "", true));
        await ruled(director, (text) => text.includes("ip6"));
        assertEquals(await shares(lab.client, VIP6, 20), { rs1: 10, rs2: 10 });
        await vipd.child.stop();
        assertEquals(await director.exec(["nft", "list", "ruleset"]), "");
      }),
  },
  {
    name: "connections stay through reloads and weight 0; those of a server that is removed end at once",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const config = (servers: readonly Server[]): string =>
          virtualServer(`address = "${VIP}:${HOLD_PORT}"\nscheduler = "wrr"`, servers);
        const { director, vipd } = await started(lab, config(BOTH));
        const held = await hold(lab, VIP, 8);
        assertEquals(held.servers.filter((name) => name === "rs1").length, 4);
        await reload(vipd, config([{ name: "rs1" }, { name: "rs2", weight: 5 }]));
        await ruled(director, (text) => text.includes("mod 6"));
        await reload(vipd, config([{ name: "rs1" }, { name: "rs2", weight: 0 }]));
        await ruled(director, (text) => !text.includes("numgen"));
        assertEquals(held.lost, []);
        await reload(vipd, config([{ name: "rs1" }]));
        await waitFor("the connections of rs2 to end", () => held.lost.length === 4, 10_000);
        const lost = held.lost.map(({ index }) => held.servers[index]);
        assertEquals(lost, ["rs2", "rs2", "rs2", "rs2"]);
        assert(held.lost.every(({ reason }) => reason !== "silent"), JSON.stringify(held.lost));
      }),
  },
  {
    name: "clients are kept by hash or by memory, moved when their server is not for them any more",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const keys = (rest: string): string => `${ADDRESS}\n${rest}`;
        const { director, vipd } = await started(lab, virtualServer(keys('scheduler = "sh"'), BOTH));
        const [hashed] = Object.keys(await shares(lab.client, VIP, 8));
        assertEquals(await shares(lab.client, VIP, 8), { [hashed!]: 8 });
        const sticky = keys('scheduler = "wrr"\npersistence = "100s"');
        await reload(vipd, virtualServer(sticky, BOTH));
        await ruled(director, (text) => text.includes("numgen"));
        const [kept, ...others] = Object.keys(await shares(lab.client, VIP, 8));
        assertEquals(others, []);
        // Another change of the service, and who is remembered stays so.
        await reload(vipd, virtualServer(sticky, [{ name: "rs1", weight: 3 }, { name: "rs2", weight: 2 }]));
        await ruled(director, (text) => text.includes("mod 5"));
        assertEquals(await shares(lab.client, VIP, 4), { [kept!]: 4 });
        const moved = kept === "rs1" ? "rs2" : "rs1";
        await reload(vipd, virtualServer(sticky, [{ name: kept!, weight: 0 }, { name: moved }]));
        await ruled(director, (text) => !text.includes("numgen"));
        assertEquals(await shares(lab.client, VIP, 4), { [moved]: 4 });
        await reload(vipd, virtualServer(sticky, BOTH));
        await ruled(director, (text) => text.includes("numgen"));
        assertEquals(await shares(lab.client, VIP, 4), { [moved]: 4 });
      }),
  },
  {
    name: "UDP, every port of an address, a firewall mark, and nobody there",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const udp = virtualServer(`address = "${VIP}:7"\nprotocol = "udp"\nscheduler = "rr"`, BOTH);
        const { director, vipd } = await started(lab, udp);
        assertEquals(await udpShares(lab.client, VIP, 8), { rs1: 4, rs2: 4 });
        const any = virtualServer(`address = "${VIP}:0"\npersistence = "50s"\nscheduler = "rr"`, BOTH);
        await reload(vipd, any);
        await ruled(director, (text) => text.includes(`tcp-${VIP}-0`));
        const [one] = Object.keys(await shares(lab.client, VIP, 3));
        assertEquals((await hold(lab, VIP, 2)).servers, [one, one]);
        await director.exec(["nft", "-f", "-"], {
          stdin: `table ip mangle {
            chain prerouting {
              type filter hook prerouting priority -150
              ip daddr ${VIP} tcp dport 80 meta mark set 7
            }
          }`,
        });
        await reload(vipd, virtualServer('fwmark = 7\nscheduler = "rr"', BOTH));
        await ruled(director, (text) => text.includes("fwmark-7"));
        assertEquals(await shares(lab.client, VIP, 6), { rs1: 3, rs2: 3 });
        await reload(vipd, virtualServer(ADDRESS, BOTH.map(({ name }) => ({ name, weight: 0 }))));
        await ruled(director, (text) => text.includes(`tcp-${VIP}-80`));
        assertEquals(await curlExit(lab.client, VIP), 7);
      }),
  },
  {
    name: "direct routing: distribution, held connections, weight 0, removal, IPv6, UDP, nobody there",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const { director, vipd } = await started(lab, direct(`address = "${VIP}:80"`, BOTH));
        await Promise.all(SERVERS.map((name) => takesDirectly(lab.node(name))));
        assertEquals(await shares(lab.client, VIP, 20), { rs1: 10, rs2: 10 });
        const held = async (servers: readonly Server[]): Promise<void> => {
          await reload(vipd, direct(`address = "${VIP}:${HOLD_PORT}"`, servers));
        };
        await held(BOTH);
        await ruledDirectly(director, (text) => text.includes(`tcp-${VIP}-${HOLD_PORT}`));
        const open = await hold(lab, VIP, 8);
        assertEquals(open.servers.filter((name) => name === "rs1").length, 4);
        await held([{ name: "rs1" }, { name: "rs2", weight: 0 }]);
        await ruledDirectly(director, (text) => !text.includes("numgen"));
        assertEquals((await hold(lab, VIP, 3)).servers, ["rs1", "rs1", "rs1"]);
        assertEquals(open.lost, []);
        await held([{ name: "rs1" }]);
        await waitFor("the connections of rs2 to end", () => open.lost.length === 4, 10_000);
        assertEquals(new Set(open.lost.map(({ index }) => open.servers[index])), new Set(["rs2"]));
        assert(open.lost.every(({ reason }) => reason !== "silent"), JSON.stringify(open.lost));
        await reload(vipd, direct(`address = "[${VIP6}]:80"`, BOTH, true));
        await ruledDirectly(director, (text) => text.includes("ip6"));
        assertEquals(await shares(lab.client, VIP6, 20), { rs1: 10, rs2: 10 });
        await reload(vipd, direct(`address = "${VIP}:7"\nprotocol = "udp"`, BOTH));
        await ruledDirectly(director, (text) => text.includes(`udp-${VIP}-7`));
        assertEquals(await udpShares(lab.client, VIP, 8), { rs1: 4, rs2: 4 });
        await reload(vipd, direct(`address = "${VIP}:80"`, BOTH.map(({ name }) => ({ name, weight: 0 }))));
        await ruledDirectly(director, (text) => text.includes(`tcp-${VIP}-80`));
        assertEquals(await curlExit(lab.client, VIP), 7);
        await vipd.child.stop();
        assertEquals(await director.exec(["nft", "list", "ruleset"]), "");
      }),
  },
  {
    name: "masquerade: real servers without a route back",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const forward = 'forward = { method = "nat", masquerade = true }\nscheduler = "rr"';
        const { vipd, director } = await started(lab, virtualServer(`${ADDRESS}\n${forward}`, BOTH));
        for (const name of SERVERS) {
          await lab.node(name).ip("route", "delete", "default");
          await lab.node(name).ip("-6", "route", "delete", "default");
        }
        assertEquals(await shares(lab.client, VIP, 10), { rs1: 5, rs2: 5 });
        await reload(vipd, virtualServer(`address = "[${VIP6}]:80"\n${forward}`, BOTH, "", true));
        await ruled(director, (text) => text.includes("masquerade-ipv6"));
        assertEquals(await shares(lab.client, VIP6, 10), { rs1: 5, rs2: 5 });
      }),
  },
  {
    name:
      "a failover keeps the connections whose server is picked again, by hash all, and ends the others at once",
    body: () =>
      inLab(PAIR, async (lab) => {
        const [first, second] = [lab.node("director"), lab.node("other")];
        await Promise.all([prepared(lab), forwards(second)]);
        const active = await startVipd(first, ofPair(150, BOTH));
        const backup = await startVipd(second, ofPair(100, [{ name: "rs1" }]));
        await settled("VI", active, [backup]);
        await ruled(second, (text) => text.includes("prerouting"));
        const hashed = await hold(lab, VIP, 16);
        const turned = await hold(lab, VIP, 8, HOLD_PORT + 1);
        const ofGone = turned.servers.flatMap((name, index) => name === "rs2" ? [index] : []);
        await active.child.stop();
        await settled("VI", backup, []);
        const ended = (): number[] => turned.lost.map(({ index }) => index);
        await waitFor("those to rs2 to end", () => ofGone.every((index) => ended().includes(index)), 20_000);
        // An answer that was under way in the moment of the failover may take its connection with it.
        assert(hashed.lost.length <= 3, JSON.stringify(hashed.lost));
        assert(turned.lost.every(({ reason }) => reason !== "silent"), JSON.stringify(turned.lost));
      }),
  },
]);
