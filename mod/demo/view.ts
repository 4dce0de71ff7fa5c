/** The running demo as lines for a terminal: who is what, who answers the client, what has happened. PURE. */
import { columns, paint, type Style, text, visibleWidth } from "../cli/text.ts";
import { milliseconds, outageStyle, takeover } from "./report.ts";
import { NODES, PROBE_INTERVAL_MS, VIRTUAL_ADDRESS } from "./plan.ts";
import { timeline } from "./samples.ts";
import type { NodeScene, Result, Scene } from "./scene.ts";

export interface View {
  /** Columns of the terminal. */
  readonly width: number;
  readonly color: boolean;
  /** Whether block characters can be shown; else ASCII. */
  readonly unicode: boolean;
}

/** What one column of the timeline stands for. */
const COLUMN_MS = 50;
const LABEL_WIDTH = 9;

interface Glyphs {
  readonly served: string;
  /** From a few lost probes to all of them. */
  readonly lost: readonly string[];
  readonly now: string;
  readonly good: string;
  readonly bad: string;
  readonly ellipsis: string;
}

const UNICODE: Glyphs = {
  served: "█",
  lost: [..."▁▂▃▄▅▆▇█"],
  now: "▶",
  good: "✔",
  bad: "✘",
  ellipsis: "…",
};
const ASCII: Glyphs = { served: "#", lost: [..."..xxxXXX"], now: ">", good: "+", bad: "!", ellipsis: "~" };

/** No line is wider than the terminal. */
export function renderScene(scene: Scene, view: View): string[] {
  const glyphs = view.unicode ? UNICODE : ASCII;
  return [
    heading(scene, view),
    "",
    ...columns(scene.nodes.map((node) => nodeCells(node, view.color))),
    "",
    ...timelineLines(scene, view, glyphs),
    "",
    ...columns(eventRows(scene, view.color, glyphs)),
  ].map((line) => clip(line, view.width, glyphs.ellipsis));
}

function heading({ intervalMs, elapsedMs }: Scene, { width, color }: View): string {
  const left = `vipd demo: one address, two nodes, VRRPv3 every ${milliseconds(intervalMs)}`;
  const right = `${(elapsedMs / 1000).toFixed(1)} s`;
  return paint(left, "bold", color) + right.padStart(Math.max(right.length + 2, width - left.length));
}

const STATE_STYLES: Readonly<Record<string, Style>> = {
  ACTIVE: "green",
  BACKUP: "blue",
  FAULT: "red",
  INIT: "yellow",
};

/** Cells as wide as their widest text will ever be, so that nothing moves sideways. */
function nodeCells(node: NodeScene, color: boolean): string[] {
  const { name, router, webRunning, holdsAddress, plugged, forwarded } = node;
  const cell = (content: string, width: number, style: Style): string =>
    paint(content.padEnd(width), style, color);
  const state = router?.state ?? "no vipd";
  const link = plugged ? forwarded ? "linked" : "cut off" : "unplugged";
  return [
    `  ${name}`,
    cell(state, 7, STATE_STYLES[state] ?? "red"),
    cell(webRunning ? "web" : "no web", 6, webRunning ? "plain" : "red"),
    cell(holdsAddress ? VIRTUAL_ADDRESS : "", VIRTUAL_ADDRESS.length, "bold"),
    cell(link, 9, link === "linked" ? "plain" : "red"),
    cell(text(router?.reason ?? ""), 0, "dim"),
  ];
}

function timelineLines({ probes }: Scene, { width, color }: View, glyphs: Glyphs): string[] {
  const shares = timeline(probes, COLUMN_MS, Math.max(1, width - LABEL_WIDTH));
  const lane = (label: string, who: string | null, style: Style): string => {
    const cells = shares.map((column) => {
      const share = column.get(who) ?? 0;
      if (share === 0) return " ";
      if (who !== null) return glyphs.served;
      return glyphs.lost[Math.ceil(share * glyphs.lost.length) - 1] ?? " ";
    });
    return `  ${label}`.padEnd(LABEL_WIDTH) + paint(cells.join("").trimEnd(), style, color);
  };
  const scale = `  the client asks every ${milliseconds(PROBE_INTERVAL_MS)}; a column is ${
    milliseconds(COLUMN_MS)
  }`;
  return [
    ...NODES.map((name) => lane(name, name, "green")),
    lane("nobody", null, "red"),
    paint(scale, "dim", color),
  ];
}

function eventRows({ events, results, now }: Scene, color: boolean, glyphs: Glyphs): string[][] {
  return events.map(({ event, mends }, index) => {
    const result = results[index];
    const name = `${mends ? "  " : ""}${event}`;
    if (result !== undefined) return resultCells(name, result, color, glyphs);
    const isNow = index === results.length && now === event;
    return isNow
      ? [`  ${paint(glyphs.now, "yellow", color)}`, paint(name, "bold", color)]
      : ["   ", paint(name, "dim", color)];
  });
}

function resultCells(name: string, result: Result, color: boolean, glyphs: Glyphs): string[] {
  const good = result.problems.length === 0;
  return [
    `  ${paint(good ? glyphs.good : glyphs.bad, good ? "green" : "red", color)}`,
    name,
    paint(`${milliseconds(result.outageMs).padStart(7)} outage`, outageStyle(result), color),
    takeover(result),
  ];
}

/** Cuts a line that is too wide; escape codes take no room. */
function clip(line: string, width: number, ellipsis: string): string {
  if (visibleWidth(line) <= width) return line;
  let [room, cut] = [width - 1, ""];
  // deno-lint-ignore no-control-regex -- escape sequences begin with a control character
  for (const piece of line.match(/\x1b\[[0-9;]*m|[^\x1b]/gu) ?? []) {
    if (piece.startsWith("\x1b")) cut += piece;
    else if (room-- > 0) cut += piece;
    else if (room === -1) cut += ellipsis;
  }
  return cut;
}
