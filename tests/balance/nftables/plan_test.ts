/** Transactions: what one changes, what it leaves alone, and their order. */
import { assertEquals } from "@std/assert";
import { idOf, type Thing } from "../../../mod/balance/nftables/objects.ts";
import { plan, type Present, replace } from "../../../mod/balance/nftables/plan.ts";
import { rulesetOf } from "../../../mod/balance/nftables/ruleset.ts";
import type { Json } from "../../../mod/balance/nftables/statements.ts";
import type { Service } from "../../../mod/balance/model.ts";
import { at, service, to, TWO } from "./fixtures.ts";

const WEB = service(at("tcp 192.0.2.10:80"), TWO, {
  scheduler: "wrr",
  persistence: { seconds: 50, prefix: 32, engine: null },
});

function things(...services: readonly Service[]): readonly Thing[] {
  return rulesetOf(services).things;
}

function present(things: readonly Thing[]): Present {
  return new Map(things.map((thing) => [idOf(thing), thing]));
}

/** `flush chain tcp-192.0.2.10-80`, in order. */
function words(commands: readonly Json[]): string[] {
  return commands.map((command) => {
    const [[verb, object]] = Object.entries(command as Record<string, Json>) as [
      [string, Record<string, Json>],
    ];
    const [[kind, { name, chain }]] = Object.entries(object) as [[string, Record<string, Json>]];
    return `${verb} ${kind} ${name ?? chain}`;
  });
}

Deno.test("nothing differs, nothing is done", () => {
  assertEquals(plan(things(WEB), present(things(WEB))), []);
  assertEquals(plan([], new Map()), []);
});

Deno.test("a change of weight writes one chain anew and leaves learned clients and counters alone", () => {
  const heavier = { ...WEB, destinations: [to("192.0.2.21", 80, { weight: 3 }), TWO[1]!] };
  assertEquals(words(plan(things(heavier), present(things(WEB)))), [
    "add table vipd",
    "flush chain tcp-192.0.2.10-80",
    ...new Array<string>(5).fill("add rule tcp-192.0.2.10-80"),
  ]);
});

Deno.test("weight 0: its clients are forgotten, its counters stay", () => {
  const quiet = { ...WEB, destinations: [to("192.0.2.21", 80, { weight: 0 }), TWO[1]!] };
  assertEquals(words(plan(things(quiet), present(things(WEB)))), [
    "add table vipd",
    "flush chain tcp-192.0.2.10-80/192.0.2.21-80",
    "flush chain tcp-192.0.2.10-80",
    ...new Array<string>(4).fill("add rule tcp-192.0.2.10-80"),
    "delete chain tcp-192.0.2.10-80/192.0.2.21-80",
    "delete set sticky/tcp-192.0.2.10-80/192.0.2.21-80",
  ]);
});

Deno.test("a destination that goes takes its chain, its clients, its counters and its elements along", () => {
  const one = { ...WEB, destinations: [TWO[1]!] };
  assertEquals(words(plan(things(one), present(things(WEB)))), [
    "add table vipd",
    "flush chain tcp-192.0.2.10-80/192.0.2.21-80",
    "flush chain tcp-192.0.2.10-80",
    "flush chain no-redirects",
    "delete element traffic-ipv4-tcp",
    ...new Array<string>(4).fill("add rule tcp-192.0.2.10-80"),
    ...new Array<string>(2).fill("add rule no-redirects"),
    "delete chain tcp-192.0.2.10-80/192.0.2.21-80",
    "delete set sticky/tcp-192.0.2.10-80/192.0.2.21-80",
    "delete counter tcp-192.0.2.10-80/192.0.2.21-80",
    "delete counter tcp-192.0.2.10-80/192.0.2.21-80/in",
    "delete counter tcp-192.0.2.10-80/192.0.2.21-80/out",
  ]);
});

Deno.test("of what is there and not known all rules and elements are written anew, clients and counters stay", () => {
  const unknown: Present = new Map([...present(things(WEB)).keys()].map((id) => [id, null]));
  const done = words(plan(things(WEB), unknown));
  assertEquals(done.filter((word) => word.startsWith("delete") || word.includes(" set ")), []);
  assertEquals(done.filter((word) => word.startsWith("flush")), [
    "flush chain tcp-192.0.2.10-80/192.0.2.21-80",
    "flush chain tcp-192.0.2.10-80/192.0.2.22-80",
    "flush chain tcp-192.0.2.10-80",
    "flush chain prerouting",
    "flush chain output",
    "flush chain traffic-in",
    "flush chain traffic-out",
    "flush chain no-redirects",
    "flush map traffic-ipv4-tcp",
  ]);
});

Deno.test("the last service takes the table along", () => {
  assertEquals(words(plan([], present(things(WEB)))), ["delete table vipd"]);
});

Deno.test("everything anew begins with no table", () => {
  assertEquals(words(replace(things(WEB), ["inet"])).slice(0, 3), [
    "add table vipd",
    "delete table vipd",
    "add table vipd",
  ]);
});

Deno.test("thousands of elements come in commands of a thousand", () => {
  const many = Array.from({ length: 1500 }, (_, i) => to(`10.0.${i >> 8}.${i & 255}`, 80));
  const elements = plan(things(service(at("tcp 192.0.2.10:80"), many)), new Map())
    .filter((command) => JSON.stringify(command).startsWith('{"add":{"element"'))
    .map((command) => (command as { add: { element: { elem: Json[] } } }).add.element.elem.length);
  assertEquals(elements, [1000, 1000, 1000]);
});
