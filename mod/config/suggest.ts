/** "Did you mean": the known word nearest to a mistyped one, and what keepalived's words are called here. */

/** keepalived's words by ours, for those who type from memory. */
const KEEPALIVED: Readonly<Record<string, string>> = {
  advert_int: "advertisement_interval",
  auth_pass: "password",
  garp_master_delay: "garp.delay",
  garp_master_refresh: "garp.refresh",
  garp_master_repeat: "garp.repeat",
  init_fail: 'initial = "down"',
  mcast_src_ip: "unicast_source",
  no_accept: "accept = false",
  nopreempt: "preempt = false",
  router_id: "name",
  script: "command",
  state: "priority: the highest becomes ACTIVE",
  track_interface: 'track, and a check of type "interface"',
  track_process: 'track, and a check of type "process"',
  track_script: "track",
  unicast_peer: "unicast_peers",
  unicast_src_ip: "unicast_source",
  virtual_ipaddress: "addresses",
  virtual_ipaddress_excluded: "excluded_addresses",
  virtual_router_id: "vrid",
  vrrp_instance: "virtual_router",
  vrrp_script: "check",
  vrrp_version: "version",
};

/** ` (did you mean "priority"?)`, or nothing when no known word is near; ready to be appended. */
export function didYouMean(word: string, known: readonly string[]): string {
  const translated = KEEPALIVED[word];
  // A translation is only right where the table really has that key.
  if (translated !== undefined && known.includes(/^\w+/.exec(translated)?.[0] ?? "")) {
    return ` (keepalived's ${word} is ${translated} here)`;
  }
  const near = closest(word, known);
  return near === undefined ? "" : ` (did you mean ${JSON.stringify(near)}?)`;
}

/** The nearest known word, if at most a third of the letters differ. */
function closest(word: string, known: readonly string[]): string | undefined {
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
