/** When the virtual routers of a host are looked at: never late, and not each time that one is heard. */
import { assertEquals } from "@std/assert";
import type { Instance } from "../../mod/vrrp/instance.ts";
import { Groups } from "../../mod/vrrp/groups.ts";
import { Roster } from "../../mod/vrrp/roster.ts";
import { instanceOf } from "./fixture.ts";

/** A roster of routers with these deadlines; negative: of one that leaves. */
function rosterOf(...deadlines: readonly number[]): { roster: Roster; instances: Instance[] } {
  const roster = new Roster(new Groups(() => {}));
  const instances = deadlines.map((deadlineMs, i) => {
    const instance = instanceOf();
    instance.deadlineMs = Math.abs(deadlineMs);
    if (deadlineMs < 0) roster.leaving.add(instance);
    else roster.instances.set(`${i}`, instance);
    roster.expect(instance);
    return instance;
  });
  return { roster, instances };
}

Deno.test("Roster: whoever is due is called, leaving or not; the next deadline is known", () => {
  const { roster, instances } = rosterOf(100, 200, -150, Infinity);
  assertEquals(roster.deadlineMs, 100);
  const due: number[] = [];
  roster.eachDue(150, (instance) => {
    due.push(instances.indexOf(instance));
    instance.deadlineMs += 1000;
  });
  assertEquals([due, roster.deadlineMs], [[0, 2], 200]);
});

Deno.test("Roster: a deadline that moves later is noticed when the old one has come", () => {
  const { roster, instances: [one] } = rosterOf(100, 300);
  one!.deadlineMs = 400;
  roster.expect(one!);
  assertEquals(roster.deadlineMs, 100);
  roster.eachDue(100, () => {
    throw new Error("nobody is due");
  });
  assertEquals(roster.deadlineMs, 300);
});

Deno.test("Roster: one that moves earlier counts at once, also while others are due", () => {
  const { roster, instances: [one, two] } = rosterOf(300, 100);
  one!.deadlineMs = 50;
  roster.expect(one!);
  assertEquals(roster.deadlineMs, 50);
  roster.eachDue(60, (instance) => {
    instance.deadlineMs = 500;
    two!.deadlineMs = 61;
    roster.expect(two!);
  });
  assertEquals(roster.deadlineMs, 61);
});
