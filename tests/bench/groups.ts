/** The table of everything that is measured, in the order of the report. */
import { type Daemon, keepalived, trackingKeepalived, vipd } from "./daemons.ts";
import { FAILOVER_EVENTS, MAIN_EVENTS, measureLeft, MIXED_EVENTS, PRIORITIES } from "./failover.ts";
import { measureGateway } from "./gateway.ts";
import { healingEvents } from "./healing.ts";
import { measureLists } from "./lists.ts";
import { NGINX_EVENTS, nginxTargets, trackingNginx } from "./nginx.ts";
import type { Record } from "./samples.ts";
import { type Cast, type Event, measure, targetsOf, trackedNginx, withScene } from "./scene.ts";
import { measureThree } from "./three.ts";
import { IPV6_TIMINGS, TIMINGS } from "./timings.ts";
import { measureChecks } from "./checks.ts";
import { measureCosts } from "./cost.ts";
import { measureDetection, measureLooks } from "./detection.ts";
import { measureHooks } from "./hooks.ts";
import { faultingRouter, manyTargets, measureMany } from "./many.ts";
import { measureReloads, measureStarts } from "./starts.ts";

/** Who is measured: the daemon of the better node and of the other. */
export interface Contender {
  readonly who: string;
  readonly first: Daemon;
  readonly second: Daemon;
}

export interface Group {
  readonly name: string;
  readonly title: string;
  readonly explanation: string;
  readonly unit: string;
  readonly contenders: readonly Contender[];
  /** More rounds than this teach nothing for their time. */
  readonly roundsMax: number;
  /** Its figures suffer from anything that runs beside it. */
  readonly alone: boolean;
  /** Part of a quick run. */
  readonly quick: boolean;
  measure(contender: Contender, { round, quick }: Effort, record: Record): Promise<void>;
}

/** Which round it is, and whether it has to be over soon. */
export interface Effort {
  readonly round: number;
  readonly quick: boolean;
}

const VIPD: Contender = { who: "vipd", first: vipd, second: vipd };
const KEEPALIVED: Contender = { who: "keepalived", first: keepalived, second: keepalived };

const TRACKING: Contender = {
  who: "keepalived, process tracking",
  first: trackingKeepalived,
  second: trackingKeepalived,
};
const MIXED: readonly Contender[] = [
  { who: "vipd, then keepalived", first: vipd, second: keepalived },
  { who: "keepalived, then vipd", first: keepalived, second: vipd },
];

function pair({ first, second }: Contender, cast: Partial<Cast> = {}): Cast {
  const nodes = {
    n1: { daemon: first, priority: PRIORITIES.n1 },
    n2: { daemon: second, priority: PRIORITIES.n2 },
  };
  return { nodes, targets: targetsOf(4), ...cast };
}

function three({ first, second }: Contender): Cast {
  const nodes = {
    n1: { daemon: first, priority: PRIORITIES.n1 },
    n2: { daemon: second, priority: PRIORITIES.n2 },
    n3: { daemon: second, priority: 90 },
  };
  const extend: Cast["extend"] = (basic, _, node) => ({ ...basic, nginx: trackedNginx(node) });
  return { nodes, targets: targetsOf(4), extend };
}

/** A scene in which events happen one after another. */
function events(
  cast: (contender: Contender) => Cast,
  list: (effort: Effort) => readonly Event[],
): Group["measure"] {
  return (contender, effort, record) =>
    withScene(cast(contender), async (scene) => {
      for (const event of list(effort)) await measure(scene, event, record);
    });
}

const PAIRS = { unit: "ms", contenders: [VIPD, KEEPALIVED], alone: false, quick: false } as const;

export const GROUPS: readonly Group[] = [
  {
    ...PAIRS,
    name: "failover",
    title: "Failover",
    explanation: "Two nodes, priorities 110 and 100; ms without an answer to UDP or ICMP, asked every 1 ms.",
    roundsMax: 5,
    quick: true,
    measure: (contender, { quick }, record) =>
      withScene(pair(contender), async (scene) => {
        for (const event of quick ? MAIN_EVENTS : FAILOVER_EVENTS) await measure(scene, event, record);
        if (!quick) await measureLeft(scene, record);
      }),
  },
  {
    ...PAIRS,
    name: "nginx",
    title: "nginx dies",
    explanation: `nginx of the active node is killed and started again; ms from its death to the other's
first page, a fresh connection every 3 ms (2 ms at 10 ms).
keepalived once with a script every 2 s, as it is usually configured, and once with its own process tracking: the kernel offers that in
the initial network namespace only, so here a preloaded library opens that one socket there.`,
    contenders: [VIPD, KEEPALIVED, TRACKING],
    alone: true,
    quick: true,
    roundsMax: 5,
    measure: events(
      (contender) => pair(contender, { targets: nginxTargets(), extend: trackingNginx }),
      () => NGINX_EVENTS,
    ),
  },
  {
    ...PAIRS,
    name: "healing",
    title: "Healing",
    explanation:
      `Nodes that do not hear each other's advertisements, so that both serve, while the client hears both; then they hear
each other again, at once or one direction before the other. ms without an answer from then on: while only one direction works, the
better node cannot know that it has a rival.`,
    roundsMax: 3,
    quick: true,
    measure: events((contender) => pair(contender), healingEvents),
  },
  {
    ...PAIRS,
    name: "ipv6",
    title: "IPv6",
    explanation: "The same over IPv6, version 3 throughout; ms without an answer to UDP.",
    roundsMax: 3,
    measure: events(
      (contender) => pair(contender, { targets: targetsOf(6, IPV6_TIMINGS) }),
      () => MAIN_EVENTS,
    ),
  },
  {
    ...PAIRS,
    name: "virtual_mac",
    title: "Virtual MAC addresses",
    explanation: "The same with the virtual router MAC address (keepalived: use_vmac); ms without an answer.",
    roundsMax: 3,
    measure: events(
      (contender) => pair(contender, { extend: (basic) => ({ ...basic, virtualMac: true }) }),
      () => MAIN_EVENTS,
    ),
  },
  {
    ...PAIRS,
    name: "three",
    title: "Three nodes",
    explanation:
      "Priorities 110, 100 and 90; ms without an answer, and how often the worst node got or lost the address.",
    roundsMax: 3,
    measure: (contender, _, record) => withScene(three(contender), (scene) => measureThree(scene, record)),
  },
  {
    ...PAIRS,
    name: "gateway",
    title: "A gateway's sync group",
    explanation:
      "Two hosts with an address inside and one outside, each pair in a sync group; ms in which a client does not reach a server through it.",
    roundsMax: 3,
    measure: ({ first }, _, record) => measureGateway(first, record),
  },
  {
    ...PAIRS,
    name: "lists",
    title: "One address more",
    explanation:
      "A virtual address is added to the configuration of one node, and 4.5 s later to that of the other.",
    roundsMax: 3,
    quick: true,
    measure: (contender, _, record) => withScene(pair(contender), (scene) => measureLists(scene, record)),
  },
  {
    ...PAIRS,
    name: "mixed",
    title: "vipd and keepalived together",
    explanation:
      "The better node runs the one, the other node the other; ms without an answer. Never worse than keepalived alone.",
    contenders: [...MIXED, KEEPALIVED],
    roundsMax: 2,
    measure: events((contender) => pair(contender), () => MIXED_EVENTS),
  },
  {
    ...PAIRS,
    name: "many",
    title: "255 virtual routers at once",
    explanation:
      "All virtual routers of a node move; ms without an answer, of each address by itself, asked every 10 ms.",
    alone: true,
    roundsMax: 2,
    async measure(contender, _, record): Promise<void> {
      for (const timing of TIMINGS.slice(0, 2)) {
        const cast = pair(contender, { targets: manyTargets(timing), extend: faultingRouter });
        await withScene(cast, (scene) => measureMany(scene, record));
      }
    },
  },
  {
    ...PAIRS,
    name: "starts",
    title: "Start and size",
    explanation: "From the start of the process; *limit* is the wait of a backup that hears nobody.",
    alone: true,
    roundsMax: 3,
    quick: true,
    measure: ({ first }, _, record) => measureStarts(first, record),
  },
  {
    ...PAIRS,
    name: "reload",
    title: "Reload",
    explanation:
      "SIGHUP to the active node; ms by which the longest gap between two of its advertisements exceeds the interval.",
    alone: true,
    roundsMax: 2,
    measure: ({ first }, _, record) => measureReloads(first, record),
  },
  {
    ...PAIRS,
    name: "cost",
    title: "Cost",
    explanation: "Version 3, two nodes, looked at for 10 s once they have settled; % of one core.",
    unit: "virtual routers",
    alone: true,
    roundsMax: 1,
    quick: true,
    measure: ({ first }, { quick }, record) => measureCosts(first, quick, record),
  },
  {
    ...PAIRS,
    name: "checks",
    title: "Health checks",
    explanation:
      `A thousand real servers, addresses of one nginx on the loopback interface, each checked every second. Where the kernel
has no IPVS, and keepalived would check nothing, a preloaded library says yes to it.`,
    unit: "checks",
    alone: true,
    roundsMax: 3,
    measure: ({ first }, { quick }, record) => measureChecks(first, quick, record),
  },
  {
    ...PAIRS,
    name: "detection",
    title: "How soon a dead or hung service is noticed",
    explanation:
      `Real servers, each killed, and each stopped (SIGSTOP), at a random moment; ms until the daemon says so. Both look every 2 s,
and a look may take 1 s; keepalived runs a script with the server's own client (mysqladmin ping, pg_isready, redis-cli ping, pgrep -F for nginx,
curl, socat at haproxy's socket, dig). Who asks every 2 s notices a death after 0 to 2 s and a hang after 1 to 3 s, and differences within that are
chance; nginx's death is told by the kernel. Three kills and three hangs of each a round.`,
    roundsMax: 5,
    measure: ({ first }, _, record) => measureDetection(first, record),
  },
  {
    ...PAIRS,
    name: "hooks",
    title: "How soon a hook runs",
    explanation:
      `A router becomes active; ms from its first advertisement on the wire to the first breath of its script, ten times a round. In
between are the addresses, their announcement and the start of a process.`,
    alone: true,
    roundsMax: 3,
    measure: ({ first }, _, record) => measureHooks(first, record),
  },
  {
    ...PAIRS,
    name: "looks",
    title: "What a look costs",
    explanation:
      `Fifty checks of one server, every 2 s, looked at for 5 s: the processor time of the daemon and of all that it runs, without the
server's. keepalived runs the scripts of the table above.`,
    unit: "checks",
    alone: true,
    roundsMax: 3,
    measure: ({ first }, _, record) => measureLooks(first, record),
  },
];
