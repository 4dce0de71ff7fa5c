/** The API's token: what a file must hold, and that no message shows it. */
import { assertEquals, assertThrows } from "@std/assert";
import { readToken } from "../../mod/config/token.ts";
import { ConfigError } from "../../mod/errors.ts";

/** What is said about a file with this content; null when there is no such file. */
function complaint(content: string | null): string {
  const path = Deno.makeTempFileSync();
  if (content === null) Deno.removeSync(path);
  else Deno.writeTextFileSync(path, content);
  try {
    const { problems }: ConfigError = assertThrows(() => readToken(path), ConfigError);
    assertEquals(problems.map(({ file, path }) => [file, path]), [[path, "api.token_file"]]);
    return problems[0]!.message;
  } finally {
    if (content !== null) Deno.removeSync(path);
  }
}

Deno.test("readToken() trims; without a file there is no token", () => {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, "  0123456789abcdef\n");
  assertEquals(readToken(path), "0123456789abcdef");
  assertEquals(readToken(undefined), null);
  Deno.removeSync(path);
});

Deno.test("readToken() refuses what is too short, empty or absent, and never shows it", () => {
  assertEquals(
    complaint("0123456789abcde \n"),
    "expected a token of at least 16 characters, got 15",
  );
  assertEquals(complaint("\n"), "expected a token of at least 16 characters, got 0");
  assertEquals(complaint(null).startsWith("cannot read the token: No such file or directory"), true);
});
