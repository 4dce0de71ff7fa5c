/** Whom the demo is shown to: a terminal that is redrawn, a pipe that gets lines, or nobody. */
import { type Io, useColor } from "../cli/io.ts";
import { frame } from "../cli/status_watch.ts";
import { paint } from "../cli/text.ts";
import type { Audience } from "./stage.ts";
import { introduction, progressLine } from "./report.ts";
import type { Scene } from "./scene.ts";
import { renderScene } from "./view.ts";

const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";
/** The terminal shows what is between these at once, or ignores them. */
const BEGIN_UPDATE = "\x1b[?2026h";
const END_UPDATE = "\x1b[?2026l";

/** Disposing of it gives the terminal back. */
export type Show = Audience & Disposable;

export function silentShow(): Show {
  return { see: () => {}, hear: () => {}, [Symbol.dispose]: () => {} };
}

/** One line for each event, as soon as its outcome is clear. */
export function lineShow(io: Io, intervalMs: number): Show {
  let elapsedMs = 0;
  io.out(introduction(intervalMs));
  return {
    see: (scene) => elapsedMs = scene.elapsedMs,
    hear: (result) => io.out(progressLine(result, elapsedMs)),
    [Symbol.dispose]: () => {},
  };
}

export interface Terminal {
  write(text: string): void;
  size(): { readonly columns: number; readonly rows: number };
}

/** The terminal's other screen, so that what was on it comes back afterwards. */
export function screenShow(io: Io, terminal: Terminal = STDOUT): Show {
  const color = useColor(io);
  const locale = io.env("LC_ALL") || io.env("LC_CTYPE") || io.env("LANG") || "";
  const unicode = /utf-?8/i.test(locale);
  terminal.write(ENTER);
  return {
    see: (scene: Scene) => {
      const { columns, rows } = terminal.size();
      const footer = paint(`${scene.now}  (Ctrl-C ends it)`.slice(0, columns), "dim", color);
      const lines = renderScene(scene, { width: columns, color, unicode });
      terminal.write(BEGIN_UPDATE + frame(lines, 0, rows, footer) + END_UPDATE);
    },
    hear: () => {},
    [Symbol.dispose]: () => terminal.write(LEAVE),
  };
}

const STDOUT: Terminal = {
  write: (text) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
  size: () => Deno.consoleSize(),
};
