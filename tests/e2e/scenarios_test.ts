/**
 * Configurations of published tutorials, each once under keepalived and once under vipd with what `vipd
 * convert` makes of it: after every step both hold the same addresses, and a client sees it.
 */
import { testTogether } from "./lab/scenario.ts";
import { activeBackupNginx } from "./scenarios/active_backup_nginx.ts";
import { dualActive } from "./scenarios/dual_active.ts";
import { recoverAndCurl } from "./scenarios/recover_and_curl.ts";
import { unicastNginxHaproxy } from "./scenarios/unicast_nginx_haproxy.ts";

// The longest first.
testTogether("configurations of keepalived, as they are and converted", [
  ...recoverAndCurl,
  ...unicastNginxHaproxy,
  ...activeBackupNginx,
  ...dualActive,
], 6);
