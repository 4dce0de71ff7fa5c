/** Every vipd.toml that README and docs show can be used as it stands. */
import { assertEquals } from "@std/assert";
import { loadConfig } from "../mod/config/load.ts";

const root = new URL("../", import.meta.url);

function documents(): string[] {
  const docs = Array.from(Deno.readDirSync(new URL("docs/", root)), ({ name }) => `docs/${name}`);
  return ["README.md", ...docs.filter((name) => name.endsWith(".md")).sort()];
}

/** Whole configurations only: a fragment names no VRID. */
function configurations(text: string): string[] {
  const blocks = Array.from(text.matchAll(/^```toml\n([\s\S]*?)^```$/gm), ([, block]) => block!);
  return blocks.filter((block) => /^vrid = /m.test(block));
}

for (const document of documents()) {
  const found = configurations(Deno.readTextFileSync(new URL(document, root)));
  for (const [i, text] of found.entries()) {
    Deno.test(`${document}: configuration ${i + 1} of ${found.length} loads`, async () => {
      const config = await loadConfig("/vipd.toml", { readFile: () => text, hostName: "lb1" });
      assertEquals(Object.keys(config.virtual_router).length > 0, true);
    });
  }
}

Deno.test("README shows the quickstart for two hosts and for two active ones", () => {
  assertEquals(configurations(Deno.readTextFileSync(new URL("README.md", root))).length, 5);
});
