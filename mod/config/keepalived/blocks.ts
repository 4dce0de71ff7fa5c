/** The blocks of keepalived.conf with their tables: all its keywords, and what becomes of each. */
import { CHECKER_BLOCKS } from "./lvs/checkers.ts";
import { SSL } from "./lvs/client_certificate.ts";
import { URL_KEYWORDS } from "./lvs/http_checker.ts";
import { REAL_SERVER } from "./lvs/real_server.ts";
import { VIRTUAL_SERVER } from "./lvs/virtual_server.ts";
import { AUTH, AUTH_HMAC } from "./authentication.ts";
import { BFD_INSTANCE } from "./bfd.ts";
import { GARP_GROUP } from "./garp.ts";
import { GLOBAL_DEFS } from "./global_defs.ts";
import { ROOT } from "./root.ts";
import { SYNC_GROUP } from "./sync_group.ts";
import type { Keywords } from "./table.ts";
import { TRACK_FILE } from "./track_file.ts";
import { TRACK_PROCESS } from "./track_process.ts";
import { VRRP_INSTANCE } from "./vrrp_instance.ts";
import { VRRP_SCRIPT } from "./vrrp_script.ts";

interface Block {
  /** As it is called in messages; empty: the outermost level. */
  readonly name: string;
  readonly keywords: Keywords<never>;
}

export const BLOCKS: readonly Block[] = [
  { name: "", keywords: ROOT },
  { name: "global_defs", keywords: GLOBAL_DEFS },
  { name: "vrrp_instance", keywords: VRRP_INSTANCE },
  { name: "vrrp_instance, authentication", keywords: AUTH },
  { name: "vrrp_instance, auth_hmac", keywords: AUTH_HMAC },
  { name: "vrrp_sync_group", keywords: SYNC_GROUP },
  { name: "vrrp_script", keywords: VRRP_SCRIPT },
  { name: "virtual_server", keywords: VIRTUAL_SERVER },
  { name: "real_server", keywords: REAL_SERVER },
  ...CHECKER_BLOCKS,
  { name: "url", keywords: URL_KEYWORDS },
  { name: "SSL", keywords: SSL },
  { name: "vrrp_track_process", keywords: TRACK_PROCESS },
  { name: "track_file", keywords: TRACK_FILE },
  { name: "garp_group", keywords: GARP_GROUP },
  { name: "bfd_instance", keywords: BFD_INSTANCE },
];

/** The blocks that know this keyword. */
export function blocksOf(keyword: string): string[] {
  return BLOCKS.filter(({ keywords }) => keywords.some((row) => row.keyword === keyword))
    .map(({ name }) => name);
}
