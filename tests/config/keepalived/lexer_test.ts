/** Words, comments, quotes and braces, as keepalived's own reader takes them. */
import { assertEquals } from "@std/assert";
import { bare, isOpen, pieces, splitCommand, words } from "../../../mod/config/keepalived/lexer.ts";

const at = { file: "f", line: 1, column: 1 };

/** Line -> the text that is left. */
const COMMENTS: readonly (readonly [line: string, text: string])[] = [
  ["  state MASTER  # why", "state MASTER"],
  ["! Configuration File", ""],
  ["state MASTER# glued", "state MASTER"],
  ['script "a # b ! c" # d', 'script "a # b ! c"'],
  ["auth_pass a\\#b\\!c", "auth_pass a#b!c"],
  ['script "a \\" # b" # c', 'script "a \\" # b"'],
  ["$A=one \\", "$A=one"],
];

for (const [line, text] of COMMENTS) {
  Deno.test(`lexer: comments: ${line}`, () => assertEquals(bare(line).text, text));
}

const PIECES: readonly (readonly [line: string, pieces: readonly string[]])[] = [
  ["vrrp_instance VI_1 {", ["vrrp_instance VI_1", "{"]],
  ["}vrrp_script check{script x", ["}", "vrrp_script check", "{", "script x"]],
  ["virtual_ipaddress { 192.0.2.1 }}", ["virtual_ipaddress", "{", "192.0.2.1", "}", "}"]],
  ['script "a { b }"', ['script "a { b }"']],
  ["{{}}", ["{", "{", "}", "}"]],
];

for (const [text, found] of PIECES) {
  Deno.test(`lexer: braces: ${text}`, () => {
    assertEquals(pieces({ text, at, isVerbatim: true }).map(({ text }) => text), found);
  });
}

Deno.test("lexer: words have columns, and quotes end where keepalived ends them", () => {
  const line = { text: 'notify  "/a b" c"d"', at: { ...at, column: 3 }, isVerbatim: true };
  const found = words(line).map(({ text, quoted, at }) => [text, quoted, at.column]);
  assertEquals(found, [["notify", false, 3], ["/a b", true, 11], ["c", false, 18], ["d", true, 19]]);
});

Deno.test("lexer: words from a definition all stand where it was used", () => {
  const found = words({ text: "a b", at, isVerbatim: false });
  assertEquals(found.map(({ at }) => at.column), [1, 1]);
});

Deno.test("lexer: an open quote is seen, an escaped one is none", () => {
  assertEquals(['"a', '"a"', '"a\\""', "'\""].map(isOpen), [true, false, false, true]);
});

const COMMANDS: readonly (readonly [text: string, words: readonly string[] | null])[] = [
  ["killall -0 nginx", ["killall", "-0", "nginx"]],
  [`sh -c 'a "b" c'`, ["sh", "-c", 'a "b" c']],
  [`a"b c"d ''`, ["ab cd", ""]],
  ["\\x41\\102\\t\\cA\\\\\\q\\E", ["AB\t\x01\\q\x1b"]],
  ["'open", null],
  ["end\\", null],
];

for (const [text, found] of COMMANDS) {
  Deno.test(`lexer: command: ${text}`, () => assertEquals(splitCommand(text), found));
}

Deno.test("lexer: the first splitting keeps escapes for the second", () => {
  assertEquals(splitCommand(`script "a \\"b c\\""`, true), ["script", `a \\"b c\\"`]);
});
