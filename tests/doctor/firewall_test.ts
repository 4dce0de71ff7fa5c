/** What becomes of advertisements in rulesets as they are found in the wild, and of which rule that is. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fateOf } from "../../mod/doctor/firewall/evaluate.ts";
import { readIptables } from "../../mod/doctor/firewall/iptables.ts";
import { readNft } from "../../mod/doctor/firewall/nft.ts";
import type { Packet, Ruleset } from "../../mod/doctor/firewall/ruleset.ts";

const FILES = new URL("rulesets/", import.meta.url);

const PACKETS = {
  in4: {
    direction: "in",
    family: 4,
    interface: "eth0",
    source: "192.0.2.2",
    destination: "224.0.0.18",
    multicast: true,
  },
  far4: {
    direction: "in",
    family: 4,
    interface: "eth0",
    source: "10.9.9.9",
    destination: "224.0.0.18",
    multicast: true,
  },
  unknown4: {
    direction: "in",
    family: 4,
    interface: "eth0",
    source: null,
    destination: "224.0.0.18",
    multicast: true,
  },
  unicast4: {
    direction: "in",
    family: 4,
    interface: "eth0",
    source: "192.0.2.2",
    destination: "192.0.2.1",
    multicast: false,
  },
  in6: {
    direction: "in",
    family: 6,
    interface: "eth0",
    source: "fe80::2",
    destination: "ff02::12",
    multicast: true,
  },
  out4: {
    direction: "out",
    family: 4,
    interface: "eth0",
    source: "192.0.2.1",
    destination: "224.0.0.18",
    multicast: true,
  },
  out6: {
    direction: "out",
    family: 6,
    interface: "eth0",
    source: "fe80::1",
    destination: "ff02::12",
    multicast: true,
  },
} as const satisfies Record<string, Packet>;

type Row = readonly [file: string, packet: keyof typeof PACKETS, fate: string, place: string];

const ROWS: readonly Row[] = [
  ["firewalld.json", "in4", "drops", "filter_IN_public, handle"],
  ["firewalld.json", "in6", "drops", "filter_IN_public, handle"],
  ["firewalld.json", "out4", "passes", ""],
  ["firewalld_vrrp.json", "in4", "passes", ""],
  ["firewalld_vrrp.json", "in6", "passes", ""],
  ["policy_drop.json", "in4", "drops", "nft inet filter input"],
  ["policy_drop.json", "out4", "drops", "nft inet filter output"],
  ["policy_drop.json", "unicast4", "drops", "nft inet filter input"],
  ["policy_drop_right.json", "in4", "passes", ""],
  ["policy_drop_right.json", "far4", "drops", "nft inet filter input"],
  ["policy_drop_right.json", "unknown4", "may drop", "nft inet filter input"],
  ["policy_drop_right.json", "in6", "passes", ""],
  ["policy_drop_right.json", "out6", "passes", ""],
  ["doubtful.json", "in4", "may drop", "nft inet filter input, handle"],
  ["doubtful.json", "out4", "may drop", "nft inet filter bad, handle"],
  ["multicast.json", "in4", "drops", "nft ip filter input, handle"],
  ["multicast.json", "unicast4", "passes", ""],
  ["multicast.json", "in6", "drops", "nft netdev edge in, handle"],
  ["other_protocols.json", "in4", "drops", "nft inet filter input, handle 3"],
  ["other_protocols.json", "far4", "passes", ""],
  ["other_protocols.json", "in6", "passes", ""],
  ["ufw.rules", "in4", "drops", "iptables -t filter INPUT"],
  ["ufw.rules", "unicast4", "drops", "iptables -t filter INPUT"],
  ["ufw.rules", "out4", "passes", ""],
  ["ufw_right.rules", "in4", "passes", ""],
  ["docker.rules", "in4", "passes", ""],
  ["docker.rules", "out4", "passes", ""],
  ["legacy.rules", "in4", "passes", ""],
  ["legacy.rules", "far4", "drops", "iptables -t filter INPUT, rule 2"],
  ["legacy.rules", "unknown4", "may drop", "iptables -t filter INPUT, rule 2"],
  ["legacy.rules", "out4", "drops", "iptables -t filter OUTPUT, rule 1"],
  ["legacy.rules", "in6", "passes", ""],
];

function ruleset(file: string): Ruleset {
  const text = Deno.readTextFileSync(new URL(file, FILES));
  return file.endsWith(".json") ? readNft(text) : readIptables(text, { family: 4, command: "iptables" });
}

for (const [file, packet, fate, place] of ROWS) {
  Deno.test(`fateOf() ${packet} in ${file}: ${fate}`, () => {
    const found = fateOf([ruleset(file)], PACKETS[packet]);
    assertEquals(found.fate, fate, `${found.place}: ${found.text}`);
    assertStringIncludes(found.place, place);
    assertEquals(found.fix === "", fate === "passes");
  });
}

Deno.test("fateOf() every ruleset has to let it through, and the worst is told", () => {
  const both = [ruleset("docker.rules"), ruleset("doubtful.json"), ruleset("policy_drop.json")];
  assertEquals(fateOf(both, PACKETS.in4).fate, "drops");
  assertEquals(fateOf([], PACKETS.in4).fate, "passes");
});

Deno.test("readNft() leaves out the tables that iptables tells better", () => {
  const text = Deno.readTextFileSync(new URL("multicast.json", FILES));
  const others = readNft(text, new Set(["ip filter"]));
  assertEquals(fateOf([others], PACKETS.in4).fate, "passes");
});

Deno.test("fateOf() chains that call each other in a ring come to an end", () => {
  const ring =
    "*filter\n:INPUT DROP [0:0]\n:a - [0:0]\n:b - [0:0]\n-A INPUT -j a\n-A a -j b\n-A b -j a\nCOMMIT\n";
  assertEquals(fateOf([readIptables(ring, { family: 4, command: "iptables" })], PACKETS.in4).fate, "drops");
});
