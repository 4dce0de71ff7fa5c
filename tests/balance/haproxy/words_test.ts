/** No value of an operator ends its word, its line or its section; names stay different. */
import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { digest, identifier, oneLine, word } from "../../../mod/balance/haproxy/words.ts";
import { globalLineProblem, lineProblem } from "../../../mod/haproxy_line.ts";

Deno.test("a value is one word, whatever is in it", () => {
  const rows: [string, string][] = [
    ["/etc/ssl/www.pem", "/etc/ssl/www.pem"],
    ["/etc/my certs/www.pem", "'/etc/my certs/www.pem'"],
    ["a#b", "'a#b'"],
    ["a$HOME", "'a$HOME'"],
    ["it's", "'it'\\''s'"],
    ['a"b\\', "'a\"b\\'"],
    ["", "''"],
  ];
  for (const [value, expected] of rows) assertEquals(word(value), expected);
  for (const value of ["a\nb", "a\rb", "a\0b", "a\u2028b"]) assertThrows(() => word(value), RangeError);
});

Deno.test("a line stays a line of its section", () => {
  const good = [
    "timeout client 5m",
    "http-request deny if { path /x }",
    "",
    "  option httplog",
    "# note",
    "bind\t:1",
  ];
  for (const line of good) assertEquals([lineProblem(line), oneLine(line)], [null, line]);
  const bad: [string, string][] = [
    ["a\nglobal", "expected one line"],
    ["backend x", '"backend" would begin another section'],
    ["\tlisten x", '"listen" would begin another section'],
    ['"global"', '""global"" is no keyword of haproxy'],
    ["\\x67lobal", '"\\x67lobal" is no keyword of haproxy'],
    ["${X}", '"${X}" is no keyword of haproxy'],
    [".if defined(X)", '".if" would be a directive for the whole file'],
    ["x \\", "expected no backslash at the end"],
  ];
  for (const [line, problem] of bad) assertEquals(lineProblem(line), problem);
  assertEquals(globalLineProblem("maxconn 100"), null);
  assertEquals(globalLineProblem(" daemon"), '"daemon" is set by vipd');
  assertEquals(globalLineProblem("listen x"), '"listen" would begin another section');
});

Deno.test("names become identifiers, and different ones stay different", () => {
  const rows: [string, string][] = [
    ["web", "web"],
    ["192.0.2.21:80", "192.0.2.21:80"],
    ["[2001:db8::1]:80", "2001:db8::1:80"],
    ["café", "caf:C3:A9"],
    ["网", ":E7:BD:91"],
  ];
  for (const [name, expected] of rows) assertEquals(identifier(name), expected);
});

Deno.test("a digest tells texts apart that differ by little", () => {
  const texts = ["", "a", "b", "ab", "ba", "web/rs1", "web/rs2", "é"];
  assertEquals(new Set(texts.map(digest)).size, texts.length);
  assertEquals(digest("rs1").length, 16);
  assertNotEquals(digest("rs1").slice(0, 8), digest("rs2").slice(0, 8));
});
