/** Processes, priorities and files in global_defs: mostly nothing that vipd would need. */
import type { Conversion } from "./conversion.ts";
import { type Keywords, rows } from "./table.ts";

const PROCESSES = ["vrrp", "checker", "bfd"] as const;

function ofEach(suffix: string): string[] {
  return PROCESSES.map((owner) => `${owner}_${suffix}`);
}

export const PROCESS_GLOBALS: Keywords<Conversion> = [
  ...rows("nothing to do", "vipd is one process, called vipd", [
    "process_names",
    "process_name",
    ...ofEach("process_name"),
    "lvs_process_name",
  ]),
  ...rows(
    "nothing to do",
    "node.realtime is on by default: the VRRP thread has SCHED_RR where it is permitted",
    [
      "max_auto_priority",
      "min_auto_priority_delay",
      ...ofEach("rt_priority"),
      ...ofEach("priority"),
      ...ofEach("rlimit_rttime"),
      ...ofEach("rlimit_rtime"),
    ],
  ),
  ...rows("nothing to do", "the code that keeps the addresses is locked in memory", ofEach("no_swap")),
  ...rows("refused", "systemd has it: CPUAffinity= in the unit", ofEach("cpu_affinity"), true),
  ...rows("refused", "systemd has it: UMask= in the unit", ["umask"], true),
  ...rows(
    "nothing to do",
    "receive buffers are as large as permitted, and what they lose is asked for anew",
    [
      ...["vrrp_netlink_cmd_rcv_bufs", "vrrp_netlink_monitor_rcv_bufs", "process_monitor_rcv_bufs"],
      ...["lvs_netlink_cmd_rcv_bufs", "lvs_netlink_monitor_rcv_bufs"],
    ].flatMap((keyword) => [keyword, `${keyword}_force`]),
  ),
  ...rows("nothing to do", "receive buffers are as large as permitted", [
    "vrrp_rx_bufs_policy",
    "vrrp_rx_bufs_multiplier",
  ]),
  ...rows("nothing to do", "vipd writes no firewall rules: addresses always answer (see no_accept)", [
    "vrrp_iptables",
    "vrrp_ipsets",
    "nftables",
    "nftables_priority",
    "nftables_ifindex",
  ]),
  ...rows("refused", "there is no SNMP: GET /metrics (Prometheus), GET /status and /events say more", [
    "snmp_socket",
    "enable_traps",
    "enable_snmp_vrrp",
    "enable_snmp_keepalived",
    "enable_snmp_rfc",
    "enable_snmp_rfcv2",
    "enable_snmp_rfcv3",
    "enable_snmp_checker",
    "snmp_vs_stats_update_interval",
    "snmp_rs_stats_update_interval",
  ], true),
  ...rows("refused", "there is no D-Bus: the API over the unix socket has status, events and controls", [
    "enable_dbus",
    "dbus_service_name",
    "dbus_no_interface_name",
  ], true),
  ...rows("nothing to do", "a reload is always checked first: a file with errors changes nothing", [
    "reload_check_config",
  ]),
  ...rows("refused", "have a systemd timer or at(1) call `vipd reload`", [
    "reload_time_file",
    "reload_repeat",
    "reload_file",
  ], true),
  ...rows("nothing to do", "a file that cannot be included is always an error", ["include_check"]),
  ...rows("nothing to do", "`vipd status --json` and the API tell it, no file is written", [
    "config_save_dir",
    "tmp_config_directory",
    "data_use_instance",
    "json_version",
    "state_dump_file",
    "stats_dump_file",
    "json_dump_file",
  ]),
  ...rows("nothing to do", "names of scopes and tables are the kernel's own", [
    "iproute_usr_dir",
    "iproute_etc_dir",
  ]),
  ...rows("nothing to do", "only for keepalived's own tests", ["random_seed"]),
];
