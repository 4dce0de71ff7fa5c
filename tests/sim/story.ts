/**
 * A story: the routers, the network and what happens to them. Plain data, so that it can be shortened and
 * printed.
 */

export interface RouterSpec {
  readonly kind: "vipd" | "keepalived";
  readonly priority: number;
  readonly preempt: boolean;
  readonly preemptDelayMs: number;
  readonly handover: boolean;
  readonly handoverTimeoutMs: number;
  /** Kernel lifetime of the addresses; 0 = for ever. */
  readonly leaseMs: number;
  /** Local milliseconds per true millisecond. */
  readonly clockRate: number;
  readonly startMs: number;
  /** Every deadline is kept so much too late. */
  readonly latenessMs: number;
}

export interface NetworkSpec {
  readonly delayMs: number;
  /** Added to the delay, at random up to this; the order is kept. */
  readonly jitterMs: number;
  /** Probabilities for one packet to one receiver. */
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
  readonly corruption: number;
}

export interface Story {
  readonly seed: number;
  readonly version: 2 | 3;
  readonly family: 4 | 6;
  /** Every router advertises to each of the others instead of to the group. */
  readonly unicast: boolean;
  /** Centiseconds. */
  readonly advertisementInterval: number;
  readonly announce: { readonly delayMs: number; readonly refreshMs: number };
  readonly routers: readonly RouterSpec[];
  readonly network: NetworkSpec;
  readonly actions: readonly Action[];
  /** After this nothing disturbs any more: the cables are whole, the network is calm. */
  readonly calmMs: number;
  readonly lengthMs: number;
}

/** What a reload changes. */
export interface Reload {
  readonly priority?: number;
  readonly preempt?: boolean;
  readonly preemptDelayMs?: number;
  readonly leaseMs?: number;
  readonly advertisementInterval?: number;
}

/** Stations are the routers by number and then the client. */
export type Happening =
  /** Nothing gets from one station to the other any more; one way only. */
  | { readonly type: "cut"; readonly from: number; readonly to: number }
  | { readonly type: "mend"; readonly from: number; readonly to: number }
  /** Both ways between these stations and all others. */
  | { readonly type: "split"; readonly side: readonly number[] }
  | { readonly type: "mendAll" }
  | { readonly type: "linkDown" | "linkUp"; readonly router: number }
  /** The process is killed; the kernel goes on. */
  | { readonly type: "kill"; readonly router: number }
  /** The whole host loses power. */
  | { readonly type: "powerOff"; readonly router: number }
  /** Orderly. */
  | { readonly type: "stop"; readonly router: number }
  | { readonly type: "start"; readonly router: number }
  | { readonly type: "pause" | "resume"; readonly router: number }
  /** A check without weight. */
  | { readonly type: "checkFails" | "checkPasses"; readonly router: number }
  /** The interface of a virtual address is missing: the router has to wait. */
  | { readonly type: "mustWait" | "needNotWait"; readonly router: number }
  /** Weighted checks change the effective priority by this. */
  | { readonly type: "weight"; readonly router: number; readonly change: number }
  | { readonly type: "reload"; readonly router: number; readonly to: Reload }
  | { readonly type: "loss"; readonly probability: number };

export type Action = { readonly atMs: number } & Happening;

/** Stations by their names in traces: routers are letters. */
export function stationName(story: Pick<Story, "routers">, station: number): string {
  return station === story.routers.length ? "client" : String.fromCharCode(65 + station);
}

export function describeHappening(story: Story, happening: Happening): string {
  const name = (station: number): string => stationName(story, station);
  switch (happening.type) {
    case "cut":
      return `${name(happening.to)} no longer hears ${name(happening.from)}`;
    case "mend":
      return `${name(happening.to)} hears ${name(happening.from)} again`;
    case "split":
      return `{${happening.side.map(name).join(" ")}} is cut off from the others`;
    case "mendAll":
      return "all cables are whole again";
    case "loss":
      return `the network loses ${Math.round(happening.probability * 100)} % from now on`;
    case "weight":
      return `${name(happening.router)}: checks add ${happening.change} to the priority`;
    case "reload":
      return `${name(happening.router)}: reload ${JSON.stringify(happening.to)}`;
    default:
      return `${name(happening.router)}: ${happening.type}`;
  }
}

export function describeStory(story: Story): string {
  const { version, family, advertisementInterval, network, announce } = story;
  const routers = story.routers.map((router, i) => {
    const { kind, priority, preempt, preemptDelayMs, leaseMs, startMs, handover, clockRate } = router;
    const preemption = preempt
      ? (preemptDelayMs > 0 ? `preempts after ${preemptDelayMs} ms` : "preempts")
      : "nopreempt";
    return `  ${stationName(story, i)}: ${kind}, priority ${priority}, ${preemption}, lease ${leaseMs} ms, ` +
      `${handover ? "" : "no handover, "}clock x${clockRate}, starts at ${startMs.toFixed(3)} ms`;
  });
  const actions = story.actions.map((action) =>
    `  ${action.atMs.toFixed(3).padStart(14)}  ${describeHappening(story, action)}`
  );
  return [
    `v${version} over IPv${family}${story.unicast ? ", unicast" : ""}, interval ${
      advertisementInterval * 10
    } ms, ${JSON.stringify(network)}, ` +
    `announces after ${announce.delayMs} ms and every ${announce.refreshMs} ms`,
    ...routers,
    `  actions until ${story.calmMs} ms, end at ${story.lengthMs} ms:`,
    ...actions,
  ].join("\n");
}
