/** `bfd_instance` of keepalived.conf, which is refused as a whole: its keywords are known all the same. */
import { type Keywords, rows } from "./table.ts";

export const BFD_INSTANCE: Keywords<unknown> = rows("refused", "see bfd_instance", [
  ...[
    "source_ip",
    "neighbor_ip",
    "neighbour_ip",
    "min_rx",
    "min_tx",
    "idle_tx",
    "multiplier",
    "passive",
    "ttl",
  ],
  ...["hoplimit", "max_hops", "multihop", "weight", "vrrp", "checker"],
]);
