/** The kernel's news when some of them are lost, and the read model when the clock is set back. */
import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { EINTR, SyscallError } from "../../ffi/errno.ts";
import type { Netlink } from "../../ffi/netlink.ts";
import { KernelNews } from "../../mod/kernel/news.ts";
import { ReadModel } from "../../mod/read_model.ts";
import type { NodeStatus } from "../../mod/snapshot.ts";
import { noLateness } from "../../mod/vrrp/lateness.ts";
import { links } from "./fixture.ts";

/** Made here: its sentence comes from the C library, which no single test shall have to load. */
const BUSY = new SyscallError("list addresses: changed while it was read", EINTR);

/** A kernel that nothing can be read from while `busy`, and then is empty; its monitor has lost something. */
function overrun(): { kernel: Netlink; state: { busy: boolean; lost: boolean } } {
  const state = { busy: true, lost: true };
  const kernel = {
    portId: 0,
    get overrun(): boolean {
      return state.lost;
    },
    request: () => {
      if (state.busy) throw BUSY;
      return [];
    },
    requestAll: () => [],
    receive: () => [],
  };
  return { kernel, state };
}

Deno.test("lost notifications, and a kernel that changes too fast to be read: what is known stays, and it tries again", () => {
  const table = links();
  const { kernel, state } = overrun();
  const news = new KernelNews(kernel, kernel, table);
  const first = news.receive(1000, () => false);
  assertEquals([first.moved, first.removed], [false, false]);
  assert(first.loss?.includes("trying again"), first.loss ?? "null");
  assertEquals(table.indexOf("eth0"), 2);
  assertEquals(news.deadlineMs, 2000);
  state.lost = false;
  assertEquals(news.receive(1999, () => false).loss, null);
  state.busy = false;
  const second = news.receive(2000, () => false);
  assertEquals([second.moved, second.removed], [true, true]);
  assertEquals(table.indexOf("eth0"), 0);
  assertEquals(news.deadlineMs, Infinity);
});

Deno.test("ReadModel: a clock that is set back does not freeze the snapshot", async () => {
  let now = 1e12;
  const model = new ReadModel({
    report: () =>
      Promise.resolve({ lateness: noLateness(), virtual_routers: [], sync_groups: [], foreign_routers: [] }),
    checks: () => [],
    directRouting: () => [],
    hooks: () => [],
    notify: () => ({ hooks: [], fifos: [], webhooks: [], mail: null }),
    virtualServers: () => Promise.resolve([]),
    node: () => ({}) as Omit<NodeStatus, "engine">,
    now: () => now,
    sleep: () => Promise.resolve(),
  });
  const first = await model.snapshot();
  now += 50;
  assertStrictEquals(await model.snapshot(), first);
  now -= 3_600_000;
  assert(await model.snapshot() !== first);
});
