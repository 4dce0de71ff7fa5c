/** The outermost level of keepalived.conf. */
import type { Conversion } from "./conversion.ts";
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
];
