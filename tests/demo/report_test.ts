/** The closing words: a line for each event, the table, the JSON. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { closing, introduction, milliseconds, progressLine, toJson } from "../../mod/demo/report.ts";
import { mended, result } from "./fixture.ts";

const WIDE = { width: Infinity, color: false };

Deno.test("milliseconds() are whole, and seconds from one on", () => {
  assertEquals([0, 0.4, 4.5, 999.4, 1000, 2565].map(milliseconds), [
    "0 ms",
    "0 ms",
    "5 ms",
    "999 ms",
    "1 s",
    "2.6 s",
  ]);
});

Deno.test("introduction() says who, what and how often", () => {
  assertEquals(
    introduction(100),
    "node1 (priority 110) and node2 (priority 100) share 192.0.2.10, VRRPv3 every 100 ms; " +
      "a client asks it every 1 ms, and for a page every 20 ms",
  );
});

Deno.test("progressLine() is a sentence about one event", () => {
  assertEquals(
    progressLine(result(), 2345),
    "  2.3 s  web server on node1 killed: outage 21 ms, node2 after 21 ms (the active router hands over)",
  );
  const killed = result({ tellsRelease: true, releasedMs: 2565, problems: ["it hurts", "badly"] });
  assertEquals(
    progressLine(killed, 12_345),
    " 12.3 s  web server on node1 killed: outage 21 ms, node2 after 21 ms (the active router hands over; " +
      "the dead node's kernel gave the address up after 2.6 s); WRONG: it hurts; WRONG: badly",
  );
});

Deno.test("progressLine() says when the machine had no time for the client", () => {
  const line = (pausedMs: number): string => progressLine(result({ pausedMs }), 2345);
  assertEquals(line(49), line(0));
  assertStringIncludes(line(243.4), " (the active router hands over; the client itself paused for 243 ms)");
});

Deno.test("closing() is a table and a verdict", () => {
  assertEquals(
    closing([result({ reason: "handed over" }), mended({ reason: "ranks higher" })], WIDE),
    GOLDEN,
  );
});

const GOLDEN = `                            outage  lost probes  lost pages  by     after   limit   how
web server on node1 killed   21 ms   20 of 1200     1 of 60  node2   21 ms  111 ms  handed over
  web server started again    0 ms    0 of 1200     0 of 60  node1  708 ms  107 ms  ranks higher

All 2 events went as they must.`;

Deno.test("closing() leaves the last columns out where they do not fit", () => {
  const narrow = closing([result({ event: "vipd on node1 stopped (SIGTERM)" })], { width: 80, color: false });
  assertEquals(narrow.split("\n").slice(0, 2), [
    "                                 outage  lost probes  lost pages  by     after",
    "vipd on node1 stopped (SIGTERM)   21 ms   20 of 1200     1 of 60  node2   21 ms",
  ]);
});

Deno.test("closing() names everything that went wrong", () => {
  const text = closing(
    [result({ problems: ["it hurts"] }), mended({ servedBy: null, answeredByMs: null })],
    WIDE,
  );
  assertStringIncludes(text, "Not everything went as it must:\n  web server on node1 killed: it hurts");
  assertStringIncludes(text, "nobody");
});

Deno.test("toJson() has every measurement under a stable name", () => {
  const document = JSON.parse(toJson([result(), mended()], "1.2.3", 100));
  assertEquals(document.ok, true);
  assertEquals(document.advertisement_interval_ms, 100);
  assertEquals(document.events[0], {
    scenario: "service_dies",
    phase: "break",
    event: "web server on node1 killed",
    outage_ms: 21.4,
    limit_ms: 111,
    probes: 1200,
    lost_probes: 20,
    worst_probe_gap_ms: 3.3,
    paused_ms: 0,
    pages: 60,
    failed_pages: 1,
    served_by: "node2",
    answered_after_ms: 20.8,
    reason: "the active router hands over",
    held_by: ["node2"],
    released_after_ms: 25,
    problems: [],
  });
  assertEquals(document.events[1].phase, "mend");
  assertEquals(JSON.parse(toJson([result({ problems: ["x"] })], "1.2.3", 100)).ok, false);
});
