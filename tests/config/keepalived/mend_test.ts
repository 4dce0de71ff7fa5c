/** Line breaks that were lost and come back, and those that nobody has lost. */
import { assertEquals } from "@std/assert";
import { convertKeepalived } from "../../../mod/config/keepalived/convert.ts";
import { mend } from "../../../mod/config/keepalived/mend.ts";
import { writeToml } from "../../../mod/config/keepalived/toml_writer.ts";
import { filesOf } from "./files.ts";

/** One line -> the lines that it was. */
const LINES: readonly (readonly [line: string, lines: readonly string[]])[] = [
  ["state MASTER interface ens33 priority 100", ["state MASTER ", "interface ens33 ", "priority 100"]],
  ["interval 2#权重weight 2", ["interval 2#权重", "weight 2"]],
  ["auth_type PASSauth_pass 1111}track_script {# 追踪脚本chk_nginx}virtual_ipaddress {192.0.2.1}", [
    "auth_type PASS",
    "auth_pass 1111}track_script {# 追踪脚本",
    "chk_nginx}virtual_ipaddress {192.0.2.1}",
  ]],
  ["! Configuration File for keepalivedglobal_defs { router_id A}# VIP1vrrp_instance VI_1 { state BACKUP", [
    "! Configuration File for keepalived",
    "global_defs { router_id A}# VIP1",
    "vrrp_instance VI_1 { state BACKUP",
  ]],
  [
    "protocol TCP # 协议 protocol,一般 real_server 192.0.2.7 80 { weight 100 TCP_CHECK { connect_port 80 } }",
    [
      "protocol TCP # 协议 protocol,一般 ",
      "real_server 192.0.2.7 80 { weight 100 ",
      "TCP_CHECK { connect_port 80 } }",
    ],
  ],
  // Nothing has been lost here.
  ["   priority 100   # the priority of this host", ["   priority 100   # the priority of this host"]],
  ['#    script "killall -0 nginx"', ['#    script "killall -0 nginx"']],
  ['vrrp_script c {  #  script "killall -0 nginx"', ['vrrp_script c {  #  script "killall -0 nginx"']],
  ['script "/x priority 5 # state MASTER"', ['script "/x priority 5 # state MASTER"']],
  ["# braces in a comment { } stay", ["# braces in a comment { } stay"]],
  ["virtual_router_id 51", ["virtual_router_id 51"]],
  ['notify_master "/m"', ['notify_master "/m"']],
];

for (const [line, lines] of LINES) {
  Deno.test(`mend: ${line}`, () => assertEquals(mend(line).map(({ text }) => text), [...lines]));
}

Deno.test("mend: a whole configuration on one line is that of many, and places are those of the file", () => {
  const options = { id: null, env: () => undefined };
  const many =
    "vrrp_instance V {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\npriority 90\nadvert_int 5\n" +
    "authentication {\nauth_type PASS\nauth_pass 1111\n}\nvirtual_ipaddress {\n192.0.2.1\n}\nno_accept\n}\n";
  const one = many.replaceAll("\n", " ");
  const [apart, together] = [many, one].map((k) =>
    convertKeepalived("k", filesOf({ k }), options, k === one)
  );
  const bare = (toml: string): string => toml.replaceAll(/^#.*\n/gm, "");
  assertEquals(bare(writeToml(together!.draft, [])), bare(writeToml(apart!.draft, [])));
  const { at } = together!.rows.find(({ blocks }) => blocks)!;
  assertEquals(one.slice(at.column - 1, at.column + 8), "no_accept");
});
