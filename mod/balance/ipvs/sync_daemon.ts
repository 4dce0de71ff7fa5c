/** The kernel's sync daemon of this director: the one that is wanted runs, and no other. */
import { ESRCH } from "../../../ffi/errno.ts";
import {
  IP_VS_STATE_BACKUP,
  IP_VS_STATE_MASTER,
  type Ipvs,
  type IpvsDaemon,
  listDaemons,
  type NewIpvsDaemon,
  startDaemon,
  stopDaemon,
} from "../../../ffi/ipvs.ts";
import { NetlinkError } from "../../../ffi/netlink.ts";
import { formatAddress, parseAddress } from "../../wire/address.ts";
import type { Applied, Drift, SyncDaemon } from "../model.ts";
import { daemonProblem } from "./problems.ts";

/** What the kernel takes where nothing is said. */
const DEFAULT_GROUP = "224.0.0.81";
const DEFAULT_PORT = 8848;
const DEFAULT_TTL = 1;

export class SyncDaemons {
  /** Undefined: nobody has said anything yet, and what runs is somebody else's. */
  #wanted: SyncDaemon | null | undefined;
  /** What we have started and not stopped since. */
  #started: SyncDaemon | null = null;

  /** What we, or whoever was here before us, have started. */
  get started(): SyncDaemon | null {
    return this.#started;
  }

  constructor(started: SyncDaemon | null = null) {
    this.#started = started;
  }

  want(daemon: SyncDaemon | null): void {
    this.#wanted = daemon;
  }

  reconcile(ipvs: Ipvs): Applied {
    const wanted = this.#wanted;
    if (wanted === undefined) return { drift: [], problems: [] };
    const running = listDaemons(ipvs);
    const isWanted = (one: IpvsDaemon): boolean => wanted !== null && this.#isAs(one, wanted);
    const wrong = running.filter((one) => !isWanted(one));
    const drift = this.#drift(running, wanted);
    for (const { state } of wrong) stop(ipvs, state);
    if (wanted === null || running.some(isWanted)) {
      this.#started = wanted;
      return { drift, problems: [] };
    }
    try {
      startDaemon(ipvs, daemonOf(wanted));
      this.#started = wanted;
      return { drift, problems: [] };
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      this.#started = null;
      return { drift, problems: [daemonProblem(wanted, error)] };
    }
  }

  /** Whatever we have started stops. */
  stop(ipvs: Ipvs): void {
    const daemon = this.#started;
    this.#wanted = undefined;
    this.#started = null;
    if (daemon !== null) stop(ipvs, stateOf(daemon));
  }

  /** As it was left, if that is still what is wanted. */
  #drift(running: readonly IpvsDaemon[], wanted: SyncDaemon | null): Drift[] {
    const left = this.#started;
    if (left === null || wanted === null || left.role !== wanted.role) return [];
    const key = "sync daemon";
    const isThere = running.some(({ state }) => state === stateOf(left));
    if (!isThere) return [{ key, what: `${left.role} on ${left.interface} was not running` }];
    const others = running.filter(({ state }) => state !== stateOf(left));
    return others.map(({ mcastIfn }) => ({ key, what: `another one was running on ${mcastIfn}` }));
  }

  #isAs(daemon: IpvsDaemon, wanted: SyncDaemon): boolean {
    const { state, mcastIfn, syncId, syncMaxlen, mcastGroup, mcastPort, mcastTtl } = daemon;
    if (state !== stateOf(wanted) || mcastIfn !== wanted.interface || syncId !== wanted.id) return false;
    const group = mcastGroup === undefined ? undefined : formatAddress(mcastGroup);
    return this.#isMaxlen(syncMaxlen, wanted) && isOr(group, wanted.group, DEFAULT_GROUP) &&
      isOr(mcastPort, wanted.port, DEFAULT_PORT) && isOr(mcastTtl, wanted.ttl, DEFAULT_TTL);
  }

  /** The kernel rounds what it was told, and its default is the interface's matter. */
  #isMaxlen(running: number | undefined, { maxLength }: SyncDaemon): boolean {
    return this.#started === null ? isOr(running, maxLength, running) : this.#started.maxLength === maxLength;
  }
}

/** What kernels before 4.3 do not tell is taken for right. */
function isOr<T>(actual: T | undefined, wanted: T | undefined, byDefault: T | undefined): boolean {
  return actual === undefined || actual === (wanted ?? byDefault);
}

function stateOf({ role }: SyncDaemon): number {
  return role === "master" ? IP_VS_STATE_MASTER : IP_VS_STATE_BACKUP;
}

function daemonOf(wanted: SyncDaemon): NewIpvsDaemon {
  const { interface: mcastIfn, id: syncId, maxLength, group, port, ttl } = wanted;
  const mcastGroup = group === undefined ? null : parseAddress(group);
  return {
    state: stateOf(wanted),
    mcastIfn,
    syncId,
    ...(maxLength === undefined ? {} : { syncMaxlen: maxLength }),
    ...(mcastGroup === null ? {} : { mcastGroup }),
    ...(port === undefined ? {} : { mcastPort: port }),
    ...(ttl === undefined ? {} : { mcastTtl: ttl }),
  };
}

function stop(ipvs: Ipvs, state: number): void {
  try {
    stopDaemon(ipvs, state);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    // Somebody else has stopped it; or the answer was late, and what counts is what runs.
    const isGone = error.errno === ESRCH || !listDaemons(ipvs).some((one) => one.state === state);
    if (!isGone) throw error;
  }
}
