/** What the parts of `vipd status` share: labelled rows, and states in their colours. PURE. */
import { paint, type Style, wrap } from "./text.ts";

export interface View {
  /** Columns of the terminal; Infinity never wraps. */
  readonly width: number;
  readonly color: boolean;
}

const STATE_STYLES: Readonly<Record<string, Style>> = {
  ACTIVE: "green",
  BACKUP: "blue",
  FAULT: "red",
  INIT: "yellow",
  up: "green",
  down: "red",
  unknown: "yellow",
  draining: "yellow",
  drained: "yellow",
  quorum: "green",
  "no quorum": "red",
};

export function stateText(state: string, color: boolean): string {
  return paint(state, STATE_STYLES[state] ?? "plain", color);
}

const LABEL_WIDTH = 13;

/** `  label      first row` with the further rows below the first; nothing when there is no row. */
export function field(label: string, rows: readonly string[], { width, color }: View): string[] {
  return rows.filter((row) => row !== "").flatMap((row, index) => {
    const name = index === 0
      ? paint(`  ${label}`.padEnd(LABEL_WIDTH), "dim", color)
      : " ".repeat(LABEL_WIDTH);
    return wrap(`${name}${row}`, width, LABEL_WIDTH + 2);
  });
}
