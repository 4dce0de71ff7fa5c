/** What an event of the demo must come to, and the scenarios' own consistency. */
import { assertEquals } from "@std/assert";
import { judge, limitMs } from "../../mod/demo/judge.ts";
import { SCENARIOS } from "../../mod/demo/scenarios.ts";
import { result } from "./fixture.ts";

const { breaks } = SCENARIOS[0]!;

Deno.test("limitMs() is RFC 9568's timer and 100 ms", () => {
  assertEquals(limitMs("announced", 100, 100), 61 + 100);
  assertEquals(limitMs("silent", 100, 100), 361 + 100);
  assertEquals(limitMs("silent", 1000, 110), 3570 + 100);
  assertEquals(limitMs("silent", 10, 100), 36 + 100);
});

Deno.test("judge() finds nothing where all is well", () => {
  assertEquals(judge(result(), breaks, true), []);
  assertEquals(judge(result({ outageMs: 111 }), breaks, true), []);
});

Deno.test("judge() names each thing that is not as it must be", () => {
  assertEquals(judge(result({ outageMs: 111.6 }), breaks, true), ["an outage of 112 ms is above 111 ms"]);
  assertEquals(judge(result({ outageMs: 300, pausedMs: 250, worstGapMs: 250 }), breaks, true), [
    "an outage of 300 ms is above 111 ms",
  ], "the pauses are not in it any more");
  assertEquals(judge(result({ servedBy: "node1" }), breaks, true), [
    "the client ended up with node1 instead of node2",
  ]);
  assertEquals(judge(result({ servedBy: null }), breaks, false), [
    "the client ended up with nobody instead of node2",
  ]);
  assertEquals(judge(result({ holders: ["node1", "node2"] }), breaks, false), [
    "the address ended up on node1 and node2 instead of node2",
  ]);
  assertEquals(judge(result({ holders: [] }), breaks, false), [
    "the address ended up on no node instead of node2",
  ]);
  assertEquals(judge(result(), breaks, false), ["the nodes did not settle in time"]);
});

Deno.test("every scenario ends as it began: node1 serves, and it alone has the address", () => {
  assertEquals(new Set(SCENARIOS.map(({ name }) => name)).size, SCENARIOS.length);
  for (const { breaks, mends } of SCENARIOS) {
    assertEquals([breaks.servedBy, mends.servedBy, mends.holders], ["node2", "node1", ["node1"]]);
  }
});
