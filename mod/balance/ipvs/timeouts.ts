/** After how long IPVS forgets a silent connection: set where it is configured, put back at the end. */
import { getTimeouts, type Ipvs, type IpvsTimeouts, setTimeouts } from "../../../ffi/ipvs.ts";
import type { BalanceConfig } from "../../config/balance.ts";
import type { Drift } from "../model.ts";

const NAMES = { tcp: "tcp", tcpFin: "tcpfin", udp: "udp" } as const;

type Some = { -readonly [Name in keyof IpvsTimeouts]?: number };

/** For whoever goes on in our place. */
export interface TimeoutsMemory {
  readonly before: Readonly<Some>;
  readonly ours: Readonly<Some>;
}

export class Timeouts {
  /** What they were before us, and what we have set them to. */
  #before: Some;
  #ours: Some;

  constructor(memory: TimeoutsMemory = { before: {}, ours: {} }) {
    this.#before = { ...memory.before };
    this.#ours = { ...memory.ours };
  }

  get memory(): TimeoutsMemory {
    return { before: this.#before, ours: this.#ours };
  }

  /** Makes them what is configured; one that is not configured any more becomes what it was. */
  reconcile(ipvs: Ipvs, configured: BalanceConfig["timeouts"]): Drift[] {
    const wanted = secondsOf(configured);
    if (isEmpty(wanted) && isEmpty(this.#ours)) return [];
    const actual = getTimeouts(ipvs);
    const drift: Drift[] = [];
    const change: Some = {};
    for (const name of Object.keys(NAMES) as (keyof IpvsTimeouts)[]) {
      const left = this.#ours[name];
      const target = wanted[name] ?? (left === undefined ? undefined : this.#before[name]);
      if (left !== undefined && left === wanted[name] && actual[name] !== left) {
        drift.push({ key: "timeouts", what: `${NAMES[name]} was ${actual[name]}s instead of ${left}s` });
      }
      if (target === undefined) continue;
      if (target !== actual[name]) change[name] = target;
      if (left === undefined) this.#before[name] = actual[name];
      if (wanted[name] === undefined) delete this.#before[name];
    }
    if (!isEmpty(change)) setTimeouts(ipvs, change);
    this.#ours = wanted;
    return drift;
  }

  /** Back to what they were, but for what somebody else has changed since. */
  restore(ipvs: Ipvs): void {
    if (isEmpty(this.#ours)) return;
    const actual = getTimeouts(ipvs);
    const names = (Object.keys(NAMES) as (keyof IpvsTimeouts)[]).filter((name) =>
      actual[name] === this.#ours[name] && this.#before[name] !== undefined
    );
    const back: Some = Object.fromEntries(names.map((name) => [name, this.#before[name]]));
    if (!isEmpty(back)) setTimeouts(ipvs, back);
    this.#ours = {};
    this.#before = {};
  }
}

function isEmpty(some: Some): boolean {
  return Object.keys(some).length === 0;
}

/** The kernel counts in seconds. */
function secondsOf(configured: BalanceConfig["timeouts"] = {}): Some {
  const { tcp, tcpfin, udp } = configured;
  const entries = [["tcp", tcp], ["tcpFin", tcpfin], ["udp", udp]] as const;
  return Object.fromEntries(
    entries.filter(([, ms]) => ms !== undefined).map((
      [name, ms = 0],
    ) => [name, Math.max(1, Math.round(ms / 1000))]),
  );
}
