/** Passwords and keys of a vrrp_instance. */
import { wordAt } from "./arguments.ts";
import type { VrrpInstance } from "./instance.ts";
import { type Keywords, rows, walk } from "./table.ts";

type Rows = Keywords<VrrpInstance>;

export const AUTHENTICATION: Rows = [
  {
    keyword: "authentication",
    outcome: "converted",
    why: "virtual_router.*.password",
    convert: ({ block }, instance, tell) => {
      if (block === null) return tell.refuse("expected {");
      walk("authentication", AUTH, block, instance, instance.conversion);
    },
  },
  ...rows(
    "refused",
    "there is no HMAC in this version of vipd: VRRP stays unauthenticated (RFC 9568 §9); keep strangers off the " +
      "link, or use unicast_peers",
    ["auth_hmac"],
  ),
];

export const AUTH: Rows = [
  {
    keyword: "auth_type",
    outcome: "converted",
    why: "PASS: virtual_router.*.password; AH is refused",
    convert: (statement, instance, tell) => {
      const type = wordAt(statement, 0, tell)?.text;
      if (type === "PASS") instance.authType = "PASS";
      else if (type === "AH") {
        tell.refuse("there is no IPsec AH (RFC 3768 has dropped it): use PASS on all routers first");
      } else if (type !== undefined) tell.refuse(`expected PASS or AH, got "${type}"; keepalived takes none`);
    },
  },
  {
    keyword: "auth_pass",
    outcome: "converted",
    why: "virtual_router.*.password; keepalived cuts it after 8 bytes",
    convert: (statement, instance, tell) => {
      const word = wordAt(statement, 0, tell);
      if (word !== undefined) instance.password = word;
    },
  },
];

export const AUTH_HMAC: Rows = rows("refused", "see auth_hmac", [
  "key",
  "active_key",
  "time_window",
  "anti_replay",
  "mode",
]);
