/** Kernel parameters: what is set, what is left alone, what is put back. */
import { assertEquals } from "@std/assert";
import { type Parameters, PROC_SYS, Sysctl } from "../../mod/kernel/sysctl.ts";

function made(values: Record<string, string>, refused: string[] = []): Parameters {
  return {
    read: (path) => values[path] ?? null,
    write: (path, value) => {
      if (refused.includes(path)) return `cannot set ${path}`;
      values[path] = value;
      return null;
    },
  };
}

Deno.test("Sysctl: sets what exists and differs, and puts it back", () => {
  const values: Record<string, string> = { "net/a/x": "0", "net/a/y": "7", "net/b/x": "0" };
  const sysctl = new Sysctl(made(values));
  assertEquals(["net/a/x", "net/a/y", "net/b/x", "net/none"].map((path) => sysctl.set(path, "7")), [
    null,
    null,
    null,
    null,
  ]);
  assertEquals(values, { "net/a/x": "7", "net/a/y": "7", "net/b/x": "7" });
  sysctl.restore("net/a");
  assertEquals(values, { "net/a/x": "0", "net/a/y": "7", "net/b/x": "7" });
});

Deno.test("Sysctl: a second set keeps the first value to go back to", () => {
  const values: Record<string, string> = { "net/a/x": "0" };
  const sysctl = new Sysctl(made(values));
  sysctl.set("net/a/x", "1");
  sysctl.set("net/a/x", "2");
  sysctl.restore("net/a");
  assertEquals(values, { "net/a/x": "0" });
});

Deno.test("Sysctl: who goes on in its place puts back what it was", () => {
  const values: Record<string, string> = { "net/a/x": "0" };
  const first = new Sysctl(made(values));
  first.setAtLeast("net/a/x", 1);
  const second = new Sysctl(made(values));
  second.inherit(JSON.parse(JSON.stringify(first.changes)));
  second.setAtLeast("net/a/x", 1);
  second.restore("net/a");
  assertEquals(values, { "net/a/x": "0" });
});

Deno.test("Sysctl: what somebody else has changed since stays", () => {
  const values: Record<string, string> = { "net/a/x": "0" };
  const sysctl = new Sysctl(made(values));
  sysctl.set("net/a/x", "1");
  values["net/a/x"] = "8";
  sysctl.restore("net/a");
  assertEquals(values, { "net/a/x": "8" });
});

Deno.test("Sysctl: a higher number is enough, a refusal is told and nothing is put back", () => {
  const values: Record<string, string> = { "net/a/x": "8", "net/a/y": "0", "net/a/z": "0" };
  const sysctl = new Sysctl(made(values, ["net/a/z"]));
  assertEquals(sysctl.setAtLeast("net/a/x", 2), null);
  assertEquals(sysctl.setAtLeast("net/a/y", 2), null);
  assertEquals(sysctl.setAtLeast("net/a/z", 2), "cannot set net/a/z");
  assertEquals(values, { "net/a/x": "8", "net/a/y": "2", "net/a/z": "0" });
  sysctl.restore("net/a");
  assertEquals(values, { "net/a/x": "8", "net/a/y": "0", "net/a/z": "0" });
});

Deno.test("PROC_SYS: reads this kernel; a parameter that does not exist is neither read nor written", () => {
  assertEquals(PROC_SYS.read("kernel/ostype"), "Linux");
  assertEquals(PROC_SYS.read("net/ipv4/conf/no-such-if/arp_ignore"), null);
  assertEquals(PROC_SYS.write("net/ipv4/conf/no-such-if/arp_ignore", "1"), null);
  const refused = PROC_SYS.write("kernel/ostype", "Other");
  assertEquals(refused?.startsWith("cannot set kernel.ostype to Other: "), true, String(refused));
});
