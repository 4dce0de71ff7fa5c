/** The outermost level of keepalived.conf. */
import type { Conversion } from "./conversion.ts";
import { convertVirtualServer } from "./lvs/virtual_server.ts";
import { readGroup } from "./lvs/virtual_server_group.ts";
import type { Keywords } from "./table.ts";
import { convertVrrpScript } from "./vrrp_script.ts";

export const ROOT: Keywords<Conversion> = [
  {
    keyword: "net_namespace",
    outcome: "refused",
    why: "start vipd in the network namespace: NetworkNamespacePath= in its systemd unit, or `ip netns exec`",
  },
  {
    keyword: "vrrp_script",
    outcome: "converted",
    why: "check.*",
    convert: convertVrrpScript,
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
    outcome: "refused",
    why: "what the checks of SSL_GET show of themselves: give each check its tls = { ca, cert, key }",
  },
];
