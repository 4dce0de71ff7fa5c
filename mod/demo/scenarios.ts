/** What the demo breaks, in order: one row each, with what must come of it. */
import type { NodeName } from "./plan.ts";

/** The handles by which a scenario breaks and mends things. */
export interface Handles {
  killWeb(node: NodeName): Promise<void>;
  startWeb(node: NodeName): void;
  /** SIGTERM; does not wait. */
  stopDaemon(node: NodeName): void;
  killDaemon(node: NodeName): void;
  startDaemon(node: NodeName): Promise<void>;
  setCable(node: NodeName, plugged: boolean): void;
  setForwarding(node: NodeName, on: boolean): void;
}

/** How long the protocol itself may take. */
export type Pace =
  /** The active router says that it goes: its successor waits its skew time at most (RFC 9568 §6.4.2). */
  | "announced"
  /** It says nothing: its successor waits the whole Active_Down_Interval. */
  | "silent";

/** One event and what must come of it. */
export interface Step {
  /** As a sentence without its end: `web server on node1 killed`. */
  readonly event: string;
  readonly pace: Pace;
  readonly run: (handles: Handles) => void | Promise<void>;
  /** Whom the client must be served by afterwards. */
  readonly servedBy: NodeName;
  /** Who may hold the address afterwards; several only where no node can know of the other. */
  readonly holders: readonly NodeName[];
  /** Worth telling besides who took over: the moment when node1's kernel gave the address up. */
  readonly tellsRelease?: true;
}

export interface Scenario {
  /** In the JSON. */
  readonly name: string;
  readonly breaks: Step;
  readonly mends: Step;
}

const TAKEN_OVER = { servedBy: "node2", holders: ["node2"] } as const;
const TAKEN_BACK = { servedBy: "node1", holders: ["node1"], pace: "announced" } as const;

/** node1 ranks higher, so it has the address before each scenario and takes it back after it. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: "service_dies",
    breaks: {
      ...TAKEN_OVER,
      event: "web server on node1 killed",
      pace: "announced",
      run: ({ killWeb }) => killWeb("node1"),
    },
    mends: { ...TAKEN_BACK, event: "web server started again", run: ({ startWeb }) => startWeb("node1") },
  },
  {
    name: "vipd_stopped",
    breaks: {
      ...TAKEN_OVER,
      event: "vipd on node1 stopped (SIGTERM)",
      pace: "announced",
      run: ({ stopDaemon }) => stopDaemon("node1"),
    },
    mends: { ...TAKEN_BACK, event: "vipd started again", run: ({ startDaemon }) => startDaemon("node1") },
  },
  {
    name: "vipd_killed",
    breaks: {
      ...TAKEN_OVER,
      event: "vipd on node1 killed (SIGKILL)",
      pace: "silent",
      run: ({ killDaemon }) => killDaemon("node1"),
      tellsRelease: true,
    },
    mends: { ...TAKEN_BACK, event: "vipd started again", run: ({ startDaemon }) => startDaemon("node1") },
  },
  {
    name: "cable_pulled",
    breaks: {
      ...TAKEN_OVER,
      event: "network cable of node1 pulled",
      pace: "silent",
      run: ({ setCable }) => setCable("node1", false),
    },
    mends: { ...TAKEN_BACK, event: "cable plugged in", run: ({ setCable }) => setCable("node1", true) },
  },
  {
    name: "host_cut_off",
    breaks: {
      servedBy: "node2",
      holders: ["node1", "node2"],
      event: "node1 cut off, link still up",
      pace: "silent",
      run: ({ setForwarding }) => setForwarding("node1", false),
    },
    mends: {
      ...TAKEN_BACK,
      event: "node1 connected again",
      run: ({ setForwarding }) => setForwarding("node1", true),
    },
  },
];
