/** `/metrics`: the format by a strict parser, the figures by value. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { exposition } from "../../mod/api/exposition.ts";
import { renderMetrics } from "../../mod/api/metrics.ts";
import { createApi } from "../../mod/api/mod.ts";
import { newCounters } from "../../mod/vrrp/counters.ts";
import { REASONS } from "../../mod/vrrp/discard.ts";
import { parseExposition } from "./exposition_parser.ts";
import { bigSnapshot, check, fakeContext, router, snapshot } from "./fixture.ts";

function valueOf(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  const samples = parseExposition(text).get(name)?.samples ?? [];
  return samples.find((sample) =>
    Object.entries(labels).every(([key, value]) => sample.labels[key] === value)
  )?.value;
}

Deno.test("renderMetrics() is well-formed, alone and with the exporter's names", () => {
  for (const exporterNames of [false, true]) {
    for (
      const subject of [
        snapshot(),
        bigSnapshot(50),
        snapshot({ virtual_routers: [], checks: [], foreign_routers: [] }),
      ]
    ) {
      parseExposition(renderMetrics(subject, exporterNames));
    }
  }
});

Deno.test("renderMetrics() gives every state, 1 for the present one", () => {
  const text = renderMetrics(snapshot(), false);
  const states = parseExposition(text).get("vipd_virtual_router_state")?.samples;
  assertEquals(
    states?.map(({ labels, value }) => [labels["state"], value]),
    [["INIT", 0], ["BACKUP", 0], ["ACTIVE", 1], ["FAULT", 0]],
  );
  assertEquals(states?.[0]?.labels, {
    name: "VI_1",
    interface: "eth0",
    vrid: "51",
    family: "ipv4",
    state: "INIT",
  });
});

Deno.test("renderMetrics() gives priorities, peers, counters, checks and the node", () => {
  const text = renderMetrics(snapshot(), false);
  assertEquals(valueOf(text, "vipd_virtual_router_priority"), 100);
  assertEquals(valueOf(text, "vipd_virtual_router_effective_priority"), 80);
  assertEquals(valueOf(text, "vipd_virtual_router_contribution", { check: "uplink" }), -20);
  assertEquals(valueOf(text, "vipd_virtual_router_active_down_interval_seconds"), 3.609375);
  assertEquals(valueOf(text, "vipd_virtual_router_checksum_errors_total"), 2);
  assertEquals(valueOf(text, "vipd_peer_last_seen_age_seconds", { peer: "192.168.121.12" }), 0.5);
  assertEquals(valueOf(text, "vipd_peer_priority"), 70);
  assertEquals(valueOf(text, "vipd_check_up", { name: "nginx" }), 1);
  assertEquals(valueOf(text, "vipd_check_up", { name: "uplink" }), 0);
  assertEquals(valueOf(text, "vipd_check_duration_seconds", { name: "nginx" }), 0.001234);
  assertEquals(valueOf(text, "vipd_check_duration_seconds", { name: "uplink" }), undefined);
  assertEquals(valueOf(text, "vipd_foreign_packets_received_total", { vrid: "77" }), 40);
  assertEquals(valueOf(text, "vipd_config_last_reload_successful"), 1);
});

Deno.test("renderMetrics() shows every counter and discard reason of the engine without being told of it", () => {
  const text = renderMetrics(snapshot({ virtual_routers: [router({ counters: newCounters() })] }), false);
  const families = parseExposition(text);
  for (const name of [...Object.keys(newCounters()), ...Object.keys(REASONS)]) {
    assert(families.has(`vipd_virtual_router_${name}_total`), name);
  }
});

Deno.test("renderMetrics() shows the missing addresses of an active router only", () => {
  const addresses = router().addresses.map((address) => ({ ...address, present: false }));
  const active = renderMetrics(snapshot({ virtual_routers: [router({ addresses })] }), false);
  const backup = renderMetrics(
    snapshot({ virtual_routers: [router({ addresses, state: "BACKUP" })] }),
    false,
  );
  assertEquals(valueOf(active, "vipd_virtual_router_missing_addresses"), 2);
  assertEquals(valueOf(backup, "vipd_virtual_router_missing_addresses"), 0);
});

Deno.test("renderMetrics() leaves an undecided check out of vipd_check_up", () => {
  const text = renderMetrics(snapshot({ checks: [check({ state: "unknown" })] }), false);
  assertEquals(valueOf(text, "vipd_check_up"), undefined);
  assertEquals(valueOf(text, "vipd_check_runs_total"), 300);
});

Deno.test("renderMetrics() escapes names of any kind", () => {
  const name = 'a"b\\c\nd';
  const text = renderMetrics(snapshot({ checks: [check({ name })] }), true);
  assertEquals(valueOf(text, "vipd_check_up", { name }), 1);
});

Deno.test("renderMetrics() speaks keepalived-exporter's names on request", () => {
  const text = renderMetrics(snapshot(), true);
  const labels = { iname: "VI_1", intf: "eth0", vrid: "51" };
  assertEquals(valueOf(text, "keepalived_up"), 1);
  assertEquals(valueOf(text, "keepalived_vrrp_state", { ...labels, ip_address: "192.168.121.120" }), 2);
  assertEquals(valueOf(text, "keepalived_vrrp_excluded_state", { ...labels, ip_address: "fd00::120" }), 2);
  assertEquals(valueOf(text, "keepalived_advertisements_sent_total", labels), 67);
  assertEquals(valueOf(text, "keepalived_gratuitous_arp_delay_total", labels), 5);
  assertEquals(valueOf(text, "keepalived_become_master_total", labels), 1);
  assertEquals(valueOf(text, "keepalived_script_status", { name: "uplink" }), 0);
  assertEquals(valueOf(renderMetrics(snapshot(), false), "keepalived_up"), undefined);
});

const router3 = ["iname", "intf", "vrid"];

/** The list of the README of keepalived-exporter 1.7.1, with the types and labels of its collector. */
const exporters: [name: string, type: "gauge" | "counter", help: string, labels: string[]][] = [
  ["keepalived_up", "gauge", "Status", []],
  ["keepalived_vrrp_state", "gauge", "State of vrrp", [...router3, "ip_address"]],
  ["keepalived_vrrp_excluded_state", "gauge", "State of vrrp with excluded VIP", [...router3, "ip_address"]],
  ["keepalived_gratuitous_arp_delay_total", "counter", "Gratuitous ARP delay", router3],
  ["keepalived_advertisements_received_total", "counter", "Advertisements received", router3],
  ["keepalived_advertisements_sent_total", "counter", "Advertisements sent", router3],
  ["keepalived_become_master_total", "counter", "Became master", router3],
  ["keepalived_release_master_total", "counter", "Released master", router3],
  ["keepalived_packet_length_errors_total", "counter", "Packet length errors", router3],
  ["keepalived_advertisements_interval_errors_total", "counter", "Advertisement interval errors", router3],
  ["keepalived_ip_ttl_errors_total", "counter", "TTL errors", router3],
  ["keepalived_invalid_type_received_total", "counter", "Invalid type errors", router3],
  ["keepalived_address_list_errors_total", "counter", "Address list errors", router3],
  ["keepalived_authentication_invalid_total", "counter", "Authentication invalid", router3],
  ["keepalived_authentication_mismatch_total", "counter", "Authentication mismatch", router3],
  ["keepalived_authentication_failure_total", "counter", "Authentication failure", router3],
  ["keepalived_priority_zero_received_total", "counter", "Priority zero received", router3],
  ["keepalived_priority_zero_sent_total", "counter", "Priority zero sent", router3],
  ["keepalived_script_status", "gauge", "Tracker Script Status", ["name"]],
  ["keepalived_script_state", "gauge", "Tracker Script State", ["name"]],
];
/** These are about the exporter itself, and documented as left out. */
const left = ["keepalived_exporter_build_info", "keepalived_exporter_check_script_status"];

Deno.test("renderMetrics() has every metric of keepalived-exporter's list, with its type, help and labels", async () => {
  const families = [...parseExposition(renderMetrics(snapshot(), true))]
    .filter(([name]) => name.startsWith("keepalived_"));
  assertEquals(
    families.map((
      [name, { type, help, samples }],
    ) => [name, type, help, Object.keys(samples[0]?.labels ?? {})]).sort(),
    [...exporters].sort(),
  );
  for (const [name, , , labels] of exporters) {
    const samples = families.find((family) => family[0] === name)?.[1].samples ?? [];
    for (const sample of samples) assertEquals(Object.keys(sample.labels), labels, name);
  }
  const docs = await Deno.readTextFile(new URL("../../docs/api.md", import.meta.url));
  for (const name of left) assert(docs.includes(name), name);
  assert(docs.includes(`all ${exporters.length + left.length} of its version`), "the number in docs/api.md");
});

Deno.test("renderMetrics() in the exporter's names: a router without addresses has its state, series outlive it", () => {
  const bare = renderMetrics(snapshot({ virtual_routers: [router({ addresses: [] })] }), true);
  const labels = { iname: "VI_1", intf: "eth0", vrid: "51" };
  assertEquals(valueOf(bare, "keepalived_vrrp_state", { ...labels, ip_address: "" }), 2);
  const series = (state: "ACTIVE" | "BACKUP"): unknown[] => {
    const text = renderMetrics(snapshot({ virtual_routers: [router({ state })] }), true);
    return [...parseExposition(text)].filter(([name]) => name.startsWith("keepalived_"))
      .flatMap(([, { samples }]) => samples.map(({ name, labels }) => [name, labels]));
  };
  assertEquals(series("ACTIVE"), series("BACKUP"));
});

Deno.test("renderMetrics() maps only counters that the engine has into the exporter's names", () => {
  const counters = Object.fromEntries(Object.keys(newCounters()).map((name, i) => [name, i + 1]));
  const text = renderMetrics(snapshot({ virtual_routers: [router({ counters })] }), true);
  const theirs = [...parseExposition(text)].filter(([name]) =>
    name.startsWith("keepalived_") && name.endsWith("_total")
  );
  assertEquals(theirs.length, 15);
  for (const [name, { samples }] of theirs) assert((samples[0]?.value ?? 0) > 0, name);
});

Deno.test("exposition() writes special values and no empty family", () => {
  const family = { name: "x", type: "gauge", help: "back\\slash\nline" } as const;
  const samples = [NaN, Infinity, -Infinity, 1e21].map((value, i) => ({ labels: { i }, value }));
  const text = exposition([{ ...family, samples }, { ...family, name: "y", samples: [] }]);
  assertEquals(
    text,
    '# HELP x back\\\\slash\\nline\n# TYPE x gauge\nx{i="0"} NaN\nx{i="1"} +Inf\nx{i="2"} -Inf\nx{i="3"} 1e+21\n',
  );
  parseExposition(text);
});

Deno.test("parseExposition() refuses what a scraper would", () => {
  const head = "# HELP a_total x\n# TYPE a_total counter\n";
  for (
    const body of [
      'a_total{l="1"}1\n',
      'a_total{l="\\x"} 1\n',
      "a_total 1\na_total 2\n",
      "b 1\n",
      "a_total 1",
      "a_total x\n",
    ]
  ) {
    assertThrows(() => parseExposition(head + body), Error);
  }
});

Deno.test("GET /metrics answers Prometheus and only text", async () => {
  const app = createApi(fakeContext({ exporterNames: true }));
  const accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1";
  const response = await app.request("/metrics", { headers: { accept } });
  assertEquals(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert(parseExposition(await response.text()).has("keepalived_up"));
  assertEquals((await app.request("/metrics", { headers: { accept: "application/json" } })).status, 406);
});

Deno.test("metrics: lateness is a cumulative histogram in seconds", () => {
  const family = parseExposition(renderMetrics(snapshot(), false)).get("vipd_deadline_lateness_seconds");
  assertEquals(family?.type, "histogram");
  assertEquals(
    family?.samples.map(({ name, labels, value }) => [name.split("_").at(-1), labels["le"], value]),
    [
      ["bucket", "0.0005", 7],
      ["bucket", "0.01", 9],
      ["bucket", "+Inf", 10],
      ["sum", undefined, 0.0315],
      ["count", undefined, 10],
    ],
  );
});

Deno.test("metrics: receivers whose secret paths are all that differs are one series", () => {
  const known = snapshot();
  const [one] = known.notify.webhooks;
  const webhooks = [one!, { ...one!, failed: 5 }];
  const text = renderMetrics({ ...known, notify: { ...known.notify, webhooks } }, false);
  const series = text.split("\n").filter((line) => line.startsWith("vipd_webhook_failed_total"));
  assertEquals(series, ['vipd_webhook_failed_total{url="https://hooks.example.org/…"} 7']);
});

Deno.test("metrics: programs that are told, and whoever else is", () => {
  const text = renderMetrics(snapshot(), false);
  for (
    const line of [
      'vipd_hook_runs_total{kind="virtual_router",name="VI_1",hook="active"} 7',
      'vipd_hook_coalesced_total{kind="node",name="",hook="startup"} 3',
      'vipd_hook_last_success{kind="virtual_router",name="VI_1",hook="active"} 0',
      'vipd_fifo_dropped_total{path="/run/vipd/notify.fifo"} 3',
      'vipd_webhook_failed_total{url="https://hooks.example.org/…"} 2',
      "vipd_mail_delivered_total 4",
    ]
  ) assert(text.split("\n").includes(line), line);
});
