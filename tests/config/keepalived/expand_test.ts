/** Includes, conditionals, definitions and sequences, each as keepalived takes it. */
import { assertEquals } from "@std/assert";
import { expand } from "../../../mod/config/keepalived/expand.ts";
import { formatPlace, type Row } from "../../../mod/config/keepalived/report.ts";
import { filesOf } from "./files.ts";

const surroundings = {
  id: "lb1",
  env: (name: string): string | undefined => ({ VIP: "192.0.2.9" })[name],
};

function expanded(texts: Readonly<Record<string, string>>): { lines: string[]; told: string[] } {
  const rows: Row[] = [];
  const lines = expand("k.conf", filesOf(texts), surroundings, rows);
  return {
    lines: lines.map(({ text }) => text),
    told: rows.map(({ at, message }) => `${formatPlace(at)} ${message}`),
  };
}

const UNFILLED =
  "not defined: keepalived takes it as it stands; if this is a template (envsubst), fill it in first";

/** Text -> lines, and what is told. */
const CASES: readonly (readonly [text: string, lines: readonly string[], told?: readonly string[]])[] = [
  ["@lb1 priority 100\n@lb2 priority 50\n@^lb2 a\n@^lb1 b\n@lb1", ["priority 100", "a"]],
  ["$P=100\npriority $P\n${P}0 $P/24", ["priority 100", "1000 $P/24"]],
  ['a $Q\n${Q} b\nscript "a $Q $(b)"', ['script "a $Q $(b)"'], [
    `k.conf:1:1 ${UNFILLED}`,
    `k.conf:2:1 ${UNFILLED}`,
  ]],
  ["$A=1\n$B=$A\n$A=2\nx $B", ["x 2"]],
  ["$V=interface eth0 \\\n  state BACKUP \\\n\n  priority 1\nx\n$V", [
    "priority 1",
    "x",
    "interface eth0",
    "state BACKUP",
  ]],
  ["$V=a\\\n b\n$V c", ["$V c"]],
  ["@lb2 $P=1\n@lb1 $P=2\n$P", ["2"]],
  ["x ${_ENV VIP} ${_HASH} y${_BANG} ${_INSTANCE}", ["x 192.0.2.9"]],
  ["a ${_INSTANCE}", ["a lb1"]],
  ["~SEQ(i, 1, 3) x $i", ["x 1", "x 2", "x 3"]],
  ["~SEQ(i, 6, -2, 2) x${i}", ["x6", "x4", "x2"]],
  ["~SEQx(i, 9, 11) x${i}", ["x9", "xa", "xb"]],
  ["~SEQ(i, 2) ~SEQ(j, 2) $i $j", ["1 1", "1 2", "2 1", "2 2"]],
  ["$N=2\n~SEQ(i, $N) x$i", ["x1", "x2"]],
  ["$N=2\n~SEQ(i, $N) x $i", ["x 1", "x 2"]],
  ["~LST(a, 1, 2) x $a", ["x 1", "x 2"]],
  ["~LST({a,b}, {1,2}, { 3 }) x${a}y${b}", ["x1y2", "x3y"]],
  ["$B=~SEQ(i, 2) y$i\\\n z\n$B", ["y1", "y2", "z"]],
  ["$B=a $i \\\n b $i\n~SEQ(i, 2) $B", ["a 1", "b 1", "a 2", "b 2"]],
  ["~SEQ(i, 3, 1, 1) x", [], ["k.conf:1:1 this ~SEQ never comes to its last number"]],
  ["~SEQ(i, x) x", [], [
    "k.conf:1:1 expected one to three whole numbers in ~SEQ(variable, first, step, last)",
  ]],
  ["$A=$A\n  $A", [], ["k.conf:2:3 a definition contains itself"]],
  ["\ufeffa\r\nb\r\n", ["a", "b"]],
];

for (const [text, lines, told = []] of CASES) {
  Deno.test(`expand: ${JSON.stringify(text)}`, () => {
    assertEquals(expanded({ "k.conf": text }), { lines: [...lines], told: [...told] });
  });
}

Deno.test("expand: files are read where they are included, from where they stand", () => {
  const { lines, told } = expanded({
    "k.conf": "a\ninclude conf.d/*.conf\ninclude gone.conf\nincludea gone.conf\ninclude {x,y}.conf\nz",
    "conf.d/1.conf": "b\ninclude sub/c",
    "conf.d/2.conf": "d",
    "conf.d/sub/c": "c",
    "x.conf": "x",
    "y.conf": "y",
  });
  assertEquals(lines, ["a", "b", "c", "d", "x", "y", "z"]);
  assertEquals(told, [
    "k.conf:3:1 cannot read gone.conf: no such file or directory; keepalived goes on without it, and so does this",
    "k.conf:4:1 cannot read gone.conf: no such file or directory",
  ]);
});

Deno.test("expand: a file that includes itself is told once", () => {
  const { lines, told } = expanded({ "k.conf": "a\ninclude k.conf\nb" });
  assertEquals(lines, ["a", "b"]);
  assertEquals(told, ["k.conf:2:1 k.conf includes itself"]);
});

Deno.test("expand: a template is told as one", () => {
  assertEquals(expanded({ "k.conf": "a {\n priority {{ prio }}\n}" }).told, [
    "k.conf:2:11 {{ of a template: let the tool that it is for fill it in, and convert what comes out",
  ]);
});

Deno.test("expand: what multiplies without end is stopped", () => {
  const powers = Array.from({ length: 30 }, (_, i) => `$A${i + 1}=\${A${i}} \${A${i}}`).join("\n");
  assertEquals(expanded({ "k.conf": `$A0=x\n${powers}\n$A30` }).told, [
    "k.conf:32:1 a definition contains itself",
  ]);
  const nested = Array.from({ length: 8 }, (_, i) => `~SEQ(a${i}, 1000)`).join(" ");
  assertEquals(expanded({ "k.conf": `${nested} x` }).told, [
    "k.conf:1:1 definitions, sequences and files grow beyond all bounds here",
  ]);
});
