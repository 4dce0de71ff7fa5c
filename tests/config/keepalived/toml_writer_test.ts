/** A draft in writing: whatever it holds, the text of it says the same. */
import { assertEquals } from "@std/assert";
import { parse } from "@std/toml/parse";
import { addElement, type Draft, set, tableAt } from "../../../mod/config/keepalived/draft.ts";
import { writeToml } from "../../../mod/config/keepalived/toml_writer.ts";

const from = { file: "k.conf", line: 7, column: 1 };

Deno.test("writer: tables in our order, each with where it comes from and what to know", () => {
  const draft: Draft = [];
  const check = tableAt(draft, ["check", "nginx"], from);
  set(check, "type", "exec");
  set(check, "interval", "2s", { comment: "keepalived's default is 1s" });
  set(check, "absent", undefined);
  const router = tableAt(draft, ["virtual_router", "VI 1"], from);
  router.comments.push(
    "Two sentences. Wide enough that a line of a hundred columns cannot hold both of them together.",
  );
  set(router, "track", [{ check: "nginx", weight: -20 }]);
  set(router, "addresses", Array.from({ length: 8 }, (_, i) => `192.0.2.${i}/24`));
  assertEquals(tableAt(draft, ["check", "nginx"]), check);
  set(addElement(draft, ["virtual_server", "web", "real_server"]), "address", "192.0.2.1:80");
  assertEquals(
    writeToml(draft, ["Head."]),
    `# Head.

# From k.conf:7:1
# Two sentences. Wide enough that a line of a hundred columns cannot hold both of them together.
[virtual_router."VI 1"]
track = [{ check = "nginx", weight = -20 }]
addresses = [
  "192.0.2.0/24",
  "192.0.2.1/24",
  "192.0.2.2/24",
  "192.0.2.3/24",
  "192.0.2.4/24",
  "192.0.2.5/24",
  "192.0.2.6/24",
  "192.0.2.7/24",
]

# From k.conf:7:1
[check.nginx]
type = "exec"
interval = "2s"  # keepalived's default is 1s

[[virtual_server.web.real_server]]
address = "192.0.2.1:80"
`,
  );
});

Deno.test("writer: any text comes back as it was, apart from what names the environment", () => {
  const texts = ['a"b\\c', "tab\there\nnew\x00\x1f\x7f", "日本 🎈", "lone \ud800", "${HOME} $${X}", ""];
  const draft: Draft = [];
  const table = tableAt(draft, ["t", 'odd."key"\n', ""]);
  texts.forEach((text, i) => set(table, `k ${i}`, text, { comment: `why\n${text}` }));
  const read = parse(writeToml(draft, texts)) as {
    t: Record<string, Record<string, Record<string, string>>>;
  };
  const values = Object.values(read.t['odd."key"\n']![""]!);
  const expected = texts.map((text) => text.toWellFormed().replaceAll("${", "$${"));
  assertEquals(values, expected);
});
