/** What becomes of each keyword of a virtual router's world, and that all of it validates. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { converted, problemsOf } from "./converted.ts";

const VRRP = "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress { 192.0.2.10/24 }";

/** What stands in every virtual router unless something else is said. */
const DEFAULTS = [
  "[virtual_router.V]",
  'interface = "eth0"',
  "vrid = 51",
  "version = 2  # keepalived's default; vipd's is 3",
  "priority = 100",
  'advertisement_interval = "1s"',
  'addresses = ["192.0.2.10/24"]',
  'garp = { refresh = "0s" }',
];

type Change = Readonly<Record<string, string>>;

/** Lines of the vrrp_instance -> keys that are otherwise than by default, and what is told. */
const INSTANCES: readonly (readonly [text: string, change: Change, told?: readonly string[]])[] = [
  ["", {}],
  ["priority 150\nadvert_int 3", { priority: "150", advertisement_interval: '"3s"' }],
  ["state MASTER", { priority: "255" }, [
    "converted: vrrp_instance: priority = 255: state MASTER without a priority makes keepalived the owner of the addresses",
  ]],
  ["state BACKUP\nnopreempt", { preempt: "false" }],
  ["state MASTER\npriority 100\nnopreempt", {}, [
    "converted: vrrp_instance: nopreempt is left out: keepalived drops it with state MASTER; write state BACKUP on both to mean it",
  ]],
  ["state Master", {}, [
    'refused: state: expected MASTER or BACKUP in capital letters, got "Master"; keepalived takes BACKUP',
  ]],
  ["preempt_delay 300", { preempt_delay: '"5m"' }],
  ["preempt_delay 300\nnopreempt", { preempt: "false" }, [
    "converted: vrrp_instance: preempt_delay is left out: keepalived drops it with nopreempt",
  ]],
  ["advert_int 0.4", {}, [
    "converted: vrrp_instance: advert_int 0.4 is rounded to 1 with version 2, as keepalived does",
  ]],
  ["version 3\nadvert_int 0.125", { version: "3", advertisement_interval: '"130ms"' }, [
    "converted: vrrp_instance: advert_int 0.125 is rounded to 0.13 with version 3, as keepalived does",
  ]],
  ["authentication {\nauth_type PASS\nauth_pass secret\n}", { password: '"secret"' }],
  ["authentication {\nauth_type PASS\nauth_pass d0cker2021\n}", { password: '"d0cker20"' }, [
    "converted: auth_pass: only its first 8 bytes count, in keepalived as well",
  ]],
  ["authentication {\nauth_pass secret\n}", {}, [
    "nothing to do: auth_pass: keepalived uses no password without auth_type PASS",
  ]],
  ["version 3\nauthentication {\nauth_type PASS\nauth_pass secret\n}", { version: "3" }, [
    "nothing to do: auth_pass: version 3 has no password: keepalived uses none",
  ]],
  ["authentication {\nauth_type AH\n}", {}, [
    "refused: auth_type: there is no IPsec AH (RFC 3768 has dropped it): use PASS on all routers first",
  ]],
  ["unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n192.0.2.3\n}", {
    unicast_source: '"192.0.2.1"',
    unicast_peers: '["192.0.2.2", "192.0.2.3"]',
  }],
  ["unicast_src_ip 192.0.2.1", {}, [
    "converted: vrrp_instance: no unicast_peer is named: keepalived falls back to multicast, and so does this",
  ]],
  ["use_vmac", { virtual_mac: "true" }],
  ["use_vmac vip0\nvmac_xmit_base", { virtual_mac: '{ interface = "vip0", advertise_from = "base" }' }],
  ["garp_master_delay 10\ngarp_master_refresh 60\ngarp_master_repeat 2", {
    garp: '{ repeat = 2, delay = "10s", refresh = "1m" }',
  }],
  ['notify_master "/m a" root\nnotify "/n"  root', {
    notify: '{ active = ["/m", "a"], any = ["/n"], user = "root" }',
  }],
  ["notify_master /m a", { notify: '{ active = ["/m"], user = "a" }' }],
  ["smtp_alert off", { notify: "{ mail = false }" }],
  ["virtual_ipaddress_excluded {\n2001:db8::1/64\n}", { excluded_addresses: '["2001:db8::1/64"]' }],
  ["virtual_ipaddress {\n2001:db8::1/64\n}", {}, [
    "refused: vrrp_instance: virtual_ipaddress has IPv4 and IPv6 addresses: keepalived passes over those that are not like the first; move them to virtual_ipaddress_excluded",
  ]],
  ["virtual_ipaddress {\n192.0.2.11 dev eth1 label eth1:1 scope link brd + no_track\n}", {
    addresses:
      '["192.0.2.10/24", { address = "192.0.2.11", interface = "eth1", label = "eth1:1", scope = "link" }]',
  }, [
    "converted: 192.0.2.11: the address gets no broadcast address",
    "converted: 192.0.2.11: an address that somebody removes is put back here, always",
  ]],
  ["virtual_ipaddress {\n192.0.2.300\n}", {}, [
    'refused: 192.0.2.300: expected an address such as 192.0.2.10/24, got "192.0.2.300"',
  ]],
  ["no_accept", {}, [
    "refused: no_accept: the addresses answer here (Accept_Mode): drop what is not for this host in the firewall, such as nft add rule inet filter input ip daddr ADDRESS drop",
  ]],
  ["virtual_routes {\n}", {}, ["nothing to do: virtual_routes: there is nothing in it"]],
  ["virtual_routes {\n10.0.0.0/8 via 192.0.2.1\n}", {}, [
    "refused: virtual_routes: vipd moves no routes: let notify.active and notify.backup call `ip route`",
  ]],
  ["down_timer_adverts 5", {}, [
    "refused: down_timer_adverts: a backup waits for 3 intervals here, not for 5: choose the advertisement_interval so that this fits",
  ]],
  ["prioritty 5", {}, ['refused: prioritty: unknown in vrrp_instance V: did you mean "priority"?']],
  ["auth_pass 1111", {}, [
    "refused: auth_pass: unknown in vrrp_instance V: it belongs into vrrp_instance, authentication",
  ]],
  ["vrrp_script x {\n}", {}, [
    "refused: vrrp_script: unknown in vrrp_instance V: it belongs to the outermost level; is a } missing before it?",
  ]],
  ["track_interface {\neth0\neth1 weight 10 reverse\n}", {
    track: '[{ check = "eth1", weight = 10, reverse = true }]',
  }, [
    "nothing to do: eth0: the virtual router's own interface is tracked always",
  ]],
  ["track_script {\nnginx\n}", {}, [
    "refused: nginx: no vrrp_script of this name; keepalived passes over it, and nothing is checked",
  ]],
  ["state MASTER priority 100", {}, [
    "refused: state: `priority` (column 14) stands on the same line: keepalived does not see it; start a new line",
  ]],
];

/** Of one virtual router. */
function keysOf(lines: readonly string[]): Record<string, string> {
  const from = lines.indexOf("[virtual_router.V]");
  const length = lines.slice(from + 1).findIndex((line) => line.startsWith("["));
  const own = lines.slice(from + 1, length < 0 ? undefined : from + 1 + length);
  return Object.fromEntries(own.map((line) => {
    const [name = "", value = ""] = line.split(/ = (.*)/s);
    return [name, value.replace(/ {2}#.*/, "")];
  }));
}

for (const [text, change, told = []] of INSTANCES) {
  Deno.test(`convert: vrrp_instance: ${JSON.stringify(text)}`, () => {
    const result = converted(`vrrp_instance V {\n${VRRP}\n${text}\n}`);
    assertEquals(result.told.map((line) => line.replace(/^\S+ /, "")), [...told]);
    const expected = { ...keysOf(DEFAULTS), ...change };
    assertEquals(keysOf(result.lines), expected);
    assertEquals(result.blocked, told.some((line) => /^refused: (?!down_timer)/.test(line)));
  });
}

Deno.test("convert: everything that vipd needs is missed by name", () => {
  assertEquals(converted("vrrp_instance V {\nvirtual_ipaddress { 192.0.2.1 }\n}").told, [
    "k:1:1 refused: vrrp_instance: interface is missing: vipd needs one, even with unicast_peers",
    "k:1:1 refused: vrrp_instance: virtual_router_id is missing",
  ]);
});

Deno.test("convert: IPv6 is version 3, whatever global_defs says", () => {
  const { lines } = converted(
    "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress { fe80::1 }\n}",
  );
  assertEquals(keysOf(lines)["version"], "3");
});

/** Whole files -> lines apart from the virtual router V's, and what is told. */
const WHOLE: readonly (readonly [text: string, lines: readonly string[], told?: readonly string[]])[] = [
  ["global_defs {\nrouter_id lb1\nvrrp_startup_delay 2.5\n}", [
    "[node]",
    'name = "lb1"',
    'startup_delay = "2.5s"',
  ]],
  ["global_defs {\nsmtp_server 192.0.2.25 587\nnotification_email { a@b.example }\nsmtp_alert\n}", [
    "[mail]",
    'server = "192.0.2.25:587"',
    'tls = "none"  # keepalived knows no TLS; by itself vipd would use it where it is offered ("auto")',
    'to = ["a@b.example"]',
    'timeout = "30s"',
    "virtual_routers = true",
    "real_servers = true",
  ]],
  ["global_defs {\nnotification_email { a@b.example }\n}", [], [
    "k nothing to do: smtp_server: keepalived sends no mail without both smtp_server and notification_email: no [mail]",
  ]],
  [
    'global_defs {\nvrrp_notify_fifo /run/f\nvrrp_notify_fifo_script "/r a" nobody\nstartup_script "/s"\nscript_user x y\n}',
    [
      "[notify]",
      'startup = ["/s"]',
      'fifos = [{ path = "/run/f", events = "virtual_router", command = ["/r", "a"], user = "nobody" }]',
      'user = "x"',
      'group = "y"',
    ],
  ],
  ["global_defs {\nlvs_timeouts tcp 900 udp 300\nlvs_flush\n}", [
    "[balance]",
    'timeouts = { tcp = "15m", udp = "5m" }',
    "flush = true",
  ]],
  ["static_ipaddress {\n192.0.2.1 dev eth0\n}", [], [
    "k:1:1 refused: static_ipaddress: vipd sets up no network of the host's own: put it where the host has it (netplan, ifupdown, systemd-networkd)",
  ]],
  ["vrrp_script x {\nscript /x\n}", [], [
    "k:1:1 nothing to do: vrrp_script: nothing tracks it: keepalived does not run it, and it is left out",
  ]],
];

for (const [text, lines, told = []] of WHOLE) {
  Deno.test(`convert: ${JSON.stringify(text)}`, () => {
    const result = converted(text);
    assertEquals({ lines: result.lines, told: result.told }, { lines: [...lines], told: [...told] });
  });
}

Deno.test("convert: global_defs counts for what comes before it", () => {
  const { lines } = converted(
    `vrrp_instance V {\n${VRRP}\n}\nglobal_defs {\nvrrp_version 3\nvrrp_garp_master_refresh 10\nvrrp_garp_interval 0.01\n}`,
  );
  const { version, garp } = keysOf(lines);
  assertEquals([version, garp], ["3", '{ refresh = "10s", interval = "10ms" }']);
});

Deno.test("convert: a tracked script is a check, under keepalived's defaults", () => {
  const { lines, told } = converted(
    `vrrp_script x {\nscript "/x 'a b'"\nweight -5\n}\nvrrp_instance V {\n${VRRP}\ntrack_script {\nx\n}\n}`,
  );
  assertEquals(told, []);
  assertEquals(keysOf(lines)["track"], '[{ check = "x", weight = -5 }]');
  assertEquals(lines.slice(lines.indexOf("[check.x]")), [
    "[check.x]",
    'type = "exec"',
    'command = ["/x", "a b"]',
    'interval = "1s"',
    "rise = 1",
    "fall = 1",
  ]);
});

Deno.test("convert: a script without a user runs as keepalived_script where there is one", () => {
  const text =
    `vrrp_script x {\nscript /x\n}\nvrrp_instance V {\n${VRRP}\nnotify /n\ntrack_script {\nx\n}\n}`;
  const users = { "/etc/passwd": "root:x:0:0::/:/bin/sh\nkeepalived_script:x:999:999::/:/bin/false\n" };
  const account = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith("user = "));
  assertEquals(account(converted(text, users).lines), [
    'user = "keepalived_script"',
    'user = "keepalived_script"',
  ]);
  assertEquals(account(converted(text).lines), []);
  assertEquals(account(converted(`global_defs {\nscript_user x\n}\n${text}`, users).lines), [
    'user = "x"',
    'user = "x"',
  ]);
});

Deno.test("convert: the user that all scripts have may be named at one of them", () => {
  const text = (user: string): string =>
    `global_defs {\nscript_user root\n}\nvrrp_instance V {\n${VRRP}\nnotify_master /n\nnotify "/n" ${user}\n}`;
  const users = (lines: readonly string[]): string[] => lines.filter((line) => line.startsWith("user = "));
  assertEquals(users(converted(text("root")).lines), ['user = "root"']);
  assertEquals(keysOf(converted(text("root")).lines)["notify"], '{ active = ["/n"], any = ["/n"] }');
  assertStringIncludes(converted(text("nobody")).told.join(), "different users");
});

Deno.test("convert: what is tracked under one name in different ways has different checks", () => {
  const { lines } = converted(
    `vrrp_script eth1 {\nscript /x\n}\ntrack_file eth1 {\nfile /f\n}\nvrrp_track_process eth1 {\nprocess nginx master\nquorum 2\ndelay 1\nterminate_delay 2.5\n}\n` +
      `vrrp_instance V {\n${VRRP}\ntrack_script {\neth1 weight 3\n}\ntrack_interface {\neth1\n}\ntrack_file {\neth1\n}\n` +
      "track_process {\neth1 weight -9\n}\n}",
  );
  assertEquals(
    keysOf(lines)["track"],
    '[{ check = "eth1", weight = 3 }, "eth1_2", { check = "eth1_3", weight = 1 }, { check = "eth1_4", weight = -9 }]',
  );
  assertEquals(lines.slice(lines.indexOf("[check.eth1_4]")), [
    "[check.eth1_4]",
    'type = "process"',
    'match = "^nginx master$"',
    "rise = 1",
    "minimum = 2",
    'fork_delay = "1s"',
    'terminate_delay = "2.5s"',
  ]);
});

Deno.test("convert: groups, reversed trackers, files and scripts of other users can be loaded", async () => {
  const instance = (name: string, vrid: number): string =>
    `vrrp_instance ${name} {\n${VRRP.replace("51", String(vrid)).replace(".10/", `.${vrid}/`)}\n` +
    "track_file {\nf weight -10 reverse\n}\ntrack_process {\np\n}\n}\n";
  const { toml, told, lines } = converted(
    "track_file f {\nfile /run/f\n}\nvrrp_track_process p {\nprocess nginx\nquorum_max 0\n}\n" +
      'vrrp_script s {\nscript "/x"\nuser nobody nogroup\n}\n' +
      `${instance("A", 61)}${
        instance("B", 62)
      }vrrp_sync_group G {\ngroup {\nA\nB\n}\ntrack_script {\ns weight 5\n}\n` +
      'notify_master "/m" root\nsmtp_alert\nsync_group_tracking_weight\n}\n',
  );
  assertEquals(told, []);
  assertEquals(lines.filter((line) => /^(members|member_weights|multiply|group|track) /.test(line)), [
    'track = [{ check = "f", weight = -10, reverse = true }, { check = "p", reverse = true }]',
    'track = [{ check = "f", weight = -10, reverse = true }, { check = "p", reverse = true }]',
    'members = ["A", "B"]',
    'member_weights = "each"',
    'track = [{ check = "s", weight = 5 }]',
    "multiply = true",
    'group = "nogroup"',
  ]);
  assertEquals(await problemsOf(toml), []);
});

Deno.test("convert: what has been converted can be loaded", async () => {
  const { toml, told } = converted(
    `global_defs {\nrouter_id lb1\nvrrp_version 3\nscript_user nobody\nnotify_fifo /run/f\nsmtp_server ::1\n` +
      `notification_email { "Ops <ops@example.org>" }\n}\nvrrp_script x {\nscript "/x"\ninterval 10\n}\n` +
      `vrrp_instance V {\n${VRRP}\nuse_vmac\nnotify "/n"\nnotify_deleted\ntrack_script {\nx\n}\ntrack_interface { eth1 weight 5\n}\n}\n` +
      "vrrp_instance W {\ninterface eth0\nvirtual_router_id 52\nunicast_peer {\n2001:db8::2\n}\nvirtual_ipaddress {\nfe80::1/64\n}\n}",
  );
  assertEquals(told, [
    "k:19:1 nothing to do: notify_deleted: a removed virtual router is always told as DELETED",
  ]);
  assertEquals(await problemsOf(toml), []);
});
