/** Requests that nobody waits for, with the real kernel: carried out, answered, and their calls settled. */
import { assert, assertEquals } from "@std/assert";
import { BackgroundRtnetlink } from "../../ffi/netlink_background.ts";
import { addressRequest, listAddresses } from "../../ffi/rtnetlink.ts";
import { lab, vip4, vip6 } from "./rtnetlink_lab.ts";

Deno.test("what is posted is done by another thread, refusals and all", async () => {
  using site = lab();
  using background = site.space.run(() => new BackgroundRtnetlink());
  const renewal = (
    address: Uint8Array,
    prefix: number,
    ifindex = site.ifindex,
  ): ReturnType<typeof addressRequest> =>
    addressRequest({ action: "replace", ifindex, address, prefix, validLft: 60, noDad: true });
  background.post([renewal(vip4, 32), renewal(vip4, 32, 4711), renewal(vip6, 128)]);
  assertEquals(background.owesTurn(), false, "nothing before the last post");
  const errors = background.collect(5000);
  assertEquals(errors?.map((error) => error?.code ?? ""), ["", "ENODEV", ""]);
  const there = listAddresses(site.nl).filter(({ ifindex, scope }) =>
    ifindex === site.ifindex && scope === 0
  );
  assertEquals(there.map(({ address }) => address.join()).sort(), [vip4.join(), vip6.join()].sort());
  assert(there.every(({ validLft }) => validLft > 50 && validLft <= 60));

  // No turn of the event loop since: the first call has ended, and nobody knows.
  background.post([renewal(vip4, 32)]);
  assertEquals([background.owesTurn(), background.owesTurn()], [true, false]);
  assertEquals(background.collect(5000), [null]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  background.post([renewal(vip4, 32)]);
  assertEquals(background.owesTurn(), false, "all have been forgotten");
  assertEquals(background.collect(5000), [null]);
  await new Promise((resolve) => setTimeout(resolve, 200));
});
