/** What each engine can do for a virtual server, as one table: a feature, what asks for it, who can. PURE. */

export type EngineName = "ipvs" | "nftables" | "haproxy";

/** The scheduler of a virtual server that names none. */
export function defaultScheduler(engine: EngineName | "auto"): string {
  return engine === "nftables" ? "wrr" : "wlc";
}
