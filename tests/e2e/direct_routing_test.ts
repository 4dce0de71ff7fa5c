/**
 * A real server of direct routing: it answers for the virtual address, never says so in ARP, keeps the
 * address against others, over reloads and upgrades, and leaves nothing behind.
 */
import { assert, assertEquals } from "@std/assert";
import { capture, field, type Packet } from "./lab/capture.ts";
import { inLab } from "./lab/scenario.ts";
import { reload, request, startVipd, status, type Vipd } from "./lab/vipd.ts";
import { type Host, type Lab, waitFor } from "./lab.ts";

const LAB = {
  nodes: { n1: ["192.168.121.129/24", "fd00:121::129/64"] },
  client: ["192.168.121.10/24", "fd00:121::10/64"],
};
const [FIRST, SECOND] = ["192.168.121.120", "192.168.121.121"] as const;
const FIRST6 = "fd00:121::120";
const PATIENCE_MS = 20_000;
const PARAMETERS = ["all", "lo"].flatMap((name) =>
  ["arp_ignore", "arp_announce"].map((key) => `net.ipv4.conf.${name}.${key}`)
);

function routing(...addresses: readonly string[]): string {
  return `[direct_routing.web]\naddresses = ${JSON.stringify(addresses)}\n`;
}

async function parameters(node: Host): Promise<string> {
  return (await node.exec(["sysctl", "-n", ...PARAMETERS])).trim().split("\n").join(" ");
}

/** One echo to a virtual address that the client believes to be at this link-layer address. */
async function isAnswered(lab: Lab, address: string, mac: string): Promise<boolean> {
  await lab.client.ip("neighbour", "replace", address, "lladdr", mac, "dev", "eth0");
  const answer = await lab.client.exec(["ping", "-c", "1", "-W", "5", address], { mayFail: true });
  await lab.client.ip("neighbour", "delete", address, "dev", "eth0");
  return answer.includes(" 0% packet loss");
}

/** Asks for the addresses without knowing where they are, and returns what was said about them. */
async function askedFor(lab: Lab, addresses: readonly string[]): Promise<Packet[]> {
  const recording = await capture(lab.bridge, "n1");
  for (const address of addresses) {
    await lab.client.exec(["ping", "-c", "1", "-W", "1", address], { mayFail: true });
  }
  const packets = await recording.stop();
  assert(packets.some((packet) => field(packet, "arp.dst.proto_ipv4") === addresses[0]), "it was asked");
  const claimed = ["arp.src.proto_ipv4", "icmpv6.nd.na.target_address"];
  return packets.filter((packet) => claimed.some((name) => addresses.includes(field(packet, name))));
}

async function presence(vipd: Vipd): Promise<Record<string, boolean>> {
  const { direct_routing: [web] } = await status(vipd);
  assertEquals(web?.problem ?? null, null);
  return Object.fromEntries(web?.addresses.map(({ address, present }) => [address, present]) ?? []);
}

Deno.test("direct routing: a real server", async () => {
  await inLab(LAB, async (lab) => {
    const n1 = lab.node("n1");
    const before = await parameters(n1);
    const mac = await n1.macAddress();
    let vipd = await startVipd(n1, routing(FIRST, FIRST6));
    assertEquals(await presence(vipd), { [FIRST]: true, [FIRST6]: true });
    assertEquals(await parameters(n1), "1 2 1 2");

    assertEquals(await askedFor(lab, [FIRST, FIRST6]), []);
    assert(await isAnswered(lab, FIRST, mac));
    assert(await isAnswered(lab, FIRST6, mac));

    await n1.ip("address", "delete", `${FIRST}/32`, "dev", "lo");
    await waitFor("the address to come back", () => n1.holds(FIRST), PATIENCE_MS);
    const { direct_routing: [web] } = await status(vipd);
    assertEquals(web?.addresses[0], { address: FIRST, present: true, restored: 1 });

    await reload(vipd, routing(FIRST, SECOND));
    await waitFor("the other address", () => n1.holds(SECOND), PATIENCE_MS);
    assertEquals([await n1.holds(FIRST), await n1.holds(FIRST6)], [true, false]);

    await request(vipd.socket, "/upgrade", { method: "POST" });
    const hasUpgraded = async (): Promise<boolean> => (await status(vipd)).node.last_upgrade !== null;
    await waitFor("the upgrade", () => hasUpgraded().catch(() => false), PATIENCE_MS);
    assertEquals(await presence(vipd), { [FIRST]: true, [SECOND]: true });

    await vipd.child.stop();
    assertEquals([await n1.holds(FIRST), await n1.holds(SECOND), await parameters(n1)], [
      false,
      false,
      before,
    ]);

    // Killed, it serves on; the next run takes over what is there.
    vipd = await startVipd(n1, routing(FIRST));
    await vipd.child.stop("SIGKILL");
    assert(await n1.holds(FIRST));
    vipd = await startVipd(n1, routing(FIRST));
    await vipd.child.stop();
    assertEquals(await n1.holds(FIRST), false);
  });
});
