/** "Did you mean": the known word nearest to a mistyped one, and what keepalived's words are called here. */

/**
 * keepalived's words by ours, for those who type from memory. Of several the first counts whose key the table
 * has; what stands in another table begins with it in brackets.
 */
const KEEPALIVED: Readonly<Record<string, readonly string[]>> = {
  advert_int: ["advertisement_interval"],
  auth_pass: ["password"],
  garp_master_delay: ["garp.delay"],
  garp_master_refresh: ["garp.refresh"],
  garp_master_repeat: ["garp.repeat"],
  init_fail: ['initial = "down"'],
  mcast_src_ip: ["unicast_source"],
  no_accept: ["accept = false"],
  nopreempt: ["preempt = false"],
  notify_backup: ["notify.backup"],
  notify_deleted: ["notify.deleted"],
  notify_fault: ["notify.fault"],
  notify_fifo: ["notify.fifos", "[notify] fifos"],
  notify_master: ["notify.active"],
  notify_master_rx_lower_pri: ["notify.lower_priority"],
  notify_stop: ["notify.stop"],
  router_id: ["name"],
  script: ["command"],
  smtp_alert: ["notify.mail"],
  state: ["priority: the highest becomes ACTIVE"],
  track_interface: ['track, and a check of type "interface"'],
  track_process: ['track, and a check of type "process"'],
  track_script: ["track"],
  unicast_peer: ["unicast_peers"],
  unicast_src_ip: ["unicast_source"],
  virtual_ipaddress: ["addresses"],
  virtual_ipaddress_excluded: ["excluded_addresses"],
  virtual_router_id: ["vrid"],
  vrrp_instance: ["virtual_router"],
  vrrp_script: ["check"],
  vrrp_version: ["version"],
  // Virtual servers, their real servers and the checks of these.
  alpha: ['initial = "down"'],
  connect_timeout: ["check.connect_timeout"],
  delay_before_retry: ["retry_delay", "attempt_delay", "check.retry_delay"],
  delay_loop: ["interval", "check.interval"],
  digest: ["expect.digest"],
  ha_suspend: ["virtual_router: the one that has the address"],
  inhibit_on_failure: ['on_failure = "quiesce"'],
  lb_algo: ["scheduler"],
  lb_kind: ["forward"],
  lthreshold: ["lower_threshold"],
  lvs_flush: ["flush", "[balance] flush"],
  lvs_flush_on_stop: ["flush_on_stop", "[balance] flush_on_stop"],
  lvs_method: ["forward"],
  lvs_sched: ["scheduler"],
  lvs_sync_daemon: ["sync", "[balance] sync"],
  lvs_timeouts: ["timeouts", "[balance] timeouts"],
  misc_dynamic: ["weight_from_exit"],
  misc_path: ["command"],
  misc_timeout: ["timeout"],
  nb_get_retry: ["retries", "attempts", "check.retries"],
  notify_down: ["notify.down", "[virtual_server.*] notify.down"],
  notify_up: ["notify.up", "[virtual_server.*] notify.up"],
  ops: ["one_packet"],
  persistence_timeout: ["persistence"],
  quorum_down: ["notify.quorum_down"],
  quorum_up: ["notify.quorum_up"],
  retry: ["retries", "attempts", "check.retries"],
  sorry_server_inhibit: ['sorry_server = { address, on_failure = "quiesce" }'],
  sorry_server_lvs_method: ["sorry_server = { address, forward }"],
  status_code: ["expect.status"],
  uthreshold: ["upper_threshold"],
  virtual_server_group: ["virtual_server, with several addresses"],
  virtualhost: ["virtual_host", "check.virtual_host"],
  warmup: ["check.warmup"],
  ...Object.fromEntries(
    ["tcp", "udp", "dns", "smtp", "ping", "file"].map((type) => [
      `${type.toUpperCase()}_CHECK`,
      [`check = { type = "${type}" }`],
    ]),
  ),
  HTTP_GET: ['check = { type = "http" }'],
  MISC_CHECK: ['check = { type = "exec" }'],
  SSL_GET: ['check = { type = "http" }'],
};

/** Keys that have gone to another table. */
const MOVED: Readonly<Record<string, string>> = { state_file: "[node] state_file" };

/** ` (did you mean "priority"?)`, or nothing when no known word is near; ready to be appended. */
export function didYouMean(word: string, known: readonly string[]): string {
  // A translation is only right where the table really has that key.
  const translated = Object.hasOwn(KEEPALIVED, word)
    ? KEEPALIVED[word]?.find((ours) => ours.startsWith("[") || known.includes(/^\w+/.exec(ours)?.[0] ?? ""))
    : undefined;
  if (translated !== undefined) {
    return ` (keepalived's ${word} is ${translated} here)`;
  }
  if (Object.hasOwn(MOVED, word)) return ` (it is ${MOVED[word]})`;
  const near = closest(word, known);
  return near === undefined ? "" : ` (did you mean ${JSON.stringify(near)}?)`;
}

/** The nearest known word, if at most a third of the letters differ. */
export function closest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.floor(word.length / 3));
  let best: { word: string; distance: number } | undefined;
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { word: candidate, distance };
  }
  return best?.word;
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let previous: number[] = [];
  let current = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const above = current;
    current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? previous[j - 2]! + 1
        : Infinity;
      current[j] = Math.min(replaced, swapped, above[j]! + 1, current[j - 1]! + 1);
    }
    previous = above;
  }
  return current[b.length]!;
}
