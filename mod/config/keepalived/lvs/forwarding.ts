/** `lb_kind`, `lvs_method`: how packets reach a real server. */
import type { Value } from "../draft.ts";
import type { Tell } from "../report.ts";
import type { Statement } from "../tree.ts";

const METHODS: Readonly<Record<string, string>> = { NAT: "nat", DR: "dr", TUN: "tunnel" };
const CHECKSUMS: Readonly<Record<string, string>> = { nocsum: "none", csum: "checksum", remcsum: "remote" };

/** `DR`, `NAT`, `TUN [type ipip|gue port N|gre] [nocsum|csum|remcsum]`, as `forward` of vipd.toml has it. */
export function forwardOf({ args: [word, ...options] }: Statement, tell: Tell): Value | undefined {
  const method = METHODS[word?.text.toUpperCase() ?? ""];
  if (method === undefined) {
    tell.refuse(`expected NAT, DR or TUN, got "${word?.text ?? ""}"; keepalived warns and takes NAT`);
    return undefined;
  }
  const table: Record<string, Value> = { method };
  for (let i = 0; i < options.length; i++) {
    const { text } = options[i]!;
    const checksum = Object.hasOwn(CHECKSUMS, text) ? CHECKSUMS[text] : undefined;
    if (text === "type" && options[i + 1] !== undefined) table["type"] = options[++i]!.text;
    else if (text === "port" && /^\d+$/.test(options[i + 1]?.text ?? "")) {
      table["port"] = Number(options[++i]!.text);
    } else if (checksum !== undefined) {
      if (checksum !== "none") table["checksum"] = checksum;
    } else {
      tell.refuse(`expected type, port or a checksum, got "${text}"`);
      return undefined;
    }
  }
  return Object.keys(table).length === 1 ? method : table;
}

/** Whether packets keep their port on the way. */
export function keepsPort(forward: Value): boolean {
  const method = typeof forward === "object" && "method" in forward ? forward["method"] : forward;
  return method !== "nat";
}
