/** The blocks of keepalived.conf with their tables: what a word that is none here may be elsewhere. */
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
];

/** The blocks that know this keyword. */
export function blocksOf(keyword: string): string[] {
  return BLOCKS.filter(({ keywords }) => keywords.some((row) => row.keyword === keyword))
    .map(({ name }) => name);
}
