/** What comes first when a router with a virtual MAC address becomes active. */
import { assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { addressesFirst } from "../../mod/vrrp/dispatcher.ts";
import { step } from "../../mod/vrrp/router.ts";
import { backup, router } from "./router_fixture.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

Deno.test("addressesFirst(): it serves before it advertises, all else in the order of the core", () => {
  const { effects } = step(router, backup, { type: "deadline" }, backup.activeDownAtMs);
  const types = effects.map(({ type }) => type);
  assertEquals(types, ["sendAdvertisement", "addAddresses", "announceAddresses", "transition"]);
  const ordered = addressesFirst(effects).map(({ type }) => type);
  assertEquals(ordered, ["addAddresses", "sendAdvertisement", "announceAddresses", "transition"]);
  assertEquals(addressesFirst([]), []);
});
