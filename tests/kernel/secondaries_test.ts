/** The other addresses of a subnet: which kernel parameter is set when, and what is put back. */
import { assertEquals } from "@std/assert";
import { Secondaries } from "../../mod/kernel/secondaries.ts";

const ALL = "net/ipv4/conf/all/promote_secondaries";
const ETH0 = "net/ipv4/conf/eth0/promote_secondaries";

interface Made {
  readonly values: Record<string, string>;
  readonly secondaries: Secondaries;
}

function made(values: Record<string, string>, refusal: string | null = null): Made {
  const write = (path: string, value: string): string | null => {
    if (refusal === null) values[path] = value;
    return refusal;
  };
  return { values, secondaries: new Secondaries({ read: (path) => values[path] ?? null, write }) };
}

Deno.test("Secondaries: one interface is set while addresses of ours are there, and put back after", () => {
  const { values, secondaries } = made({ [ALL]: "0", [ETH0]: "0" });
  assertEquals([secondaries.protect("eth0", 2), secondaries.protect("gone0", 0)], [null, null]);
  assertEquals(values, { [ALL]: "0", [ETH0]: "1" });
  secondaries.release();
  assertEquals(values, { [ALL]: "0", [ETH0]: "0" });
});

Deno.test("Secondaries: what holds for all interfaces is enough", () => {
  const { values, secondaries } = made({ [ALL]: "1", [ETH0]: "0" });
  secondaries.protect("eth0", 2);
  assertEquals(values[ETH0], "0");
});

Deno.test("Secondaries: an interface that comes back is seen to again, one that is there is not asked twice", () => {
  const { values, secondaries } = made({ [ALL]: "0", [ETH0]: "0" });
  secondaries.protect("eth0", 2);
  values[ETH0] = "0";
  secondaries.protect("eth0", 2);
  assertEquals(values[ETH0], "0");
  secondaries.protect("eth0", 3);
  assertEquals(values[ETH0], "1");
});

Deno.test("Secondaries: a refusal says what may happen", () => {
  const { secondaries } = made({ [ALL]: "0", [ETH0]: "0" }, "cannot set it: Read-only file system");
  assertEquals(
    secondaries.protect("eth0", 2),
    "cannot set it: Read-only file system: removing a virtual address may take eth0's own addresses along",
  );
});
