/** `vrrp_track_process` of keepalived.conf: a check of type "process". */
import { formatDuration } from "../../../checks/duration.ts";
import { secondsAt, wholeNumberAt, wordAt } from "./arguments.ts";
import type { Conversion } from "./conversion.ts";
import { type DraftTable, set } from "./draft.ts";
import type { Tell } from "./report.ts";
import { type Keywords, walk } from "./table.ts";
import { define, tellUntracked, type Tracker, weightKeyword } from "./trackers.ts";
import type { Statement } from "./tree.ts";

interface TrackProcess {
  program?: string;
  params: readonly string[];
  match: "exact" | "initial" | "partial" | "none";
  fullCommand: boolean;
  weight: number;
  reverse: boolean;
  quorum: number;
  quorumMax?: number;
  delayMs: { readonly fork: number; readonly terminate: number };
}

/** What the kernel keeps of a process's name. */
const COMM_MAX = 15;

export const TRACK_PROCESS: Keywords<TrackProcess> = [
  {
    keyword: "process",
    outcome: "converted",
    why: "check.*.process, or match with parameters",
    convert: (statement, context, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word === undefined) return;
      context.program = word.text;
      context.params = statement.args.slice(1).map(({ text }) => text);
    },
  },
  {
    keyword: "param_match",
    outcome: "converted",
    why: "check.*.match",
    convert: ({ args: [word] }, context, tell) => {
      if (word !== undefined && word.text !== "initial" && word.text !== "partial") {
        return tell.refuse(`expected initial, partial or nothing, got "${word.text}"`);
      }
      context.match = word === undefined ? "exact" : word.text === "initial" ? "initial" : "partial";
    },
  },
  {
    keyword: "full_command",
    outcome: "converted",
    why: "check.*.match",
    convert: (_statement, context) => {
      context.fullCommand = true;
    },
  },
  weightKeyword("weight of the virtual router's track"),
  {
    keyword: "quorum",
    outcome: "converted",
    why: "check.*.minimum",
    convert: (statement, context, tell) => {
      context.quorum = wholeNumberAt(statement, 0, [1, 65_535], tell) ?? context.quorum;
    },
  },
  {
    keyword: "quorum_max",
    outcome: "converted",
    why: "check.*.maximum; 0: the check is reversed",
    convert: (statement, context, tell) => {
      const maximum = wholeNumberAt(statement, 0, [0, 65_535], tell);
      if (maximum !== undefined) context.quorumMax = maximum;
    },
  },
  {
    keyword: "delay",
    outcome: "converted",
    why: "check.*.fork_delay and terminate_delay",
    convert: (statement, context, tell) => {
      const ms = secondsAt(statement, 0, [0, 3600], tell);
      if (ms !== undefined) context.delayMs = { fork: ms, terminate: ms };
    },
  },
  {
    keyword: "terminate_delay",
    outcome: "converted",
    why: "check.*.terminate_delay",
    convert: (statement, context, tell) => {
      const terminate = secondsAt(statement, 0, [0, 3600], tell);
      if (terminate !== undefined) context.delayMs = { ...context.delayMs, terminate };
    },
  },
  {
    keyword: "fork_delay",
    outcome: "converted",
    why: "check.*.fork_delay",
    convert: (statement, context, tell) => {
      const fork = secondsAt(statement, 0, [0, 3600], tell);
      if (fork !== undefined) context.delayMs = { ...context.delayMs, fork };
    },
  },
];

export function convertTrackProcess(statement: Statement, conversion: Conversion, tell: Tell): void {
  const name = wordAt(statement, 0, tell);
  if (name === undefined) return;
  const context: TrackProcess = {
    ...{ params: [], match: "none", fullCommand: false, weight: 0, reverse: false, quorum: 1 },
    delayMs: { fork: 0, terminate: 0 },
  };
  walk(`vrrp_track_process ${name.text}`, TRACK_PROCESS, statement.block ?? [], context, conversion);
  if (context.program === undefined) return tell.refuse("it names no process");
  const { weight, reverse, quorumMax, quorum } = context;
  if (quorumMax !== undefined && quorumMax !== 0 && quorumMax < quorum) {
    return tell.refuse("quorum_max is less than quorum: keepalived takes quorum alone");
  }
  const tracker: Tracker = {
    ...{ kind: "process", name: name.text, at: statement.keyword.at, weight },
    // No process at all is what has to be: the opposite of what the check looks for.
    reverse: quorumMax === 0 ? !reverse : reverse,
    write: (table) => write(table, context),
  };
  if (!define(conversion, tracker)) return tell.refuse("there is a vrrp_track_process of this name already");
  tellUntracked(conversion, tracker, tell, "nothing tracks it: it is left out");
}

function write(table: DraftTable, context: TrackProcess): void {
  const { program = "", quorum, quorumMax, delayMs: { fork, terminate } } = context;
  set(table, "type", "process");
  const usesLine = context.fullCommand || context.match !== "none" || context.params.length > 0;
  if (usesLine) set(table, "match", pattern(context));
  else set(table, "process", program.slice(0, COMM_MAX));
  set(table, "rise", 1);
  if (quorum > 1) set(table, "minimum", quorum);
  if (quorumMax !== undefined && quorumMax > 0) set(table, "maximum", quorumMax);
  if (fork > 0) set(table, "fork_delay", formatDuration(fork));
  if (terminate > 0) set(table, "terminate_delay", formatDuration(terminate));
}

/** The command line is the program and its arguments with blanks between them. */
function pattern({ program = "", params, match }: TrackProcess): string {
  const words = [program, ...params].map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&"));
  const line = words.join(" ");
  if (params.length === 0 && match === "none") return `^${line}( |$)`;
  return match === "initial" ? `^${line}( |$)` : match === "partial" ? `^${line}` : `^${line}$`;
}
