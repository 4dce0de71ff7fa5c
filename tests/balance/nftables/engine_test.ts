/** The engine between what is wanted and what is there: one transaction a change, drift healed and told. */
import { assertEquals } from "@std/assert";
import { NftablesEngine } from "../../../mod/balance/nftables/engine.ts";
import type { Kernel } from "../../../mod/balance/nftables/kernel.ts";
import type { Json } from "../../../mod/balance/nftables/statements.ts";
import { FakeNft } from "./fake_nft.ts";
import { at, service, to, TWO } from "./fixtures.ts";

const WEB = service(at("tcp 192.0.2.10:80"), TWO);
const DNS = service(at("udp 192.0.2.10:53"), [to("192.0.2.21", 53), to("192.0.2.22", 53)]);
const WELL = { drift: [], problems: [] };

/** `forgotten`: how many services there were and are, for every time that connections were looked through. */
function engine(
  nft: FakeNft,
  forwarding = "1",
): { engine: NftablesEngine; notes: string[]; forgotten: [number, number][] } {
  const notes: string[] = [];
  const forgotten: [number, number][] = [];
  const kernel: Kernel = {
    generation: () => nft.generation,
    connections: () => new Map([["tcp-192.0.2.10-80/192.0.2.21-80", { active: 3, inactive: 1 }]]),
    forget: (services, former) => forgotten.push([former.length, services.length]),
    parameters: { read: (path) => path === "net/ipv4/ip_forward" ? forwarding : null, write: () => null },
    interfaces: () => ["eth0"],
    surroundings: (addresses) => ({
      devices: ["eth0"],
      hops: new Map(addresses.map((address) => [address, { kind: "device", device: "eth0" }])),
    }),
    close: () => undefined,
  };
  const context = {
    config: () => ({ balance: { tune_kernel: false, flush: false, flush_on_stop: true } }),
    note: (_: string, message: string): void => void notes.push(message),
  };
  return { engine: new NftablesEngine(nft, kernel, context), notes, forgotten };
}

Deno.test("services become a table, in one transaction; the same again is nothing", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  const services = [WEB, DNS];
  assertEquals(await made.apply(services), WELL);
  assertEquals(await made.apply(services), WELL);
  assertEquals(await made.apply([WEB, DNS]), WELL);
  assertEquals(nft.runs.length, 1);
  assertEquals([...nft.tables.get("inet")!.keys()].includes("chain udp-192.0.2.10-53"), true);
});

Deno.test("while nobody changes any rules nothing is listed after the first look", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  for (let i = 0; i < 2; i++) await made.apply([WEB]);
  const looked = nft.lists.length;
  for (let i = 0; i < 5; i++) await made.apply([WEB]);
  assertEquals(nft.lists.length, looked);
});

Deno.test("rules of others that change are looked at and no more", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  for (let i = 0; i < 2; i++) await made.apply([WEB]);
  nft.meddle(() => undefined);
  assertEquals(await made.apply([WEB]), WELL);
  assertEquals(nft.runs.length, 1);
});

Deno.test("a table that somebody has deleted is made anew, and told", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  for (let i = 0; i < 2; i++) await made.apply([WEB]);
  const before = JSON.stringify([...nft.tables.get("inet")!.keys()]);
  nft.meddle((tables) => tables.clear());
  assertEquals(await made.apply([WEB]), {
    drift: [{ key: "table inet vipd", what: "was missing" }],
    problems: [],
  });
  assertEquals(JSON.stringify([...nft.tables.get("inet")!.keys()]), before);
});

Deno.test("even one that was deleted at once, before anybody has looked how it looks", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  await made.apply([WEB]);
  nft.meddle((tables) => tables.clear());
  assertEquals((await made.apply([WEB])).drift, [{ key: "table inet vipd", what: "was missing" }]);
  assertEquals(nft.tables.has("inet"), true);
});

Deno.test("rules that somebody has changed are written anew, and the service is named", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  for (let i = 0; i < 2; i++) await made.apply([WEB, DNS]);
  nft.meddle((tables) => tables.get("inet")!.get("chain tcp-192.0.2.10-80")!.splice(1, 1));
  assertEquals((await made.apply([WEB, DNS])).drift, [
    { key: "tcp 192.0.2.10:80", what: "chain tcp-192.0.2.10-80 was changed" },
  ]);
  assertEquals(nft.tables.get("inet")!.get("chain tcp-192.0.2.10-80")!.length, 4);
  assertEquals((await made.apply([WEB, DNS])).drift, []);
});

Deno.test("what another run has left is taken over: what is wanted stays, the rest goes", async () => {
  const nft = new FakeNft();
  await engine(nft).engine.apply([WEB, DNS]);
  assertEquals(await engine(nft).engine.apply([WEB]), WELL);
  const names = [...nft.tables.get("inet")!.keys()];
  assertEquals(names.filter((name) => name.includes("udp")), []);
  assertEquals(nft.tables.get("inet")!.get("chain tcp-192.0.2.10-80")!.length, 4);
});

Deno.test("what cannot be changed is replaced as a whole; what cannot be done at all is a problem", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  nft.refusals = ["Device or resource busy"];
  assertEquals(await made.apply([WEB]), WELL);
  nft.refusals = ["Operation not permitted", "Operation not permitted"];
  assertEquals(await made.apply([WEB, DNS]), { drift: [], problems: ["nft: Operation not permitted"] });
  assertEquals(await made.apply([WEB, DNS]), WELL);
});

Deno.test("a service that nftables cannot do is left out and named; a stand-in is told once", async () => {
  const nft = new FakeNft();
  const { engine: made, notes } = engine(nft);
  const overflow = service(at("tcp 192.0.2.11:80"), TWO, { scheduler: "ovf" });
  const least = service(at("tcp 192.0.2.12:80"), TWO, { scheduler: "wlc" });
  for (let i = 0; i < 2; i++) {
    assertEquals((await made.apply([overflow, least])).problems, [
      "tcp 192.0.2.11:80: nftables has nothing like the scheduler ovf",
    ]);
  }
  assertEquals(notes.filter((note) => note.startsWith("tcp")), [
    "tcp 192.0.2.12:80: nftables counts no connections, so wrr stands in for wlc",
  ]);
});

Deno.test("a host that does not forward is told so, once", async () => {
  const { engine: made, notes } = engine(new FakeNft(), "0");
  for (let i = 0; i < 3; i++) assertEquals((await made.apply([WEB])).advice, notes);
  assertEquals(notes.length, 1);
  assertEquals(notes[0]?.startsWith("net.ipv4.ip_forward is 0: "), true);
});

Deno.test("the end takes the tables away, or leaves them", async () => {
  const nft = new FakeNft();
  const first = engine(nft).engine;
  await first.apply([WEB]);
  await first.stop(true);
  assertEquals(nft.tables.has("inet"), true);
  const second = engine(nft).engine;
  await second.apply([WEB]);
  await second.stop(false);
  assertEquals(nft.tables.size, 0);
});

Deno.test("connections are looked through at the start, and when somebody who had some is gone", async () => {
  const { engine: made, forgotten } = engine(new FakeNft());
  const [first, second] = TWO;
  await made.apply([WEB, DNS]);
  await made.apply([{ ...WEB, destinations: [first!, { ...second!, weight: 0 }] }, DNS]);
  assertEquals(forgotten, [[0, 2]]);
  await made.apply([{ ...WEB, destinations: [first!] }, DNS]);
  await made.apply([WEB, DNS]);
  assertEquals(forgotten, [[0, 2], [2, 2]]);
  await made.apply([WEB]);
  assertEquals(forgotten, [[0, 2], [2, 2], [2, 1]]);
});

Deno.test("a report: what the counters say, and who is connected", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  assertEquals(await made.read(), []);
  await made.apply([WEB]);
  const count = (name: string, packets: number, bytes: number): void => {
    nft.tables.get("inet")!.get(`counter ${name}`)![0]![1]["packets"] = packets;
    nft.tables.get("inet")!.get(`counter ${name}`)![0]![1]["bytes"] = bytes;
  };
  count("tcp-192.0.2.10-80/192.0.2.21-80", 5, 300);
  count("tcp-192.0.2.10-80/192.0.2.21-80/in", 50, 4000);
  count("tcp-192.0.2.10-80/192.0.2.21-80/out", 60, 90000);
  const [report] = await made.read();
  assertEquals(report?.key, "tcp 192.0.2.10:80");
  assertEquals(report?.traffic?.bytesOut, 90000);
  assertEquals(report?.destinations[0], {
    ...{ address: "192.0.2.21", port: 80, weight: 1 },
    ...{ activeConnections: 3, inactiveConnections: 1, persistentConnections: null },
    traffic: { connections: 5, packetsIn: 50, packetsOut: 60, bytesIn: 4000, bytesOut: 90000 },
  });
  assertEquals(report?.destinations[1]?.activeConnections, 0);
});

Deno.test("direct routing: flows are counted, those that end apart; what comes back is not seen", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  const forward = { method: "dr" } as const;
  await made.apply([service(at("tcp 192.0.2.10:80"), TWO.map((one) => ({ ...one, forward })))]);
  const flow = (port: number): Json => ({
    elem: { val: { concat: ["192.0.2.100", port] }, timeout: 900, expires: 7 },
  });
  const fill = (set: string, ...flows: readonly Json[]): void => {
    nft.tables.get("netdev")!.get(`set ${set}`)![0]![1]["elem"] = flows;
  };
  fill("flows/tcp-192.0.2.10-80/192.0.2.21-80", flow(1), flow(2), flow(3));
  fill("closing/tcp-192.0.2.10-80", flow(2), flow(4));
  const [report] = await made.read();
  const [first, second] = report!.destinations;
  assertEquals([first?.activeConnections, first?.inactiveConnections], [2, 1]);
  assertEquals([second?.activeConnections, second?.inactiveConnections], [0, 0]);
  assertEquals([first?.traffic?.bytesIn, first?.traffic?.bytesOut], [0, null]);
});

Deno.test("a table that is deleted in the moment between our change and our look at it is missed all the same", async () => {
  const nft = new FakeNft();
  const { engine: made } = engine(nft);
  nft.afterwards = () => nft.meddle((tables) => tables.clear());
  await made.apply([WEB]);
  assertEquals((await made.apply([WEB])).drift, [{ key: "table inet vipd", what: "was missing" }]);
  assertEquals(nft.tables.has("inet"), true);
  assertEquals(await made.apply([WEB]), WELL);
});

Deno.test("a service that the kernel refuses is named, and the others are done", async () => {
  const nft = new FakeNft();
  nft.hates = "sctp";
  const { engine: made } = engine(nft);
  const refused = service(at("sctp 192.0.2.10:5060"), [to("192.0.2.21", 5060)]);
  for (let i = 0; i < 2; i++) {
    const { problems } = await made.apply([WEB, refused, DNS]);
    assertEquals(problems, ["sctp 192.0.2.10:5060: nft: no sctp"]);
  }
  const names = [...nft.tables.get("inet")!.keys()];
  assertEquals([names.includes("chain tcp-192.0.2.10-80"), names.includes("chain udp-192.0.2.10-53")], [
    true,
    true,
  ]);
  assertEquals((await made.read()).length, 2);
  nft.hates = "";
  assertEquals((await made.apply([WEB, refused, DNS])).problems, []);
});
