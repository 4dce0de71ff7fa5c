/** What came of the demo, as a line for each event, a closing table and JSON. PURE. */
import { columns, paint, type Style, text, visibleWidth } from "../cli/text.ts";
import { PAGE_INTERVAL_MS, PRIORITIES, PROBE_INTERVAL_MS, VIRTUAL_ADDRESS } from "./plan.ts";
import type { Result } from "./scene.ts";

/** `4 ms`, `341 ms`, `2.6 s`. */
export function milliseconds(ms: number): string {
  const whole = Math.round(ms);
  return whole < 1000 ? `${whole} ms` : `${Number((whole / 1000).toFixed(1))} s`;
}

/** What the demo is about, before it begins. */
export function introduction(intervalMs: number): string {
  const nodes = Object.entries(PRIORITIES).map(([name, priority]) => `${name} (priority ${priority})`);
  return `${nodes.join(" and ")} share ${VIRTUAL_ADDRESS}, VRRPv3 every ${milliseconds(intervalMs)}; ` +
    `a client asks it every ${milliseconds(PROBE_INTERVAL_MS)}, and for a page every ${
      milliseconds(PAGE_INTERVAL_MS)
    }`;
}

/** `12.3 s  cable of node1 pulled: outage 341 ms, node2 after 342 ms (the active router fell silent)` */
export function progressLine(result: Result, elapsedMs: number): string {
  const problems = result.problems.map((problem) => `; WRONG: ${problem}`).join("");
  return `${(elapsedMs / 1000).toFixed(1).padStart(5)} s  ${result.event}: outage ${
    milliseconds(result.outageMs)
  }, ${takeover(result)} (${how(result)})${problems}`;
}

/** `node2 after 41 ms` */
export function takeover({ servedBy, answeredByMs }: Result): string {
  if (servedBy === null) return "nobody answers";
  return answeredByMs === null ? servedBy : `${servedBy} after ${milliseconds(answeredByMs)}`;
}

export function outageStyle({ outageMs, limitMs }: Pick<Result, "outageMs" | "limitMs">): Style {
  return outageMs === 0 ? "green" : outageMs <= limitMs ? "yellow" : "red";
}

/** A shorter pause of the client changes no outage that is worth looking at. */
const PAUSED_WORTH_TELLING_MS = 50;

/** Columns of the closing table; those of the second kind only where there is room for all. */
const HEAD = ["", "outage", "lost probes", "lost pages", "by", "after"] as const;
const WIDE_HEAD = [...HEAD, "limit", "how"] as const;

/** The table at the end, and whether all went as it must. Without a line break at the end. */
export function closing(
  results: readonly Result[],
  { width, color }: { width: number; color: boolean },
): string {
  const wide = table(WIDE_HEAD, results, color);
  const fits = wide.every((line) => visibleWidth(line) <= width);
  const wrong = results.flatMap(({ event, problems }) => problems.map((problem) => `  ${event}: ${problem}`));
  const verdict = wrong.length === 0
    ? paint(`All ${results.length} events went as they must.`, "green", color)
    : [paint("Not everything went as it must:", "red", color), ...wrong].join("\n");
  return [...(fits ? wide : table(HEAD, results, color)), "", verdict].join("\n");
}

function table(head: readonly string[], results: readonly Result[], color: boolean): string[] {
  const rows = results.map((result) => tableRow(result, color).slice(0, head.length));
  return columns([head.map((cell) => cell === "" ? "" : paint(cell, "bold", color)), ...rows]);
}

function tableRow(result: Result, color: boolean): string[] {
  return [
    `${result.mends ? "  " : ""}${result.event}`,
    paint(milliseconds(result.outageMs).padStart(HEAD[1].length), outageStyle(result), color),
    `${result.lost} of ${result.probes}`.padStart(HEAD[2].length),
    `${result.pagesFailed} of ${result.pages}`.padStart(HEAD[3].length),
    result.servedBy ?? "nobody",
    result.answeredByMs === null ? "" : milliseconds(result.answeredByMs).padStart(6),
    milliseconds(result.limitMs),
    paint(how(result), "dim", color),
  ];
}

/** The same for programs; keys are snake_case, times in milliseconds. */
export function toJson(results: readonly Result[], version: string, intervalMs: number): string {
  const document = {
    version,
    ok: results.every(({ problems }) => problems.length === 0),
    virtual_address: VIRTUAL_ADDRESS,
    priorities: PRIORITIES,
    advertisement_interval_ms: intervalMs,
    probe_interval_ms: PROBE_INTERVAL_MS,
    page_interval_ms: PAGE_INTERVAL_MS,
    events: results.map((result) => ({
      scenario: result.scenario,
      phase: result.mends ? "mend" : "break",
      event: result.event,
      outage_ms: rounded(result.outageMs),
      limit_ms: result.limitMs,
      probes: result.probes,
      lost_probes: result.lost,
      worst_probe_gap_ms: rounded(result.worstGapMs),
      paused_ms: rounded(result.pausedMs),
      pages: result.pages,
      failed_pages: result.pagesFailed,
      served_by: result.servedBy,
      answered_after_ms: rounded(result.answeredByMs),
      reason: result.reason,
      held_by: result.holders,
      released_after_ms: rounded(result.releasedMs),
      problems: result.problems,
    })),
  };
  return JSON.stringify(document, null, 2);
}

function how({ reason, releasedMs, tellsRelease, pausedMs }: Result): string {
  const released = tellsRelease && releasedMs !== null
    ? `; the dead node's kernel gave the address up after ${milliseconds(releasedMs)}`
    : "";
  const paused = pausedMs >= PAUSED_WORTH_TELLING_MS
    ? `; the client itself paused for ${milliseconds(pausedMs)}`
    : "";
  return text(reason) + released + paused;
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
