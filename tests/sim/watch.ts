/** What must hold after every event; see each promise's own comment. A broken one ends the story. */
import type { Discard } from "../../mod/vrrp/packet.ts";
import type { Active, Event, State } from "../../mod/vrrp/state.ts";
import type { Host } from "./host.ts";
import { HEALING_MS, Misled, SLACK_MS } from "./misled.ts";
import { type Happening, stationName } from "./story.ts";
import { VipdHost } from "./vipd_host.ts";
import type { World } from "./world.ts";

/** The same in a conflict that goes on, in which the winner has announced itself again and again. */
const OLD_HEALING_MS = 1000;
/** A conflict that was quiet for so long is over. */
const QUIET_MS = 5000;
/** Longest a backup of ours waits for the place of a router that has resigned, with its repetitions. */
const TAKEOVER_MS = 150;
/** What an operator or a check did last, if it should lead to a handover. */
interface Trigger {
  readonly station: number;
  readonly disturbances: number;
  /** How long nothing had disturbed before. */
  readonly calmForMs: number;
}

export class Watch {
  readonly misled: Misled;
  /** Stations of the routers that run and are active, in order. */
  #actives: readonly number[] = [];
  #activesChangedMs = 0;
  #expected: { readonly station: number; readonly byMs: number; readonly disturbances: number } | null = null;
  #trigger: Trigger | null = null;
  /** The longest preempt delay that a reload has set. */
  #longestDelayMs = 0;
  /** By station: when it has to have left the active state. */
  readonly #outByMs: number[] = [];
  /** By station: when the state last changed. */
  readonly #sinceMs: number[] = [];
  /**
   * By station: the conflict that it is in as an active router, from the first advertisement of another one
   * to the last.
   */
  readonly #conflicts: { sinceMs: number; lastMs: number }[] = [];
  /** By station: when its last handover began. */
  readonly #leavingSinceMs: number[] = [];

  constructor(readonly world: World) {
    this.misled = new Misled(world, this);
    for (const _ of world.story.routers) {
      this.#outByMs.push(Infinity);
      this.#sinceMs.push(0);
      this.#leavingSinceMs.push(0);
      this.#conflicts.push({ sinceMs: -Infinity, lastMs: -Infinity });
    }
  }

  get actives(): readonly number[] {
    return this.#actives;
  }

  /** When the state of that router last changed. */
  sinceMs(station: number): number {
    return this.#sinceMs[station]!;
  }

  /** What depends on time only, before the next event happens. */
  before(): void {
    const { world } = this;
    const { nowMs, hosts } = world;
    for (const host of hosts) {
      if (host.overdueAtMs < nowMs) world.fail(host, host.overdue);
      if (this.#outByMs[host.station]! < nowMs) this.#checkOut(host);
    }
    if (this.#expected !== null && nowMs > this.#expected.byMs) this.#checkView();
    if (this.#actives.length !== 1) this.#checkNumber();
    this.misled.check();
  }

  acting(happening: Happening): void {
    const { world } = this;
    if (happening.type === "reload") {
      this.#longestDelayMs = Math.max(this.#longestDelayMs, happening.to.preemptDelayMs ?? 0);
    }
    const triggers = ["stop", "checkFails", "mustWait", "weight", "reload"];
    this.#trigger = "router" in happening && triggers.includes(happening.type)
      ? {
        station: happening.router,
        disturbances: world.disturbances + 1,
        calmForMs: world.nowMs - world.disturbedMs,
      }
      : null;
  }

  acted(happening: Happening): void {
    this.#recount();
    if ("router" in happening && happening.type === "start") this.misled.forget(happening.router);
    if ("router" in happening && happening.type === "pause") this.misled.paused(happening.router);
    this.misled.look();
    if ("router" in happening) this.#setOutBy(this.world.hosts[happening.router]!, happening.type);
  }

  discarded(host: Host, { discard, detail }: Discard): void {
    if (this.world.story.network.corruption === 0) {
      this.world.fail(host, `a sound packet is discarded: ${discard}: ${detail}`);
    }
  }

  holdersChanged(): void {}

  activityChanged(host: Host, wasActive: boolean): void {
    this.#sinceMs[host.station] = this.world.nowMs;
    this.#recount();
    if (wasActive && !host.isActive) this.#expectHealing(host);
  }

  stepped(host: VipdHost, before: State, event: Event): void {
    const { state } = host;
    const isActive = state.name === "active";
    // Between the end of a pause and the news of the kernel an active router knows no better.
    const knows = !host.kernelTookAddresses;
    if (host.holds !== isActive && knows) {
      this.world.fail(
        host,
        isActive ? "it is active without the addresses" : "it holds the addresses although it is not active",
      );
    }
    if (isActive && event.type === "deadline" && host.leaseEndsMs <= this.world.nowMs) {
      this.world.fail(host, "the lease of its addresses has run out");
    }
    if (
      state.name === "active" && state.handover !== null &&
      (before.name !== "active" || before.handover === null)
    ) {
      this.#leavingSinceMs[host.station] = this.world.nowMs;
    }
    if (
      event.type === "conditions" && !isActive && state.name !== "backup" && host.isEligible && !host.leaving
    ) {
      this.world.fail(host, `nothing stands in its way, but it is in ${state.name}`);
    }
    if (event.type === "advertisement" && before.name === "active") this.#noteConflict(host.station);
    if (state.name === before.name) return;
    const lastedMs = this.world.nowMs - this.#sinceMs[host.station]!;
    this.#sinceMs[host.station] = this.world.nowMs;
    const { becameActive, releasedActive } = host.counted;
    if (becameActive - releasedActive !== (isActive ? 1 : 0)) {
      this.world.fail(host, "the counters of transitions do not add up");
    }
    this.misled.noteYielding(host, before, event);
    this.#recount();
    this.misled.look();
    if (isActive) this.#expectView(host.station, this.world.farthestMs + SLACK_MS);
    if (before.name === "active") {
      this.#checkBreak(host, before, event, lastedMs);
      this.#expectHealing(host);
    }
  }

  /** After a long calm: one active router, the right one, and the client knows it. */
  end(): void {
    const { world } = this;
    this.before();
    const fit = world.hosts.filter((host) => host.isEligible && !(host instanceof VipdHost && host.leaving));
    if (fit.length === 0) return;
    const active = world.hosts[this.#actives[0] ?? -1];
    if (active === undefined) return world.fail(null, "nobody is active in the end");
    const better = fit.find((host) =>
      host instanceof VipdHost && host.router.preemptMode && host.priority > active.priority
    );
    if (better !== undefined) world.fail(better, `in the end it leaves priority ${active.priority} active`);
    const { refreshMs } = world.story.announce;
    const calmMs = world.nowMs - Math.max(this.#activesChangedMs, world.disturbedMs);
    const isRefreshed = active instanceof VipdHost && refreshMs > 0 && calmMs > refreshMs * 1.01 + HEALING_MS;
    if (isRefreshed && world.view !== active.station) {
      world.fail(active, "in the end the client does not know it");
    }
  }

  #recount(): void {
    const actives = this.world.hosts.filter((host) => host.isActive && host.process === "running")
      .map(({ station }) => station);
    if (actives.join() === this.#actives.join()) return;
    this.#checkStability();
    this.#actives = actives;
    this.#activesChangedMs = this.world.nowMs;
    this.#expected = null;
  }

  /** When nothing has disturbed for long, the election is over: whoever is active stays so. */
  #checkStability(): void {
    const { world } = this;
    const { version, routers } = world.story;
    const downMs = 3 * world.longestIntervalMs + (version === 2 ? 1000 : world.longestIntervalMs);
    const delayMs = Math.max(...routers.map(({ preemptDelayMs }) => preemptDelayMs), this.#longestDelayMs);
    const timeoutMs = Math.max(...routers.map(({ handoverTimeoutMs }) => handoverTimeoutMs));
    const settledMs = 1.01 * (3 * downMs + 2 * delayMs) + timeoutMs + 8 * world.farthestMs;
    const calmForMs = world.nowMs - world.disturbedMs;
    if (calmForMs < settledMs) return;
    world.fail(
      null,
      `another router is active, although nothing has disturbed for ${calmForMs.toFixed(3)} ms`,
    );
  }

  /**
   * Two active routers that hear each other: the worse one hears the better one's next advertisement, so an
   * interval and the way of a packet later at most one is left. None: the best waits its active-down
   * interval, and nobody waits longer than priority 1 does. Both only while nothing disturbs; single packets
   * are judged by the hosts themselves.
   */
  #checkNumber(): void {
    const { world } = this;
    const forMs = world.nowMs - Math.max(this.#activesChangedMs, world.disturbedMs);
    const { farthestMs, longestIntervalMs: intervalMs } = world;
    if (this.#actives.length === 0) {
      const skewMs = world.story.version === 2 ? 1000 : intervalMs;
      if (forMs < 1.01 * (3 * intervalMs + skewMs) + 2 * farthestMs + SLACK_MS) return;
      const waiting = world.hosts.find((host) =>
        host.isEligible && !(host instanceof VipdHost && host.leaving)
      );
      if (waiting !== undefined) world.fail(waiting, `nobody has been active for ${forMs.toFixed(3)} ms`);
      return;
    }
    if (forMs < 1.01 * intervalMs + 2 * farthestMs + SLACK_MS) return;
    for (const a of this.#actives) {
      for (const b of this.#actives) {
        if (
          a < b && !this.isLeaving(a) && !this.isLeaving(b) && world.reaches(a, b) && world.reaches(b, a)
        ) {
          world.fail(
            world.hosts[a]!,
            `it and ${stationName(world.story, b)} hear each other and are both active for ${
              forMs.toFixed(3)
            } ms`,
          );
        }
      }
    }
  }

  isLeaving(station: number): boolean {
    const host = this.world.hosts[station]!;
    return host instanceof VipdHost && host.state.name === "active" && host.state.handover !== null;
  }

  /** Whoever has to go is gone when its handover ends. */
  #setOutBy(host: Host, type: Happening["type"]): void {
    const { station } = host;
    if (!(host instanceof VipdHost) || !host.isActive || host.process !== "running") {
      this.#outByMs[station] = Infinity;
      return;
    }
    const waitMs = (ms: number): number =>
      this.world.nowMs + ms / host.spec.clockRate + host.spec.latenessMs + SLACK_MS;
    if (type === "stop") this.#outByMs[station] = waitMs(host.spec.handoverTimeoutMs);
    else if (host.isEligible && !host.leaving) this.#outByMs[station] = Infinity;
    else if (this.#outByMs[station] === Infinity && !host.leaving) {
      this.#outByMs[station] = waitMs(host.spec.handoverTimeoutMs);
    }
  }

  #checkOut(host: Host): void {
    this.#outByMs[host.station] = Infinity;
    if (host.isActive && host.process === "running") {
      this.world.fail(host, "it should have left the active state");
    }
  }

  #noteConflict(station: number): void {
    const { nowMs } = this.world;
    const conflict = this.#conflicts[station]!;
    if (nowMs - conflict.lastMs > QUIET_MS) conflict.sinceMs = nowMs;
    conflict.lastMs = nowMs;
  }

  /**
   * The last one to leave an active state while another serves: that one has to announce itself. keepalived
   * leaves silently.
   */
  #expectHealing(loser: Host): void {
    const { world } = this;
    const winner = this.#actives[0];
    if (this.#actives.length !== 1 || winner === undefined || !(loser instanceof VipdHost)) return;
    const host = world.hosts[winner]!;
    const isLeaving = host instanceof VipdHost && host.state.name === "active" &&
      host.state.handover !== null;
    if (isLeaving || !world.reaches(loser.station, winner)) return;
    // Who ends a handover says nothing more: the winner has announced itself when it took over. keepalived
    // takes no hint of a 0.
    const isSilent = loser.lastSentMs < world.nowMs ||
      (loser.lastPriority === 0 && !(host instanceof VipdHost));
    const isLast = this.#sinceMs.every((sinceMs, i) =>
      sinceMs <= this.#sinceMs[winner]! || i === loser.station
    );
    if (isSilent && !(isLast && this.#sinceMs[winner]! > world.disturbedMs)) return;
    const { sinceMs, lastMs } = this.#conflicts[winner]!;
    const isOld = world.nowMs - lastMs < QUIET_MS && world.nowMs - sinceMs > 3 * world.farthestMs + SLACK_MS;
    this.#expectView(
      winner,
      (isOld ? OLD_HEALING_MS : HEALING_MS) + 3 * world.farthestMs + host.spec.latenessMs,
    );
  }

  #expectView(station: number, withinMs: number): void {
    const { world } = this;
    if (this.#actives.length !== 1 || !world.reaches(station, world.client)) return;
    if (world.disturbances !== world.disturbancesBefore) return;
    this.#expected = { station, byMs: world.nowMs + withinMs, disturbances: world.disturbances };
  }

  #checkView(): void {
    const { station, disturbances } = this.#expected!;
    this.#expected = null;
    const { world } = this;
    if (world.disturbances !== disturbances || world.view === station) return;
    const view = world.view < 0 ? "nobody" : stationName(world.story, world.view);
    world.fail(world.hosts[station]!, `it is the only active router, but the client still sends to ${view}`);
  }

  /** Make before break: who leaves in order, on a host that is fine, leaves the addresses to somebody. */
  #checkBreak(host: VipdHost, before: Active, { type }: Event, activeForMs: number): void {
    const { world } = this;
    // The taker need not reach the client: no router can know that.
    const isServed = world.hosts.some((other) => other.holds && other.process === "running");
    if (isServed || !world.reaches(host.station, world.client) || !host.spec.handover) return;
    const settledMs = 3 * world.longestIntervalMs + 4 * world.farthestMs + TAKEOVER_MS;
    const trigger = this.#trigger;
    const isTriggered = trigger !== null && trigger.station === host.station &&
      trigger.disturbances === world.disturbances;
    const calmForMs = isTriggered ? trigger.calmForMs : world.nowMs - world.disturbedMs;
    if (calmForMs < settledMs || activeForMs < settledMs) return;
    const beganMs = before.handover === null ? world.nowMs : this.#leavingSinceMs[host.station]!;
    const taker = world.hosts.find((other) =>
      other !== host && other.isEligible && other.name === "backup" && this.#isSoon(other) &&
      beganMs - this.#sinceMs[other.station]! > settledMs &&
      world.reaches(host.station, other.station) && world.reaches(other.station, host.station)
    );
    if (taker !== undefined) {
      world.fail(
        host,
        `it leaves on ${type} and nobody serves, although ${stationName(world.story, taker.station)} could`,
      );
    }
  }

  /** Whether it takes over before the handover ends: ours always, others when their skew is short enough. */
  #isSoon(taker: Host): boolean {
    if (taker instanceof VipdHost && taker.spec.handover) return true;
    const { version } = this.world.story;
    const skewMs = (version === 2 ? 1000 : this.world.longestIntervalMs) * (256 - taker.priority) / 256;
    return skewMs + TAKEOVER_MS + 4 * this.world.farthestMs < 1000;
  }
}
