/** What a run collects and a report is made of: a number for each event, timing, contender and round. */

export interface Sample {
  readonly group: string;
  readonly event: string;
  /** Name of the timing, "" where there is none. */
  readonly timing: string;
  /** The daemon, or both of a mixed pair, the active one first. */
  readonly who: string;
  readonly round: number;
  /** In the unit of the group; Infinity: never. */
  readonly value: number;
  /** The least that the protocol allows a router that only follows the RFC. */
  readonly limit?: number | undefined;
  /** What vipd has to reach in every round. */
  readonly goal?: number | undefined;
  /** The goal is so many times keepalived's median of the same run. */
  readonly timesTheirs?: number;
}

/** Something could not be measured. */
export interface Failure {
  readonly group: string;
  readonly who: string;
  readonly round: number;
  readonly error: string;
}

/** Takes the samples of one group, contender and round. */
export type Record = (sample: Omit<Sample, "group" | "who" | "round">) => void;
