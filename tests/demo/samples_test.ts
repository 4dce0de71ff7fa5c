/** The client's samples: what goes over the pipe comes back, and outages are measured as defined. */
import { assertEquals } from "@std/assert";
import {
  type Asked,
  formatReport,
  outageSince,
  parseReport,
  steadilyAnsweredBy,
  timeline,
} from "../../mod/demo/samples.ts";

/** `a` is answered by node1, `b` by node2, `.` by nobody; one probe a ms from `fromMs` on. */
function probes(text: string, fromMs = 0): Asked[] {
  return [...text].map((letter, i) => ({
    sentMs: fromMs + i,
    node: letter === "." ? null : letter === "a" ? "node1" : "node2",
  }));
}

function outage(
  text: string,
  eventMs: number,
  by = "node2",
): { outageMs: number; lost: number; answeredByMs: number | null } {
  const { outageMs, lost, answeredByMs } = outageSince({ probes: probes(text), pages: [] }, eventMs, by);
  return { outageMs, lost, answeredByMs };
}

Deno.test("parseReport() reads what formatReport() writes, to the microsecond", () => {
  const report = { probes: probes("a.b", 123456.789), pages: [{ sentMs: 1.5, node: null }] };
  assertEquals(parseReport(formatReport(report)), report);
  assertEquals(
    parseReport(formatReport({ probes: [{ sentMs: 0.12345, node: "node1" }], pages: [] })).probes,
    [
      { sentMs: 0.123, node: "node1" },
    ],
  );
});

Deno.test("outageSince() measures from the last answered probe to the next one", () => {
  assertEquals(outage("aaaaabbbbb", 3), { outageMs: 0, lost: 0, answeredByMs: 2 });
  assertEquals(outage("aaaa...bbb", 3), { outageMs: 4, lost: 3, answeredByMs: 4 });
});

Deno.test("outageSince() begins an outage at the last answer before the event", () => {
  assertEquals(outage("aaaa...bbb", 4), { outageMs: 4, lost: 3, answeredByMs: 3 });
  assertEquals(outage("...abbbbbb", 3), { outageMs: 0, lost: 0, answeredByMs: 1 });
});

Deno.test("outageSince() takes the longest of several outages and the losses of all", () => {
  assertEquals(outage("aa.a...b..b", 1), { outageMs: 4, lost: 6, answeredByMs: 6 });
});

Deno.test("outageSince() counts an outage that is still going on, up to its last lost probe", () => {
  assertEquals(outage("aaa.....", 1), { outageMs: 5, lost: 5, answeredByMs: null });
  assertEquals(outage("", 1), { outageMs: 0, lost: 0, answeredByMs: null });
});

Deno.test("outageSince() does not take a probe that was sent late for a lost one", () => {
  const late = [...probes("aaa"), ...probes("bbb", 50)];
  const { outageMs, worstGapMs } = outageSince({ probes: late, pages: [] }, 1, "node2");
  assertEquals([outageMs, worstGapMs], [0, 48]);
});

Deno.test("outageSince() leaves out how long the client itself paused, and says it", () => {
  const measured = (...parts: Asked[][]): readonly number[] => {
    const { outageMs, pausedMs } = outageSince({ probes: parts.flat(), pages: [] }, 1, "node2");
    return [outageMs, pausedMs];
  };
  assertEquals(measured(probes("aaa."), probes(".bb", 300)), [3, 296], "in the outage");
  assertEquals(measured(probes("aaa"), probes("..bb", 300)), [3, 297], "at its beginning");
  assertEquals(measured(probes("aaa.."), probes("bb", 300)), [3, 295], "at its end");
  assertEquals(measured(probes("aaa..b"), probes("bb", 300)), [3, 294], "after it");
  assertEquals(measured(probes("a..."), probes("...", 300)), [6, 296], "and it is still going on");
  assertEquals(measured(probes("aa."), probes("bb", 12)), [11, 0], "10 ms are no pause");
});

Deno.test("outageSince() counts the pages asked for since the event", () => {
  const pages = [{ sentMs: 1, node: null }, { sentMs: 5, node: "node1" }, { sentMs: 4, node: null }];
  const { pages: all, pagesFailed } = outageSince({ probes: [], pages }, 4, "node2");
  assertEquals([all, pagesFailed], [2, 1]);
});

Deno.test("steadilyAnsweredBy() wants every probe of the last while, and a whole while of them", () => {
  assertEquals(steadilyAnsweredBy(probes("aabbbb"), "node2", 4), true);
  assertEquals(steadilyAnsweredBy(probes("aabbbb"), "node2", 5), false);
  assertEquals(steadilyAnsweredBy(probes("bb.bbb"), "node2", 4), false);
  assertEquals(steadilyAnsweredBy(probes("bbb"), "node2", 4), false);
  assertEquals(steadilyAnsweredBy([], "node2", 4), false);
});

Deno.test("timeline() has the newest column last and says who answered how much of each", () => {
  const columns = timeline(probes("aaaabb..bbbb"), 4, 4);
  assertEquals(columns.map((column) => Object.fromEntries(column)), [
    {},
    { node1: 1 },
    { node2: 0.5, null: 0.5 },
    { node2: 1 },
  ]);
});

Deno.test("timeline() moves whole columns: one more probe changes only the last", () => {
  const [before, after] = ["aaaabbbb", "aaaabbbba"].map((text) =>
    timeline(probes(text), 4, 3).map((column) => [...column.keys()].join())
  );
  assertEquals(before, ["", "node1", "node2"]);
  assertEquals(after, ["node1", "node2", "node1"]);
  assertEquals(timeline([], 4, 3), []);
});
