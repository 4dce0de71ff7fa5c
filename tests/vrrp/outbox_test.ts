/** Which advertisements leave together, in which order, and how they are counted. */
import { assertEquals } from "@std/assert";
import { ENETDOWN, ENOBUFS } from "../../ffi/errno.ts";
import { prepare, type Prepared, SenderBatch } from "../../ffi/sender_batch.ts";
import type { Instance } from "../../mod/vrrp/instance.ts";
import { Outbox } from "../../mod/vrrp/outbox.ts";
import { instanceOf } from "./fixture.ts";

/** A kernel that takes three datagrams with a call: socket and packets of each, and what it answers. */
class FakeBatch extends SenderBatch {
  readonly calls: string[] = [];
  answers: number[] = [];
  readonly #waiting: Prepared[] = [];

  override get count(): number {
    return this.#waiting.length;
  }

  override add(prepared: Prepared): void {
    this.#waiting.push(prepared);
  }

  override send(fd: number): Int32Array {
    const packets = this.#waiting.splice(0);
    this.calls.push(`${fd}: ${packets.map(({ packet }) => packet[0]).join(" ")}`);
    return Int32Array.from(packets, () => this.answers.shift() ?? 1);
  }
}

function lab(): { outbox: Outbox; batch: FakeBatch; told: string[]; a: Instance; b: Instance } {
  const told: string[] = [];
  const [a, b] = [instanceOf({ vrid: 1 }), instanceOf({ vrid: 2 })];
  const batch = new FakeBatch(3);
  const outbox = new Outbox({
    sent: ({ config }, priority) => told.push(`${config.vrid} sent ${priority}`),
    refused: ({ config }, errno) => told.push(`${config.vrid} refused ${errno}`),
  }, batch);
  return { outbox, batch, told, a, b };
}

/** A datagram for each destination, told apart by their octet. */
function copies(...octets: readonly number[]): Prepared[] {
  return octets.map((octet) => prepare(Uint8Array.of(octet), new Uint8Array(16)));
}

Deno.test("Outbox: nothing leaves before it is flushed, then all with one call", () => {
  const { outbox, batch, told, a, b } = lab();
  outbox.post(a, 100, 7, copies(10));
  outbox.post(b, 0, 7, copies(20));
  assertEquals([batch.calls, told], [[], []]);
  outbox.flush();
  outbox.flush();
  assertEquals([batch.calls, told], [["7: 10 20"], ["1 sent 100", "2 sent 0"]]);
});

Deno.test("Outbox: another socket or a full batch makes what waits leave first", () => {
  const { outbox, batch, told, a, b } = lab();
  outbox.post(a, 100, 7, copies(10));
  outbox.post(b, 100, 8, copies(20, 21, 22, 23));
  outbox.post(a, 101, 8, copies(11));
  outbox.flush();
  assertEquals(batch.calls, ["7: 10", "8: 20 21 22", "8: 23 11"]);
  assertEquals(told, ["1 sent 100", "2 sent 100", "1 sent 101"]);
});

Deno.test("Outbox: refused for some destinations it counts as sent, refused for all it does not", () => {
  const { outbox, batch, told, a, b } = lab();
  batch.answers = [-ENETDOWN, 1, -ENOBUFS, -ENOBUFS, -ENOBUFS, 1];
  outbox.post(a, 100, 7, copies(10, 11));
  outbox.post(b, 100, 7, copies(20, 21, 22));
  outbox.post(a, 100, 7, copies(10));
  outbox.flush();
  const expected = ["1 refused 100", "1 sent 100", "2 refused 105", "2 refused 105", "2 refused 105"];
  assertEquals(told, [...expected, "1 sent 100"]);
});
