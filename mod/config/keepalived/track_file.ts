/** `track_file` of keepalived.conf: the number in a file times the weight, a check of type "file". */
import { wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { set } from "./draft.ts";
import type { Tell } from "./report.ts";
import { type Keywords, walk } from "./table.ts";
import { define, tellUntracked, type Tracker, weightKeyword } from "./trackers.ts";
import type { Statement } from "./tree.ts";

interface TrackFile {
  path?: string;
  weight: number;
  reverse: boolean;
}

export const TRACK_FILE: Keywords<TrackFile> = [
  {
    keyword: "file",
    outcome: "converted",
    why: "check.*.path",
    convert: (statement, context, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word === undefined) return;
      if (!word.text.startsWith("/")) return tell.refuse(`expected an absolute path, got "${word.text}"`);
      context.path = word.text;
    },
  },
  weightKeyword("weight of the virtual router's track; 0: any other number than 0 is FAULT"),
  {
    keyword: "init_file",
    outcome: "refused",
    optional: true,
    why: "vipd writes no file: one that is not there counts as 0",
  },
];

export function convertTrackFile(statement: Statement, conversion: Conversion, tell: Tell): void {
  const name = wordAt(statement, 0, tell);
  if (name === undefined) return;
  const { keyword: { text: keyword, at } } = statement;
  const context: TrackFile = { weight: 1, reverse: false };
  walk(`${keyword} ${name.text}`, TRACK_FILE, statement.block ?? [], context, conversion);
  const { path, weight, reverse } = context;
  if (path === undefined) {
    if (!(statement.block ?? []).some(({ keyword }) => keyword.text === "file")) {
      tell.refuse("it names no file");
    }
    return;
  }
  const tracker: Tracker = {
    ...{ kind: "file", name: name.text, at, weight, reverse },
    write: (table) => {
      set(table, "type", "file");
      set(table, "path", path);
      set(table, "multiply", true);
    },
  };
  if (!define(conversion, tracker)) return tell.refuse("there is a track_file of this name already");
  if (keyword === "vrrp_track_file") tell.obsolete("track_file; converted all the same");
  tellUntracked(conversion, tracker, tell, "no virtual router tracks it: no check is written for it");
}
