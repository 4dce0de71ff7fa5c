/**
 * The promise to the clients: however late the way between two routers that were both active is mended, one
 * direction or the other first, soon after it is whole they send to the one that has remained active.
 */
import type { Event, State } from "../../mod/vrrp/state.ts";
import type { Host } from "./host.ts";
import { stationName } from "./story.ts";
import { VipdHost } from "./vipd_host.ts";
import type { World } from "./world.ts";

/** After a conflict clients have to see the winner within this, plus the ways of the packets. */
export const HEALING_MS = 20;
export const SLACK_MS = 1;
/** So long after it has yielded a router reminds the winner often; later less so. */
const PROMPT_REMINDERS_MS = 9000;

/** What is known of the routers. */
interface Election {
  /** Stations of the routers that run and are active. */
  readonly actives: readonly number[];
  sinceMs(station: number): number;
  isLeaving(station: number): boolean;
}

export class Misled {
  /** By station: when it yielded to the winner of a conflict; -Infinity: it has not since it began anew. */
  readonly #yieldedMs: number[];
  /** By station: when the client last missed an announcement. */
  readonly #unheardMs: number[];
  /** Since when the client has followed a loser although nothing hinders the winner from telling it. */
  #sinceMs = Infinity;

  constructor(readonly world: World, readonly election: Election) {
    this.#yieldedMs = world.story.routers.map(() => -Infinity);
    this.#unheardMs = world.story.routers.map(() => -Infinity);
  }

  /** The client did not get it. */
  announcementLost(station: number): void {
    this.#unheardMs[station] = this.world.nowMs;
  }

  /** What waits for a paused loser comes in a heap: it looks like answers. */
  paused(station: number): void {
    if (this.#yieldedMs[station]! < this.world.nowMs) this.#yieldedMs[station] = -Infinity;
  }

  /** A new process knows nothing of what the one before still had to say. */
  forget(station: number): void {
    this.#yieldedMs[station] = -Infinity;
  }

  /**
   * Who has become a backup reminds the winner until that has heard. Who only lets go after a handover says
   * so once: that counts if it could be heard, and if the taker has told the client where it is.
   */
  noteYielding(host: VipdHost, before: State, event: Event): void {
    const isYielding = before.name === "active" &&
      (host.state.name === "backup" || (event.type === "advertisement" && this.#isHeard(host, event)));
    this.#yieldedMs[host.station] = isYielding ? this.world.nowMs : -Infinity;
  }

  #isHeard(host: VipdHost, { advertisement: { source } }: Event & { type: "advertisement" }): boolean {
    const { world } = this;
    const taker = world.addresses.indexOf(source);
    return !world.story.unicast && !world.hasLost && world.reaches(host.station, taker) &&
      this.#unheardMs[taker]! < this.election.sinceMs(taker);
  }

  /** Anything that decides has changed. */
  look(): void {
    const { world, election: { actives } } = this;
    const loser = world.hosts[world.view];
    const winner = world.hosts[actives[0] ?? -1];
    const isMisled = actives.length === 1 && winner !== undefined && loser !== undefined &&
      winner !== loser &&
      this.#canRemind(loser, winner);
    if (!isMisled) this.#sinceMs = Infinity;
    else if (this.#sinceMs === Infinity) this.#sinceMs = world.nowMs;
  }

  /** What depends on time only. */
  check(): void {
    if (this.#sinceMs === Infinity) return;
    const { world, election } = this;
    const winner = world.hosts[election.actives[0] ?? -1];
    const loser = world.hosts[world.view];
    if (winner === undefined || loser === undefined || !this.#canRemind(loser, winner)) {
      this.#sinceMs = Infinity;
      return;
    }
    // Who has become active only afterwards has to be known first: after its next advertisement.
    const isLate = election.sinceMs(winner.station) > this.#yieldedMs[loser.station]!;
    const limitMs = HEALING_MS + 3 * world.farthestMs + winner.spec.latenessMs + loser.spec.latenessMs +
      (isLate ? world.longestIntervalMs : 0) + SLACK_MS;
    if (world.nowMs <= Math.max(this.#sinceMs, world.disturbedMs) + limitMs) return;
    world.fail(
      winner,
      `the client still sends to ${stationName(world.story, world.view)}, which has yielded`,
    );
  }

  #canRemind(loser: Host, winner: Host): boolean {
    const { world } = this;
    const yieldedMs = this.#yieldedMs[loser.station]!;
    // Nobody acknowledges with `unicast_peers`: after an answer one more reminder has to do.
    if (world.story.unicast && world.hasLost) return false;
    return winner instanceof VipdHost && !this.election.isLeaving(winner.station) &&
      loser.process === "running" && world.nowMs - yieldedMs < PROMPT_REMINDERS_MS &&
      this.#unheardMs[winner.station]! < yieldedMs &&
      world.reaches(loser.station, winner.station) && world.reaches(winner.station, loser.station) &&
      world.reaches(winner.station, world.client);
  }
}
