/** Every keyword that keepalived has is in a table, and every word of the tables is one of keepalived's. */
import { assert, assertEquals } from "@std/assert";
import { BLOCKS } from "../../../mod/config/keepalived/blocks.ts";
import { KEYWORDS, VIRTUAL_SERVER_KEYWORDS } from "./keywords.ts";
import { MIGRATING, withKeywords } from "./reference.ts";

for (const [block, names] of Object.entries(KEYWORDS)) {
  Deno.test(`keywords: all of ${block === "" ? "the outermost level" : block}`, () => {
    const rows = BLOCKS.find(({ name }) => name === block)?.keywords ?? [];
    const known = rows.map(({ keyword }) => keyword);
    assertEquals(known.toSorted(), names.trim().split(/\s+/).toSorted());
  });
}

/** Words that keepalived had once, and that configurations still have. */
const FORMER = ["nat_mask"];

Deno.test("keywords: all that keepalived has, and no other", () => {
  const theirs = [...Object.values(KEYWORDS), VIRTUAL_SERVER_KEYWORDS].flatMap((names) =>
    names.trim().split(/\s+/)
  );
  const ours = new Set(BLOCKS.flatMap(({ keywords }) => keywords.map(({ keyword }) => keyword)));
  assertEquals([...ours].toSorted(), [...new Set([...theirs, ...FORMER])].toSorted());
});

Deno.test("keywords: each says what becomes of it", () => {
  for (const { keywords } of BLOCKS) {
    for (const { keyword, why, outcome, convert } of keywords) {
      assert(why !== "", keyword);
      assert(outcome !== "converted" || convert !== undefined, `${keyword} is converted by nobody`);
    }
  }
});

Deno.test("docs/migrating.md shows the tables (deno run -A tests/config/keepalived/reference.ts)", () => {
  const document = Deno.readTextFileSync(MIGRATING);
  assertEquals(withKeywords(document), document);
});
