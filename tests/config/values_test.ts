/** Durations, suggestions and globs: the small parts of the configuration. */
import { assertEquals } from "@std/assert";
import { formatDuration, parseDuration } from "../../mod/config/duration.ts";
import { interpolate, scrub } from "../../mod/config/env.ts";
import { expandGlob } from "../../mod/config/glob.ts";
import { didYouMean } from "../../mod/config/suggest.ts";

Deno.test("parseDuration() and formatDuration() are each other's inverse", () => {
  const rows: [string, number][] = [
    ["0s", 0],
    ["10ms", 10],
    ["999ms", 999],
    ["1s", 1_000],
    ["1.5s", 1_500],
    ["40.95s", 40_950],
    ["255s", 255_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
  ];
  for (const [text, ms] of rows) {
    assertEquals(parseDuration(text), ms, text);
    assertEquals(formatDuration(ms), text.replace("255s", "255s"));
  }
});

Deno.test("parseDuration() takes nothing without a unit, sign or blank", () => {
  for (const text of ["", "1", "s", "-1s", "1 s", "1S", "1w", ".5s", "1.s", "1e3s", "1s ", "1s1s"]) {
    assertEquals(parseDuration(text), undefined, text);
  }
});

Deno.test("didYouMean() names the nearest known word, a keepalived word's meaning, or nothing", () => {
  const known = ["interface", "priority", "preempt", "preempt_delay", "password", "addresses"];
  const rows: [string, string][] = [
    ["prioritty", ` (did you mean "priority"?)`],
    ["pirority", ` (did you mean "priority"?)`],
    ["INTERFACE", ` (did you mean "interface"?)`],
    ["preemt", ` (did you mean "preempt"?)`],
    ["colour", ""],
    ["x", ""],
    ["auth_pass", " (keepalived's auth_pass is password here)"],
    ["nopreempt", " (keepalived's nopreempt is preempt = false here)"],
    ["advert_int", ""],
  ];
  for (const [word, expected] of rows) assertEquals(didYouMean(word, known), expected, word);
});

Deno.test("interpolate() leaves what it was given as it is, and tells what came from outside", () => {
  const given = { a: ["${X}", "$X", "$${X}", 1], d: new Date(0) };
  const { value, findings, secrets } = interpolate(given, () => "$& value");
  assertEquals<unknown>(value, { a: ["$& value", "$X", "${X}", 1], d: new Date(0) });
  assertEquals<unknown>([given.a[0], findings, secrets], ["${X}", [], ["$& value"]]);
});

Deno.test("scrub() hides the longest secret first, and leaves what is too short to be one", () => {
  assertEquals(
    scrub("got abcdef and abc and ab", ["abc", "abcdef", "ab"]),
    "got (hidden) and (hidden) and ab",
  );
});

Deno.test("expandGlob() matches names as a shell does, sorted", () => {
  const tree: Record<string, string[]> = {
    "/c": ["a", "b", "x.toml", ".h.toml", "y.toml"],
    "/c/a": ["2.toml", "1.toml", "1.txt"],
    "/c/b": ["[1].toml", "1+.toml"],
  };
  const list = (path: string): string[] => {
    const names = tree[path];
    if (names === undefined) throw new Deno.errors.NotADirectory(path);
    return names;
  };
  const rows: [string, string[]][] = [
    ["/c/x.toml", ["/c/x.toml"]],
    ["/c/*.toml", ["/c/x.toml", "/c/y.toml"]],
    ["/c/.*.toml", ["/c/.h.toml"]],
    ["/c/[!x].toml", ["/c/y.toml"]],
    ["/c/[w-x].toml", ["/c/x.toml"]],
    ["/c/*/?.toml", ["/c/a/1.toml", "/c/a/2.toml"]],
    ["/c/b/1+.*", ["/c/b/1+.toml"]],
    ["/c/nothing/*.toml", []],
  ];
  for (const [pattern, expected] of rows) assertEquals(expandGlob(pattern, list), expected, pattern);
});
