/** Arguments of keywords: what counts as a number, a time, a switch, an address, a script. */
import { assertEquals } from "@std/assert";
import { addressAt, secondsAt, switchAt, wholeNumberAt } from "../../../mod/config/keepalived/arguments.ts";
import { parse } from "../../../mod/config/keepalived/parse.ts";
import { type Row, type Tell, teller } from "../../../mod/config/keepalived/report.ts";
import { scriptOf } from "../../../mod/config/keepalived/scripts.ts";
import type { Statement } from "../../../mod/config/keepalived/tree.ts";

const at = { file: "k", line: 1, column: 1 };

type Read = (statement: Statement, tell: Tell) => unknown;

function read(text: string, reader: Read): unknown {
  const rows: Row[] = [];
  const [statement] = parse([{ text, at, isVerbatim: true }], rows);
  const value = reader(statement!, teller(rows, at, "k"));
  return rows.length === 0 ? value : rows.map(({ message }) => message).join("; ");
}

const number: Read = (statement, tell) => wholeNumberAt(statement, 0, [-253, 253], tell);
const seconds: Read = (statement, tell) => secondsAt(statement, 0, [0.01, 255], tell);
const address: Read = (statement, tell) => addressAt(statement, 0, tell);
const script: Read = (statement, tell) => scriptOf(statement, false, tell);
const notify: Read = (statement, tell) => scriptOf(statement, true, tell);

const PAST = "keepalived warns and goes on without it";
const CASES: readonly (readonly [text: string, reader: Read, value: unknown])[] = [
  ["k 100", number, 100],
  ["k -5", number, -5],
  ["k 100,xyz", number, `expected a whole number -253..253, got "100,xyz"; ${PAST}`],
  ["k 300", number, `expected a whole number -253..253, got "300"; ${PAST}`],
  ["k", number, "k needs a value"],
  ["k 0.5", seconds, 500],
  ["k 300", seconds, `expected 0.01..255 seconds, got "300"; ${PAST}`],
  ["k 1s", seconds, `expected 0.01..255 seconds, got "1s"; ${PAST}`],
  ["k", switchAt, true],
  ["k no", switchAt, false],
  ["k maybe", switchAt, 'expected on or off, got "maybe"'],
  ["k 2001:db8::1", address, "2001:db8::1"],
  ["k host", address, 'expected an address, got "host"'],
  ['script "killall -0 nginx"', script, { argv: ["killall", "-0", "nginx"] }],
  [
    "script killall -0 nginx",
    script,
    'keepalived runs only "killall": put it and its arguments into one pair of quotes',
  ],
  ["script", script, "script names no program"],
  ['script "a \'b"', script, "a quote or a backslash has no end: keepalived runs nothing"],
  ['notify "/n a" nobody nogroup', notify, { argv: ["/n", "a"], user: "nobody", group: "nogroup" }],
  [
    "notify /n /etc/x",
    notify,
    "what follows the script is its user and group: put it and its arguments into one pair of quotes",
  ],
];

for (const [text, reader, value] of CASES) {
  Deno.test(`arguments: ${text}`, () => assertEquals(read(text, reader), value));
}
