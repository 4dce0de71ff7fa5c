/** Lines of virtual_ipaddress and virtual_ipaddress_excluded: addresses with their options. */
import { formatAddress, parseCidr } from "../../wire/address.ts";
import type { Value } from "./draft.ts";
import { type Row, teller } from "./report.ts";
import type { Word } from "./tree.ts";

export interface VirtualAddress {
  readonly family: 4 | 6;
  readonly value: Value;
}

const SCOPES = ["global", "site", "link", "host"];
const DAY_S = 86_400;

/** Options that say nothing that vipd could not do without, and why. */
const OMITTED: Readonly<Record<string, string>> = {
  home: "the flag `home` is not set here",
  mngtmpaddr: "the flag `mngtmpaddr` is not set here",
  noprefixroute: "the flag `noprefixroute` is not set here: give the address the prefix /32 or /128",
  autojoin: "the flag `autojoin` is not set here",
  no_track: "an address that somebody removes is put back here, always",
  use_vmac: "with virtual_mac all addresses are on its interface",
  "-nodad":
    "`-nodad` turns duplicate address detection on in keepalived; here virtual addresses never wait for it",
};

/** Null: it is refused, `rows` say why. */
export function addressOf([first, ...rest]: readonly Word[], rows: Row[]): VirtualAddress | null {
  if (first === undefined) return null;
  const parsed = parseCidr(first.text);
  const tell = teller(rows, first.at, first.text);
  if (parsed === null) {
    tell.refuse(`expected an address such as 192.0.2.10/24, got "${first.text}"`);
    return null;
  }
  const address = first.text.includes("/")
    ? `${formatAddress(parsed.address)}/${parsed.prefix}`
    : formatAddress(parsed.address);
  const family = parsed.address.length === 4 ? 4 : 6;
  const options: Record<string, Value> = {};
  for (let i = 0; i < rest.length; i++) {
    const option = rest[i]!.text;
    if (Object.hasOwn(OMITTED, option)) {
      tell.note(OMITTED[option]!);
      continue;
    }
    const value = rest[++i]?.text;
    const problem = value === undefined ? `${option} needs a value` : put(options, option, value, family);
    if (problem === null) continue;
    if (problem.startsWith("~")) tell.note(problem.slice(1));
    else tell.refuse(problem);
  }
  return { family, value: Object.keys(options).length === 0 ? address : { address, ...options } };
}

/** What is wrong with an option; with `~` before it what is left out, null when there is nothing to tell. */
function put(options: Record<string, Value>, option: string, value: string, family: 4 | 6): string | null {
  switch (option) {
    case "dev":
      options["interface"] = value;
      return null;
    case "label":
      if (family === 6) return "~an IPv6 address has no label: keepalived leaves it out as well";
      options["label"] = value;
      return null;
    case "scope":
      if (family === 6) return "~an IPv6 address has no scope of its own: keepalived leaves it out as well";
      if (!SCOPES.includes(value)) return `expected scope global, site, link or host, got "${value}"`;
      options["scope"] = value;
      return null;
    case "preferred_lft": {
      if (value === "forever") return null;
      const seconds = /^\d{1,10}$/.test(value) ? Number(value) : NaN;
      if (!(seconds <= DAY_S)) return `expected preferred_lft of at most ${DAY_S} seconds, got "${value}"`;
      options["preferred_lifetime"] = `${seconds}s`;
      return null;
    }
    case "brd":
    case "broadcast":
      return "~the address gets no broadcast address";
    case "peer":
      return "an address with a peer (point to point) is not supported by this version of vipd";
    default:
      return `unknown: "${option}"`;
  }
}
