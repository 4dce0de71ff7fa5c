/**
 * Rule sets as they are written down in the golden table, and what a kernel says to them and to every change.
 */
import { assert, assertEquals } from "@std/assert";
import { declaration, idOf, type Thing } from "../../../mod/balance/nftables/objects.ts";
import { plan, replace } from "../../../mod/balance/nftables/plan.ts";
import { rulesetOf } from "../../../mod/balance/nftables/ruleset.ts";
import type { Json } from "../../../mod/balance/nftables/statements.ts";
import { addLink, openRtnetlink } from "../../../ffi/rtnetlink.ts";
import { namespace } from "../../ffi/namespace.ts";
import { GOLDEN } from "../../golden/nftables.ts";
import { at, service, to, TWO } from "./fixtures.ts";
import { LONG_ROWS, ROWS, SURROUNDINGS } from "./rows.ts";

/** One line for each object, and one for each of its rules or elements. */
function lines(things: readonly Thing[]): string[] {
  return things.flatMap((thing): string[] => {
    const head = JSON.stringify(declaration(thing));
    if (thing.kind === "chain") return [head, ...thing.rules.map((rule) => `  ${JSON.stringify(rule)}`)];
    if (thing.kind === "set" || thing.kind === "counter") return [head];
    return [head, ...[...thing.elements.values()].map((element) => `  ${JSON.stringify(element)}`)];
  });
}

for (const [name, services] of Object.entries(ROWS)) {
  Deno.test(`rule set: ${name}`, () => {
    assertEquals(lines(rulesetOf(services, SURROUNDINGS).things), GOLDEN[name]);
  });
}

function nft(commands: readonly Json[]): string {
  const file = Deno.makeTempFileSync();
  try {
    Deno.writeTextFileSync(file, JSON.stringify({ nftables: commands }));
    return new TextDecoder().decode(
      new Deno.Command("nft", { args: ["-j", "-f", file] }).outputSync().stderr,
    );
  } finally {
    Deno.removeSync(file);
  }
}

Deno.test("a kernel takes every rule set, every change from one to the next, and the end", () => {
  using ns = namespace();
  ns.run(() => {
    using nl = openRtnetlink();
    addLink(nl, { kind: "veth", name: "lan0", peer: { name: "lan1" } });
    let present: readonly Thing[] = [];
    for (const [name, services] of Object.entries({ ...ROWS, ...LONG_ROWS })) {
      const { things } = rulesetOf(services, SURROUNDINGS);
      const commands = plan(things, new Map(present.map((thing) => [idOf(thing), thing])));
      assertEquals([name, nft(commands)], [name, ""]);
      assertEquals([name, nft(replace(things, ["inet", "netdev"]))], [name, ""]);
      present = things;
    }
    const unknown = new Map(present.map((thing) => [idOf(thing), null]));
    assertEquals(nft(plan(present, unknown)), "");
    assertEquals(nft(plan([], unknown)), "");
    assertEquals(
      new TextDecoder().decode(new Deno.Command("nft", { args: ["list", "ruleset"] }).outputSync().stdout),
      "",
    );
  });
});

Deno.test("what cannot be done is named, and left out", () => {
  const tunnel = { method: "tunnel", type: "ipip", port: 0, checksum: "none" } as const;
  const direct = { forward: { method: "dr" } } as const;
  const { things, problems, notes } = rulesetOf([
    service(at("tcp 192.0.2.10:80"), [to("192.0.2.21", 80, { forward: tunnel })]),
    service(at("tcp 192.0.2.11:80"), [to("192.0.2.21", 80, direct), to("192.0.2.22", 80)]),
    service({ kind: "fwmark", family: 4, fwmark: 7 }, [to("192.0.2.21", 0, direct)]),
    service(at("tcp 192.0.2.12:80"), [to("2001:db8::21", 80)]),
    service(at("udp 192.0.2.13:80"), [to("192.0.2.21", 80, { upperThreshold: 9 })], {
      onePacket: true,
      persistence: { seconds: 5, prefix: 32, engine: "sip" },
    }),
    service(at("tcp 192.0.2.14:80"), [to("192.0.2.23", 80, direct)]),
  ], SURROUNDINGS);
  assertEquals(problems, [
    "tcp 192.0.2.10:80: nftables cannot forward by tunnel",
    "tcp 192.0.2.11:80: nftables forwards to all real servers of a virtual server in the same way",
    "fwmark 7 ipv4: nftables forwards by dr before anybody sets marks",
    "tcp 192.0.2.12:80: 2001:db8::21 is not of its address family, which takes a tunnel",
    "tcp 192.0.2.14:80: 192.0.2.23 is behind a router",
  ]);
  assertEquals(notes, [
    "udp 192.0.2.13:80: nftables keeps a client by its address, not by its SIP call",
    "udp 192.0.2.13:80: nftables schedules a client's port once, not every packet",
    "udp 192.0.2.13:80: nftables counts no connections, so thresholds are not heeded",
  ]);
  assert(!things.some(({ name }) => /192\.0\.2\.1[012]-80/.test(name)));
});

Deno.test("nothing for nobody", () => {
  assertEquals(rulesetOf([]).things, []);
  assertEquals(rulesetOf([service(at("tcp 192.0.2.10:80"), TWO, { scheduler: "ovf" })]).things, []);
});
