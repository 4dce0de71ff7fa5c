/** The status page: complete, escaped, and allowed by its own policy. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { createHash } from "node:crypto";
import { createApi } from "../../mod/api/mod.ts";
import { renderPage } from "../../mod/api/page/page.ts";
import { AT, bigSnapshot, check, fakeContext, router, snapshot } from "./fixture.ts";

Deno.test("GET / shows every part of the snapshot", async () => {
  const response = await createApi(fakeContext()).request("/", { headers: { accept: "text/html" } });
  assertEquals(response.headers.get("content-type"), "text/html; charset=utf-8");
  const page = await response.text();
  assert(page.startsWith("<!DOCTYPE html>"));
  for (
    const part of [
      "lb1",
      "VI_1",
      "ACTIVE",
      "no advertisement for 3.6 s",
      "192.168.121.120/24",
      "192.168.121.12",
      "uplink down -20",
    ]
  ) {
    assertStringIncludes(page, part);
  }
  for (
    const part of [
      "checksum 0x1234",
      "eth1 has no carrier",
      "<code>192.168.121.66</code>",
      "<td>77 ipv4</td>",
    ]
  ) {
    assertStringIncludes(page, part);
  }
});

Deno.test("GET / shows direct routing where there is some", () => {
  const addresses = [{ address: "192.0.2.10", present: false, restored: 0 }];
  const direct_routing = [{ name: "<web>", interface: "lo", addresses, problem: "EPERM" }];
  const page = renderPage(snapshot({ direct_routing }));
  for (const part of ["<td>&lt;web&gt;</td>", "<code>192.0.2.10</code>", "missing", "<td>EPERM</td>"]) {
    assertStringIncludes(page, part);
  }
  assert(!renderPage(snapshot()).includes("Direct routing"));
});

Deno.test("GET / allows exactly the style and script that it carries", async () => {
  const response = await createApi(fakeContext()).request("/");
  const policy = response.headers.get("content-security-policy") ?? "";
  const page = await response.text();
  for (const tag of ["style", "script"]) {
    const bodies = [...page.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, "g"))].map((match) =>
      match[1] ?? ""
    );
    assertEquals(bodies.length, 1);
    const hash = createHash("sha256").update(bodies[0] ?? "").digest("base64");
    assertStringIncludes(policy, `${tag}-src 'sha256-${hash}'`);
  }
  // The names of receivers are shown, and lead nowhere.
  assert(
    !/\son\w+=|\sstyle=|(?<!<code>)https?:\/\//.test(page),
    "no inline handler, no inline style, nothing from elsewhere",
  );
});

Deno.test("renderPage() shows who else has an address", () => {
  const conflict = { address: "192.0.2.1", interface: "eth0", mac: "02:00:00:00:00:66", last_seen: AT };
  const page = renderPage(snapshot({ virtual_routers: [router({ conflicts: [conflict] })] }));
  assertStringIncludes(
    page.replaceAll(/\s+/g, " "),
    "in use by <code>02:00:00:00:00:66</code> on eth0 as well",
  );
});

Deno.test("renderPage() escapes whatever the network or a check says", () => {
  const evil = '<script>alert("1")</script>';
  const page = renderPage(snapshot({
    virtual_routers: [
      router({ name: evil, reason: evil, rejected: [{ ...router().rejected[0]!, detail: evil }] }),
    ],
    checks: [check({ name: evil, reason: evil })],
  }));
  assert(!page.includes(evil));
  assertStringIncludes(page, "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
});

Deno.test("renderPage() reads well with nothing and with much configured", () => {
  const empty = renderPage(snapshot({ virtual_routers: [], checks: [], foreign_routers: [] }));
  assertEquals(empty.match(/None is configured\./g)?.length, 2);
  assertStringIncludes(renderPage(bigSnapshot(50)), "<title>lb1 · 50 ACTIVE</title>");
});

Deno.test("renderPage() shows a failed reload", () => {
  const { node } = snapshot();
  const page = renderPage(snapshot({ node: { ...node, last_reload_error: "vipd.toml:1:1: bad" } }));
  assertStringIncludes(page, "Last reload failed: vipd.toml:1:1: bad");
});

Deno.test("the page shows who is told, and what went wrong", () => {
  const page = renderPage(snapshot());
  for (const word of ["exit code 2: cannot reach the cloud", "answered 503", "it is full: nobody reads"]) {
    assertStringIncludes(page, word);
  }
  const nobody = { hooks: [], fifos: [], webhooks: [], mail: null };
  assert(!renderPage(snapshot({ notify: nobody })).includes("Told"));
});
