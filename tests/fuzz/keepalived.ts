/**
 * keepalived.conf to vipd.toml: whatever the files hold, it ends in a configuration that loads, or in reasons
 * that stand where they say.
 */
import { assert, assertEquals } from "@std/assert";
import { convert } from "../../mod/cli/convert.ts";
import { loadConfig } from "../../mod/config/load.ts";
import { fakeIo } from "../cli/fake_io.ts";
import { filesOf } from "../config/keepalived/files.ts";
import type { Random } from "../sim/random.ts";
import { SECRET, type Texts, texts } from "./keepalived_cases.ts";
import { smallerList, smallerText } from "./smaller.ts";
import type { Target } from "./target.ts";

export const keepalived: Target<Texts> = {
  count: 300_000,
  limitMs: 20_000,
  generate: (random: Random) => texts(random),
  judge,
  *smaller(files: Texts): Generator<Texts> {
    const [main, ...others] = files;
    if (main === undefined) return;
    for (const less of smallerList(others)) yield [main, ...less];
    for (const [i, [path, text]] of files.entries()) {
      const lines = text.split("\n");
      for (const less of smallerList(lines)) yield files.with(i, [path, less.join("\n")]);
      for (const less of smallerText(text)) yield files.with(i, [path, less]);
    }
  },
  toRow: (files) => files.flat(),
  fromRow: (row) => Array.from({ length: row.length / 2 }, (_, i) => [row[2 * i]!, row[2 * i + 1]!] as const),
};

/** A row of `vipd convert --json`. */
interface Told {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly blocks: boolean;
}

/** `«3×ab»` -> `ababab` */
function unfolded(text: string): string {
  return text.replaceAll(
    /«(\d{1,8})×([^»]*)»/g,
    (_, count: string, what: string) => what.repeat(Number(count)),
  );
}

async function judge(files: Texts): Promise<string> {
  const byPath = new Map(files.map(([path, text]) => [path, unfolded(text)]));
  const whole = await run(byPath, []);
  await run(byPath, ["--mend"]);
  if (whole === "converted") return whole;
  return await run(byPath, ["--partial"]) === "converted" ? "in part" : "refused";
}

async function run(texts: ReadonlyMap<string, string>, args: readonly string[]): Promise<string> {
  const io = fakeIo();
  const files = { ...filesOf(Object.fromEntries(texts)), write: () => Promise.resolve() };
  const code = await convert(["k.conf", "--id", "lb1", "--json", ...args], io, undefined, files);
  const { toml, rows } = JSON.parse(io.stdout.join("\n")) as { toml: string | null; rows: Told[] };
  for (const row of rows) judgeRow(row, texts);
  assertEquals(code, toml === null ? 2 : 0);
  if (toml === null) {
    assert(rows.some(({ blocks }) => blocks), "nothing is written, and no reason given");
    return "refused";
  }
  // The daemon reads with another parser than the conversion did.
  await loadConfig("vipd.toml", { readFile: () => toml, inspectCommand: () => undefined });
  return "converted";
}

function judgeRow({ file, line, column, message, blocks }: Told, texts: ReadonlyMap<string, string>): void {
  assert(!message.includes(SECRET), "a secret is told");
  assert(!blocks || message !== "", "refused without a reason");
  const text = texts.get(file);
  if (text === undefined) throw new Error(`a row for ${file}, which is no file`);
  if (line === 0) return;
  const found = text.split("\n")[line - 1];
  if (found === undefined) throw new Error(`line ${line} of ${file}`);
  assert(
    column >= 1 && column <= found.length + 1,
    `column ${column} of line ${line}: ${JSON.stringify(found)}`,
  );
}
