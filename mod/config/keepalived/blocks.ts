/** The blocks of keepalived.conf with their tables: what a word that is none here may be elsewhere. */
import { CHECKER_BLOCKS } from "./lvs/checkers.ts";
import { REAL_SERVER } from "./lvs/real_server.ts";
import { VIRTUAL_SERVER } from "./lvs/virtual_server.ts";
import { ROOT } from "./root.ts";
import type { Keywords } from "./table.ts";
import { VRRP_SCRIPT } from "./vrrp_script.ts";

interface Block {
  /** As it is called in messages; empty: the outermost level. */
  readonly name: string;
  readonly keywords: Keywords<never>;
}

const BLOCKS: readonly Block[] = [
  { name: "", keywords: ROOT },
  { name: "vrrp_script", keywords: VRRP_SCRIPT },
  { name: "virtual_server", keywords: VIRTUAL_SERVER },
  { name: "real_server", keywords: REAL_SERVER },
  ...CHECKER_BLOCKS,
];

/** The blocks that know this keyword. */
export function blocksOf(keyword: string): string[] {
  return BLOCKS.filter(({ keywords }) => keywords.some((row) => row.keyword === keyword))
    .map(({ name }) => name);
}
