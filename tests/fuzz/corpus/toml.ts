/** Configuration files that are kept: what they must not do to the program, and what fuzzing found. */
import type { Corpus } from "../target.ts";

const ROUTER = '[virtual_router.a]\ninterface = "eth0"\nvrid = 51\naddresses = ["192.0.2.1"]\n';
const SHELL = '[check.c]\ntype = "exec"\ncommand = ["/bin/sh", "-c", """\n  exit 0\n  """]\n';

/** Outcome; then the files, each with its path and its text (`«3×ab»` stands for `ababab`). */
export const TOML: Corpus = [
  ["an empty file", "valid", "vipd.toml", ""],
  ["one virtual router", "valid", "vipd.toml", ROUTER],
  ["a byte order mark", "valid", "vipd.toml", `\ufeff${ROUTER}`],
  ["line ends of Windows in a text of several lines", "valid", "vipd.toml", SHELL.replaceAll("\n", "\r\n")],
  ["line ends of Windows everywhere", "valid", "vipd.toml", `${ROUTER}${SHELL}`.replaceAll("\n", "\r\n")],
  ["line ends of Windows made twice", "refused", "vipd.toml", SHELL.replaceAll("\n", "\r\r\n")],
  ["line ends of old Macs", "refused", "vipd.toml", ROUTER.replaceAll("\n", "\r")],
  ["a NUL", "refused", "vipd.toml", `${ROUTER}\0`],
  ["nothing but quotes", "refused", "vipd.toml", "«100000×'»"],
  ["a text without an end", "refused", "vipd.toml", 'node.name = "«100000×x»'],
  ["a key of fifty thousand dots", "refused", "vipd.toml", "«50000×a.»b = 1"],
  ["a header of fifty thousand dots", "refused", "vipd.toml", "[«50000×a.»b]"],
  ["as deep as a configuration may be, and no key of ours", "refused", "vipd.toml", "«62×a.»b = 1"],
  ["arrays in arrays", "refused", "vipd.toml", "a = «100000×[»"],
  ["arrays in arrays, and all of them end", "refused", "vipd.toml", "a = «2000×[»«2000×]»"],
  ["tables in tables", "refused", "vipd.toml", "a = «100000×{b=»"],
  ["fifteen hundred keys in one table", "refused", "vipd.toml", keys(1_500)],
  ["five thousand inline tables in one array", "refused", "vipd.toml", "a = [«5000×{b=1},»]"],
  ["a key set three hundred times", "refused", "vipd.toml", "«300×a = 1\n»"],
  ["a key set hundreds of times on one line", "refused", "vipd.toml", "a = {«500×b=1,»c=1}"],
  ["a fault behind a key that is set twice", "refused", "vipd.toml", "[[a]]\n[a]="],
  ["keys set twice on one line, then a fault", "refused", "vipd.toml", "a = { b = 1, b = 2, b = 3, ] }"],
  ["a time of day is no text", "refused", "vipd.toml", "[node]\nname = 07:32:00"],
  ["a time of day in an array is no text", "refused", "vipd.toml", "[api]\nlisten = [07:32:00]"],
  ["two key values on a line", "refused", "vipd.toml", "a = 1 b = 2"],
  [
    "a table that is an inline table as well",
    "refused",
    "vipd.toml",
    "[log]\nlevel = 'info'\n[log.x]\n[log]\n",
  ],
  ["more than a megabyte", "refused", "vipd.toml", "# «1000000×x»"],
  ["a line of nearly a megabyte", "valid", "vipd.toml", "# «990000×x»"],
  [
    "a megabyte in two files",
    "refused",
    "vipd.toml",
    "include = ['a.toml']\n# «600000×x»",
    "a.toml",
    "# «600000×x»",
  ],
  ["a number beyond all bounds", "refused", "vipd.toml", `${ROUTER}priority = «4000×9»`],
  ["a duration beyond all bounds", "refused", "vipd.toml", 'node.startup_delay = "«4000×9»h"'],
  ["infinity", "refused", "vipd.toml", `${ROUTER}priority = inf`],
  ["no number", "refused", "vipd.toml", `${ROUTER}priority = nan`],
  ["half a character", "refused", "vipd.toml", '[node]\nname = "\\ud800"'],
  ["half a character, said at length", "refused", "vipd.toml", '[node]\nname = "\\U0000DFFF"'],
  ["a prototype as a table", "refused", "vipd.toml", "[__proto__]\nnode = 1\n"],
  ["a prototype as a name", "refused", "vipd.toml", "[virtual_router.__proto__]\nvrid = 1\n"],
  ["a method as a name", "refused", "vipd.toml", "[check.hasOwnProperty]\ntype = 'tcp'\nconnect = 1\n"],
  ["a secret in a message", "refused", "vipd.toml", 'log.level = "${VIPD_TEST_SECRET}"'],
  ["a secret as a name", "refused", "vipd.toml", `${ROUTER}track = ["\${VIPD_TEST_SECRET}"]`],
  ["a variable that does not end", "refused", "vipd.toml", 'node.name = "${VIPD"'],
  ["variables by the thousand", "refused", "vipd.toml", 'node.name = "«1000×${NOT_SET}»"'],
  ["a file that includes itself", "refused", "vipd.toml", 'include = ["vipd.toml"]'],
  [
    "two files that include one another",
    "refused",
    "vipd.toml",
    'include = ["a"]',
    "a",
    'include = ["vipd.toml"]',
  ],
  ["a file included twice", "refused", "vipd.toml", 'include = ["a", "./a"]', "a", ""],
  ["a file that is not there", "refused", "vipd.toml", 'include = ["a"]'],
  ["nothing fits the pattern", "valid", "vipd.toml", 'include = ["conf.d/*.toml"]'],
  ["a pattern of many stars", "valid", "vipd.toml", 'include = ["conf.d/«25×*a»b"]', "conf.d/«60×a»", ""],
  [
    "a pattern whose range is turned round",
    "refused",
    "vipd.toml",
    'include = ["conf.d/[z-a]"]',
    "conf.d/a",
    "",
  ],
  ["a problem in an included file", "refused", "vipd.toml", 'include = ["a"]', "a", "\n\n  x = 1"],
];

function keys(count: number): string {
  return Array.from({ length: count }, (_, i) => `k${i} = 1`).join("\n");
}
