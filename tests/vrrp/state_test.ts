/** Which of a state's deadlines is the next one. */
import { assertEquals } from "@std/assert";
import { deadlineMs, initialState } from "../../mod/vrrp/state.ts";
import { active, backup, faulty, leaving } from "./router_fixture.ts";

Deno.test("deadlineMs is the first of a state's deadlines", () => {
  assertEquals(deadlineMs(initialState(100, 5000)), Infinity);
  assertEquals(deadlineMs({ ...initialState(100, 5000), waiting: [] }), 5000);
  assertEquals(deadlineMs(initialState(100, 5000, 1300)), 1300);
  assertEquals(deadlineMs(faulty), Infinity);
  assertEquals(deadlineMs(backup), backup.activeDownAtMs);
  assertEquals(deadlineMs({ ...backup, preemptAtMs: 5 }), 5);
  assertEquals(deadlineMs(active), 1100);
  assertEquals(deadlineMs({ ...active, announceAtMs: [7, 9] }), 7);
  assertEquals(deadlineMs({ ...active, refreshAtMs: 6 }), 6);
  assertEquals(deadlineMs({ ...active, renewAtMs: 5 }), 5);
  assertEquals(deadlineMs(leaving), 1100);
  assertEquals(deadlineMs({ ...leaving, announceAtMs: [7], refreshAtMs: 8 }), 1100);
  assertEquals(deadlineMs({ ...leaving, handover: { ...leaving.handover!, untilMs: 4 } }), 4);
});
