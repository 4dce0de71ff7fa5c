/** Split brains as the router that stays sees them: told once when they begin, once when they end. */
import { assertEquals } from "@std/assert";
import { Splits } from "../../mod/notify/splits.ts";
import { waitFor } from "../e2e/lab/wait.ts";

function lab(): { splits: Splits; told: string[]; hear(hasYielded: boolean, silenceMs?: number): void } {
  const told: string[] = [];
  const splits = new Splits({
    began: ({ name, rival }) => told.push(`began ${name} ${rival.source}`),
    healed: ({ name, rival }) => told.push(`healed ${name} ${rival.source}`),
  });
  const hear = (hasYielded: boolean, silenceMs = 60_000): void => {
    const rival = { source: "192.0.2.2", priority: hasYielded ? null : 50, hasYielded };
    splits.hear({ type: "rival", name: "VI_1", priority: 100, rival, silenceMs });
  };
  return { splits, told, hear };
}

Deno.test("it begins once, and ends once when the other one says that it has yielded", () => {
  const { splits, told, hear } = lab();
  for (const hasYielded of [false, false, true, true]) hear(hasYielded);
  assertEquals(told, ["began VI_1 192.0.2.2", "healed VI_1 192.0.2.2"]);
  splits.stop();
});

Deno.test("who yields, comes back and yields again is told of again at its end only", () => {
  const { splits, told, hear } = lab();
  for (const hasYielded of [false, true, false, true]) hear(hasYielded);
  assertEquals(told.map((line) => line.split(" ")[0]), ["began", "healed", "healed"]);
  splits.stop();
});

Deno.test("it ends when the other one is silent for longer than an active router can be", async () => {
  const { told, hear } = lab();
  hear(false, 0);
  await waitFor("the end", () => told.length === 2, 10_000);
  assertEquals(told, ["began VI_1 192.0.2.2", "healed VI_1 192.0.2.2"]);
});

Deno.test("who is ACTIVE no more was wrong, and has nothing to take back", () => {
  const { splits, told, hear } = lab();
  hear(false);
  splits.forget("VI_1");
  assertEquals(told, ["began VI_1 192.0.2.2"]);
});
