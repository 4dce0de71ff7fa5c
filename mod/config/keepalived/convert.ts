/** keepalived.conf to vipd.toml: reads, takes each statement through its table, and tells about each. */
import { blocksOf } from "./blocks.ts";
import { newConversion } from "./conversion.ts";
import type { Surroundings } from "./definitions.ts";
import type { Draft } from "./draft.ts";
import { expand, type Files } from "./expand.ts";
import { writeMail } from "./global_mail.ts";
import { writeNotify } from "./global_notify.ts";
import { mend } from "./mend.ts";
import { parse } from "./parse.ts";
import { type Row, teller } from "./report.ts";
import { ROOT } from "./root.ts";
import { walk } from "./table.ts";

export interface Converted {
  readonly draft: Draft;
  /** In the order of the files and their lines. */
  readonly rows: readonly Row[];
}

/** Who runs scripts that name no user, where there is such a user; root elsewhere. */
const DEFAULT_USER = "keepalived_script";

/**
 * Never throws: whatever the files hold, it ends in a draft and in rows. `mends`: puts lost line breaks back.
 */
export function convertKeepalived(
  path: string,
  files: Files,
  surroundings: Surroundings,
  mends = false,
): Converted {
  const rows: Row[] = [];
  const lines = expand(path, files, surroundings, rows, mends ? mend : undefined);
  const statements = parse(lines, rows);
  const conversion = newConversion(rows, files, blocksOf);
  walk("", ROOT, statements, conversion, conversion);
  const { draft, globals } = conversion;
  if (globals.scriptAccount === undefined && hasUser(files, DEFAULT_USER)) {
    globals.scriptAccount = { user: DEFAULT_USER };
  }
  for (const finish of conversion.later) finish();
  writeMail(draft, globals.mail, teller(rows, { file: path, line: 0, column: 0 }, "smtp_server"));
  writeNotify(draft, globals, teller(rows, { file: path, line: 0, column: 0 }, "notify_fifo"));
  return { draft, rows: inOrder(rows) };
}

function inOrder(rows: readonly Row[]): Row[] {
  const files = [...new Set(rows.map(({ at }) => at.file))];
  return rows.toSorted((a, b) =>
    files.indexOf(a.at.file) - files.indexOf(b.at.file) || a.at.line - b.at.line || a.at.column - b.at.column
  );
}

function hasUser(files: Files, name: string): boolean {
  const users = files.read("/etc/passwd");
  return "text" in users && users.text.split("\n").some((line) => line.startsWith(`${name}:`));
}
