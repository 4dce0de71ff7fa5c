/** Lease renewals: in batches, one under way at a time, and none that comes after a removal. */
import { assertEquals } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { NetlinkError } from "../../ffi/netlink_error.ts";
import type { NetlinkPost, NetlinkRequest } from "../../ffi/netlink.ts";
import { addressRequest } from "../../ffi/rtnetlink.ts";
import { Renewals } from "../../mod/kernel/renewals.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

/** A kernel that answers when the test says so. */
class SlowKernel implements NetlinkPost {
  readonly posted: string[][] = [];
  readonly waits: number[] = [];
  answers: (NetlinkError | null)[] | null = null;

  post(requests: readonly NetlinkRequest[]): void {
    this.posted.push(requests.map(({ description }) => description));
    this.answers = null;
  }

  collect(waitMs: number): (NetlinkError | null)[] | null {
    this.waits.push(waitMs);
    return this.answers;
  }

  abandon(): (NetlinkError | null)[] {
    return this.posted.at(-1)!.map(() => new NetlinkError("renewal", 110));
  }
}

function renewal(last: number): NetlinkRequest[] {
  const address = new Uint8Array([192, 0, 2, last]);
  return [addressRequest({ action: "replace", ifindex: 2, address, prefix: 32 })];
}

function lab(): { kernel: SlowKernel; renewals: Renewals<string>; refused: string[] } {
  const kernel = new SlowKernel();
  const refused: string[] = [];
  const renewals = new Renewals<string>(kernel, (owner, problem) => refused.push(`${owner}: ${problem}`));
  return { kernel, renewals, refused };
}

const [A, B] = ["replace 192.0.2.1/32 on interface 2", "replace 192.0.2.2/32 on interface 2"];

Deno.test("renewals: all that is due is one batch, sent at the end of the turn", () => {
  const { kernel, renewals } = lab();
  renewals.add("a", renewal(1));
  renewals.add("b", renewal(2));
  assertEquals(kernel.posted, []);
  renewals.turn(0);
  renewals.turn(1);
  assertEquals(kernel.posted, [[A, B]]);
});

Deno.test("renewals: while the kernel is busy nothing is sent and nothing is waited for", () => {
  const { kernel, renewals } = lab();
  renewals.add("a", renewal(1));
  renewals.turn(0);
  for (const nowMs of [1000, 2000, 3000]) {
    renewals.add("a", renewal(1));
    renewals.turn(nowMs);
  }
  assertEquals([kernel.posted.length, kernel.waits], [1, [0, 0, 0]]);
  kernel.answers = [null];
  renewals.turn(3100);
  assertEquals(kernel.posted, [[A], [A]], "what became due meanwhile, once");
});

Deno.test("renewals: a refusal is its owner's", () => {
  const { kernel, renewals, refused } = lab();
  renewals.add("a", renewal(1));
  renewals.add("b", renewal(2));
  renewals.turn(0);
  kernel.answers = [null, new NetlinkError("replace", 1)];
  renewals.add("a", renewal(1));
  renewals.turn(1000);
  assertEquals(refused.map((text) => text.split(":")[0]), ["b"]);
});

Deno.test("renewals: before a removal the answers are waited for, and what is due is dropped", () => {
  const { kernel, renewals } = lab();
  renewals.add("a", renewal(1));
  renewals.turn(0);
  renewals.add("a", renewal(1));
  kernel.answers = [null];
  renewals.settle("a", 1);
  assertEquals(kernel.waits, [2000]);
  renewals.turn(2);
  assertEquals(kernel.posted.length, 1);
  renewals.settle("b", 3);
  assertEquals(kernel.waits, [2000], "nothing of b is under way");
});

Deno.test("renewals: without an answer for ten seconds a batch is given up", () => {
  const { kernel, renewals, refused } = lab();
  renewals.add("a", renewal(1));
  renewals.turn(0);
  renewals.add("a", renewal(1));
  renewals.turn(9_999);
  assertEquals([refused.length, kernel.posted.length], [0, 1]);
  assertEquals(renewals.deadlineMs, 10_019, "looks again soon");
  renewals.turn(10_000);
  assertEquals([refused.length, kernel.posted.length], [1, 2]);
  assertEquals(renewals.deadlineMs, Infinity);
});

Deno.test("renewals: before the process ends, what is due goes to the kernel and is waited for", () => {
  const { kernel, renewals } = lab();
  renewals.add("a", renewal(1));
  renewals.turn(0);
  renewals.add("b", renewal(2));
  kernel.answers = [null];
  renewals.complete(1);
  assertEquals(kernel.posted, [[A], [B]]);
  assertEquals(kernel.waits.at(-1), 2000);
});
