/** Sync groups in `vipd status`, and the rows of checks that they and virtual routers track. PURE. */
import { formatAge } from "../age.ts";
import type { Contribution, SyncGroupStatus } from "../snapshot.ts";
import { hookRows } from "./status_notify.ts";
import { columns, paint, text, wrap } from "./text.ts";
import { field, stateText, type View } from "./view.ts";

/** `gw  ACTIVE for 1m 7s  sync group of in, out` and why. */
export function groupLines(group: SyncGroupStatus, at: string, view: View): string[] {
  const { name, state, since, reason, members, contributions } = group;
  const head = `${paint(text(name), "bold", view.color)}  ${stateText(state, view.color)} for ${
    formatAge(since, at)
  }  ${paint(`sync group of ${members.map(text).join(", ")}`, "dim", view.color)}`;
  return [
    ...wrap(head, view.width, 2),
    ...field("why", [text(reason)], view),
    ...field("trackers", trackerRows(contributions, view.color), view),
    ...field("hooks", hookRows(group.hooks, at, view.color), view),
  ];
}

export function trackerRows(contributions: readonly Contribution[], color: boolean): string[] {
  return columns(contributions.map((contribution) => [
    text(contribution.check),
    stateText(contribution.state, color),
    weightText(contribution),
    text(contribution.reason),
  ]));
}

function weightText({ weight, reverse, factor }: Contribution): string {
  if (weight === null) return reverse ? "must fail" : "must pass";
  const times = factor === undefined ? "" : ` times ${factor}`;
  return `weight ${weight > 0 ? "+" : ""}${weight}${times}${reverse ? " reversed" : ""}`;
}
