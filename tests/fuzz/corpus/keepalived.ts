/** keepalived.conf that is kept: what it must not do to the conversion, and what fuzzing found. */
import type { Corpus } from "../target.ts";

const ROUTER =
  "vrrp_instance V {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n192.0.2.1\n}\n}\n";
const DOUBLING = Array.from({ length: 40 }, (_, i) => `$A${i + 1}=\${A${i}} \${A${i}}\n`).join("");

/** Outcome; then the files, each with its path and its text (`«3×ab»` stands for `ababab`). */
export const KEEPALIVED: Corpus = [
  ["an empty file", "converted", "k.conf", ""],
  ["one virtual router", "converted", "k.conf", ROUTER],
  ["line ends of Windows", "converted", "k.conf", ROUTER.replaceAll("\n", "\r\n")],
  ["a byte order mark", "converted", "k.conf", `\ufeff${ROUTER}`],
  ["a NUL", "in part", "k.conf", `${ROUTER}\0`],
  ["a hundred thousand braces", "in part", "k.conf", "«100000×{»"],
  ["blocks in blocks", "in part", "k.conf", "«20000×a {\n»"],
  ["braces that close nothing", "in part", "k.conf", "«20000×}\n»"],
  ["a quote without an end", "in part", "k.conf", 'a "«1000000×x»'],
  ["a line without an end", "in part", "k.conf", "a «100000×b »"],
  ["definitions that double", "in part", "k.conf", `$A0=x\n${DOUBLING}$A40`],
  ["a definition that is itself", "in part", "k.conf", "$A=$A\n$A"],
  ["two definitions that are each other", "in part", "k.conf", "$A=$B\n$B=x $A\n$A"],
  ["sequences in sequences", "refused", "k.conf", "«9×~SEQ(i, 1000) »x"],
  ["a sequence without an end", "in part", "k.conf", "~SEQ(i, 1, 1, 99999999999999999999) x"],
  ["lists in lists", "in part", "k.conf", `${"~LST(a,«300×1,»2) ".repeat(4)}x`],
  ["a file that includes itself", "in part", "k.conf", "include k.conf"],
  [
    "files that include each other",
    "in part",
    "k.conf",
    "include part.conf",
    "part.conf",
    "a\ninclude k.conf",
  ],
  ["an include of everything", "in part", "k.conf", "include {«12×{a,b},»c}*"],
  ["alternatives beyond counting", "converted", "k.conf", "include «40×{a,b}»"],
  ["a name like an object's prototype", "converted", "k.conf", ROUTER.replace("V {", "__proto__ {")],
  ["a template", "in part", "k.conf", ROUTER.replace("51", "{{ vrid }}")],
];
