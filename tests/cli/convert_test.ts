/** `vipd convert`: what it prints where, and with which exit code it ends. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { convert } from "../../mod/cli/convert.ts";
import { filesOf } from "../config/keepalived/files.ts";
import { fakeIo } from "./fake_io.ts";

Deno.test("convert: a word that is no keyword is refused, and nothing is written", async () => {
  const io = fakeIo();
  const code = await convert(["k.conf"], io, undefined, filesOf({ "k.conf": "net_namespac blue\n" }));
  assertEquals(code, 2);
  assertEquals(io.stdout, []);
  assertStringIncludes(
    io.stderr.join("\n"),
    'k.conf:1:1: refused: net_namespac: unknown: did you mean "net_namespace"?',
  );
});

Deno.test("convert: this host's files, when it is given no others", async () => {
  const io = fakeIo();
  assertEquals(await convert(["/nowhere/k.conf"], io), 2);
  assertStringIncludes(io.stderr.join("\n"), "cannot read /nowhere/k.conf: no such file or directory");
});
