/** Scripts that stop keepalived: their failure is FAULT, and the weight that they earned until then stays. */
import { assertEquals } from "@std/assert";
import { converted } from "./converted.ts";

const STOPPING = "#!/bin/sh\npidof nginx || { systemctl stop keepalived; exit 1; }\n";

/** Lines of script and instance, and what stands around -> priority and track. */
const ROWS: readonly (readonly [weight: string, tracked: string, around: string, priority: string])[] = [
  ["", "", "", "priority = 100"],
  ["weight 50", "", "", "priority = 150"],
  ["weight 50", "weight 7", "", "priority = 107"],
  ["weight -50", "", "", "priority = 100"],
  ["weight 50 reverse", "", "", "priority = 100"],
  ["weight 250", "", "", "priority = 254"],
  ["weight 50", "", "vrrp_sync_group G {\ngroup {\nV\n}\n}\n", "priority = 100"],
  ["weight 50", "", "vrrp_sync_group G {\nsync_group_tracking_weight\ngroup {\nV\n}\n}\n", "priority = 150"],
];

Deno.test("a script that stops keepalived: FAULT without a weight, the same priority on the wire", () => {
  for (const [weight, tracked, around, priority] of ROWS) {
    const { lines, blocked } = converted(
      `vrrp_script c {\nscript "/c.sh"\n${weight}\n}\n${around}vrrp_instance V {\ninterface eth0\n` +
        `virtual_router_id 9\npriority 100\nvirtual_ipaddress {\n192.0.2.1\n}\ntrack_script {\nc ${tracked}\n}\n}`,
      { "/c.sh": STOPPING },
    );
    const found = lines.filter((line) => /^(priority|track) = /.test(line));
    assertEquals([...found.map((line) => line.replace(/ +#.*/, "")), blocked], [
      priority,
      'track = ["c"]',
      false,
    ]);
  }
});
