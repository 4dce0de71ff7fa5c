/** Requests that nobody waits for, against a made-up kernel: answers later, late, lost or never. */
import { assertEquals } from "@std/assert";
import { EBUSY, ENOBUFS, ETIMEDOUT, SyscallError } from "../../ffi/errno.ts";
import { libc } from "../../ffi/libc.ts";
import * as n from "../../ffi/netlink.ts";
import { acknowledge, FakeNetlink } from "./netlink_fake.ts";

// Opened once per thread and never closed, so before any test counts its resources.
libc();

const request = (type: number): n.NetlinkRequest => ({
  type,
  flags: 0,
  payload: Uint8Array.of(type),
  description: `request ${type}`,
});

Deno.test("post() waits for nothing, collect() has what became of each request", () => {
  const answers: Uint8Array[] = [];
  const nl = new n.NetlinkConversation({
    portId: 4242,
    send: (bytes) =>
      void answers.push(...n.decodeMessages(bytes).map((m) => acknowledge(m, m.type === 2 ? EBUSY : 0))),
    receive: () => held ? null : wrap(answers.shift()),
  });
  let held = true;
  nl.post([request(1), request(2), request(3)]);
  assertEquals(nl.collect(0), null);
  held = false;
  assertEquals(nl.collect(0)?.map((error) => error?.errno ?? 0), [0, EBUSY, 0]);
  assertEquals(nl.collect(0), [], "once");
});

Deno.test("post(): answers that come while something else is asked are kept", () => {
  const nl = new FakeNetlink();
  nl.post([request(1)]);
  nl.request([request(2)]);
  assertEquals(nl.collect(0), [null]);
});

Deno.test("abandon(): what has no answer counts as refused, and its late answer as nothing", () => {
  const answers: Uint8Array[] = [];
  const nl = new n.NetlinkConversation({
    portId: 4242,
    send: (bytes) => void answers.push(...n.decodeMessages(bytes).map((m) => acknowledge(m))),
    receive: () => held ? null : wrap(answers.shift()),
  });
  let held = true;
  nl.post([request(1)]);
  assertEquals(nl.abandon().map((error) => error?.errno), [ETIMEDOUT]);
  held = false;
  nl.post([request(2)]);
  assertEquals(nl.collect(0), [null]);
});

Deno.test("collect(): a loss ends the wait", () => {
  const nl = new n.NetlinkConversation({
    portId: 4242,
    send: () => {},
    receive: () => {
      if (lost++ === 0) throw new SyscallError("recvmsg", ENOBUFS);
      return null;
    },
  });
  let lost = 0;
  nl.post([request(1)]);
  assertEquals(nl.collect(1000)?.map((error) => error?.errno), [ENOBUFS]);
});

function wrap(bytes: Uint8Array | undefined): n.Datagram | null {
  return bytes === undefined ? null : { bytes, multicast: false };
}
