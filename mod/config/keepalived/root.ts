/** The outermost level of keepalived.conf. */
import type { Conversion } from "./conversion.ts";
import { readSsl } from "./lvs/client_certificate.ts";
import { convertVirtualServer } from "./lvs/virtual_server.ts";
import { readGroup } from "./lvs/virtual_server_group.ts";
import { convertGarpGroup } from "./garp.ts";
import { convertGlobalDefs } from "./global_defs.ts";
import { convertSyncGroup } from "./sync_group.ts";
import { type Keywords, rows } from "./table.ts";
import { convertTrackFile } from "./track_file.ts";
import { convertTrackProcess } from "./track_process.ts";
import { convertVrrpInstance } from "./vrrp_instance.ts";
import { convertVrrpScript } from "./vrrp_script.ts";

const HOST_NETWORK =
  "vipd sets up no network of the host's own: put it where the host has it (netplan, ifupdown, systemd-networkd)";

export const ROOT: Keywords<Conversion> = [
  {
    keyword: "global_defs",
    outcome: "converted",
    why: "node, notify, mail, balance",
    convert: convertGlobalDefs,
  },
  { keyword: "vrrp_instance", outcome: "converted", why: "virtual_router.*", convert: convertVrrpInstance },
  { keyword: "vrrp_sync_group", outcome: "converted", why: "sync_group.*", convert: convertSyncGroup },
  { keyword: "vrrp_script", outcome: "converted", why: "check.*", convert: convertVrrpScript },
  {
    keyword: "vrrp_track_process",
    outcome: "converted",
    why: 'check.* of type "process"',
    convert: convertTrackProcess,
  },
  { keyword: "track_file", outcome: "converted", why: 'check.* of type "file"', convert: convertTrackFile },
  {
    keyword: "vrrp_track_file",
    outcome: "obsolete",
    why: "track_file; converted",
    convert: convertTrackFile,
  },
  {
    keyword: "garp_group",
    outcome: "converted",
    why: "virtual_router.*.garp.interval",
    convert: convertGarpGroup,
  },
  {
    keyword: "virtual_server",
    outcome: "converted",
    why: "virtual_server.*",
    convert: convertVirtualServer,
  },
  {
    keyword: "virtual_server_group",
    outcome: "converted",
    why: "virtual_server.*.addresses",
    convert: readGroup,
  },
  {
    keyword: "SSL",
    outcome: "converted",
    why: "tls of the checks of SSL_GET",
    convert: readSsl,
  },
  {
    keyword: "instance",
    outcome: "nothing to do",
    why: "@id lines are for the name that --id gives, as for keepalived's own -i",
  },
  ...rows("refused", HOST_NETWORK, ["static_ipaddress", "static_routes", "static_rules", "track_group"]),
  ...rows(
    "refused",
    "start vipd in the network namespace: NetworkNamespacePath= in its systemd unit, or `ip netns exec`",
    ["net_namespace", "net_namespace_ipvs"],
  ),
  ...rows("nothing to do", "vipd uses no ipsets and no pid files", ["namespace_with_ipsets", "use_pid_dir"]),
  ...rows("nothing to do", "vipd has no child processes but the programs that it runs", ["child_wait_time"]),
  ...rows("obsolete", "nothing: the kernel tells of every interface (netlink)", ["linkbeat_use_polling"]),
  ...rows("nothing to do", "the kernel tells of every interface (netlink)", ["linkbeat_interfaces"]),
  ...rows("refused", 'carrier counts at once: a check of type "interface" with rise and fall waits', [
    "interface_up_down_delays",
  ], true),
  ...rows(
    "refused",
    "there is no BFD in this version of vipd: version 3 with an advertisement_interval of 100ms sees a dead router " +
      "in 0.4s",
    ["bfd_instance"],
  ),
];
