/** The quick parser: what it takes at once, and what it leaves to the strict one. */
import { assertEquals } from "@std/assert";
import { parseToml } from "../../mod/config/toml.ts";

Deno.test("parseToml() takes the usual file at once", () => {
  const text = `# comment with a.b = 1 and [x]
[virtual_router.a]
addresses = [
  "192.0.2.1/24", # [[first]]
  { address = "192.0.2.2", label = 'a = b' },
]
garp = { repeat = 5 }
text = """
[x]
a.b = 1"""
[check."a.b"]
url = "http://127.0.0.1/?a=b"
`;
  assertEquals<unknown>(JSON.parse(JSON.stringify(parseToml(text))), {
    virtual_router: {
      a: {
        addresses: ["192.0.2.1/24", { address: "192.0.2.2", label: "a = b" }],
        garp: { repeat: 5 },
        text: "[x]\na.b = 1",
      },
    },
    check: { "a.b": { url: "http://127.0.0.1/?a=b" } },
  });
});

Deno.test("parseToml() takes arrays of tables at once", () => {
  const text = `[v.web]
a = [{ b = 1 }]
[[v.web.real_server]] # [x]
c = 1
d = { e = 2 }
[[v.web.real_server]]
[v.dns]
[[v.dns.real_server]]
c = [3]
[[v.web.real_server]]
c = 4`;
  assertEquals<unknown>(JSON.parse(JSON.stringify(parseToml(text))), {
    v: {
      web: { a: [{ b: 1 }], real_server: [{ c: 1, d: { e: 2 } }, {}, { c: 4 }] },
      dns: { real_server: [{ c: [3] }] },
    },
  });
});

Deno.test("parseToml() takes the sample file at once", () => {
  const sample = Deno.readTextFileSync(new URL("../../docs/vipd.sample.toml", import.meta.url));
  assertEquals(typeof parseToml(sample), "object");
});

Deno.test("parseToml() leaves what could mean something else to the strict parser", () => {
  const doubtful = [
    "a = 1\na = 2",
    "[a]\nb = 1\nb = 2",
    "a = { b = 1, b = 2 }",
    "a = [{ b = 1, b = 2 }]",
    "a = { b = 1 }\na.c = 2",
    "a.b = 1",
    "a = { b.c = 1 }",
    "a = 1 b = 2",
    `a = "x"[b]`,
    "[a] b = 1",
    "a = [[1], [2]]",
    "[[a]]\nb = 1\nb = 2",
    "[[ a ]]\nb = 1\n[a]",
    "[[a]]\nb = 1\n[a]\nc = 2",
    "a = {}\n[[a]]\nb = 1",
    "[x]\na = []\n[[x.a]]\nb = 1",
    "[[a]]\nb = 1\n[a.c]\nd = 2",
    "[[a]]\nb = 1\n[[a.c]]\nd = 2",
    "[[a]]\nb = {}\n[a.b]\nd = 2",
    '[["a"]]\nb = 1\n["a".c]',
    '["\\u0061"]\nb = 1\n[[a]]\nc = 2',
    "[ a ]\nb = [{}]\n[a.b.c]",
    "[[a]] b = 1",
    "a = [{ x = 1 }, {}]\n[a.b]",
    "x = 1 [[a]]",
    "a = 1 # \0",
    "a = [1",
    "a = ",
  ];
  for (const text of doubtful) assertEquals(parseToml(text), undefined, text);
});
