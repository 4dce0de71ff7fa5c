/** Virtual servers on a kernel without IPVS: the nftables engine with real traffic, by NAT. */
import { assertEquals } from "@std/assert";
import { shares, startRealServer } from "./lab/real_servers.ts";
import { inLab, testTogether } from "./lab/scenario.ts";
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

async function prepared(lab: Lab): Promise<Host> {
  const director = lab.node("director");
  const forwarding =
    "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
  await director.exec(["sh", "-c", forwarding]);
  await Promise.all(SERVERS.map(async (name) => {
    await lab.node(name).ip("route", "add", "default", "via", "10.77.0.1");
    await lab.node(name).ip("-6", "route", "add", "default", "via", "fd00:77::1");
    await startRealServer(lab.node(name));
  }));
  return director;
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
    name: "round robin, weights by reload, weight 0, IPv6, and nothing left behind",
    body: () =>
      inLab(OPTIONS, async (lab) => {
        const config = (servers: readonly Server[]): string =>
          virtualServer(`${ADDRESS}\nscheduler = "wrr"`, servers);
        const { director, vipd } = await started(lab, config(BOTH));
        assertEquals(await shares(lab.client, VIP, 20), { rs1: 10, rs2: 10 });
        assertEquals(await shares(director, VIP, 4), { rs1: 2, rs2: 2 });
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
]);
