/** The registry of check types: configuration, documentation and tests all derive from this list. */
import type { CheckType } from "./check.ts";
import { allOf, anyOf, quorum } from "./composite.ts";
import { curl } from "./curl.ts";
import { dns } from "./dns.ts";
import { exec } from "./exec.ts";
import { file } from "./file.ts";
import { gateway } from "./gateway.ts";
import { haproxy } from "./haproxy.ts";
import { http } from "./http.ts";
import { networkInterface } from "./interface.ts";
import { mysql } from "./mysql.ts";
import { nginx } from "./nginx.ts";
import { ping } from "./ping.ts";
import { postgres } from "./postgres.ts";
import { process } from "./process.ts";
import { redis } from "./redis.ts";
import { smtp } from "./smtp.ts";
import { systemd } from "./systemd.ts";
import { tcp } from "./tcp.ts";
import { tls } from "./tls_expiry.ts";
import { udp } from "./udp.ts";

export const checkTypes = [
  nginx,
  http,
  curl,
  tcp,
  udp,
  dns,
  smtp,
  tls,
  mysql,
  postgres,
  redis,
  haproxy,
  ping,
  exec,
  file,
  process,
  systemd,
  networkInterface,
  gateway,
  allOf,
  anyOf,
  quorum,
] as const;

const byType: ReadonlyMap<string, CheckType> = new Map(checkTypes.map((check) => [check.type, check]));

/** The check type of that name, as written in `type = "…"`. */
export function checkType(type: string): CheckType | undefined {
  return byType.get(type);
}
