/** A demo in the middle: two events are over, the third is happening. */
import { SCENARIOS } from "../../mod/demo/scenarios.ts";
import type { Asked } from "../../mod/demo/samples.ts";
import type { Result, Scene } from "../../mod/demo/scene.ts";

export function result(fields: Partial<Result> = {}): Result {
  return {
    scenario: "service_dies",
    event: "web server on node1 killed",
    mends: false,
    outageMs: 21.4,
    probes: 1200,
    lost: 20,
    pages: 60,
    pagesFailed: 1,
    answeredByMs: 20.8,
    worstGapMs: 3.25,
    pausedMs: 0,
    limitMs: 111,
    servedBy: "node2",
    reason: "the active router hands over",
    holders: ["node2"],
    releasedMs: 25,
    tellsRelease: false,
    problems: [],
    ...fields,
  };
}

/** What came back after it. */
export function mended(fields: Partial<Result> = {}): Result {
  return result({
    event: "web server started again",
    mends: true,
    outageMs: 0,
    lost: 0,
    pagesFailed: 0,
    answeredByMs: 707.6,
    limitMs: 107,
    servedBy: "node1",
    reason: "priority 110 is higher than the active router's 100",
    holders: ["node1"],
    ...fields,
  });
}

/** node1 until 600 ms, nobody for a while, node2 from there on. */
function probes(): Asked[] {
  return Array.from({ length: 1000 }, (_, ms) => ({
    sentMs: ms,
    node: ms < 600 ? "node1" : ms < 725 ? null : "node2",
  }));
}

export function scene(fields: Partial<Scene> = {}): Scene {
  const [, second] = SCENARIOS;
  return {
    intervalMs: 100,
    elapsedMs: 4321,
    nodes: [
      { name: "node1", webRunning: false, holdsAddress: false, plugged: true, forwarded: true, router: null },
      {
        name: "node2",
        webRunning: true,
        holdsAddress: true,
        plugged: true,
        forwarded: false,
        router: { state: "ACTIVE", reason: "the active router fell silent" },
      },
    ],
    probes: probes(),
    now: second?.breaks.event ?? "",
    events: SCENARIOS.flatMap(({ breaks, mends }) => [
      { event: breaks.event, mends: false },
      { event: mends.event, mends: true },
    ]),
    results: [result(), mended()],
    ...fields,
  };
}
