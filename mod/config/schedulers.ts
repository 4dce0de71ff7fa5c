/** The schedulers of the kernel's IPVS and their flags, as vipd.toml names them. PURE. */

interface Scheduler {
  readonly name: string;
  /** Whether real servers of a larger weight get more. */
  readonly weighs: boolean;
  /** Flags of its own, besides the general ones. */
  readonly flags?: readonly string[];
}

/** ipvsadm(8). */
const TABLE = [
  { name: "rr", weighs: false },
  { name: "wrr", weighs: true },
  { name: "lc", weighs: false },
  { name: "wlc", weighs: true },
  { name: "lblc", weighs: true },
  { name: "lblcr", weighs: true },
  { name: "dh", weighs: false },
  { name: "sh", weighs: true, flags: ["sh-port", "sh-fallback"] },
  { name: "mh", weighs: true, flags: ["mh-port", "mh-fallback"] },
  { name: "sed", weighs: true },
  { name: "nq", weighs: true },
  { name: "fo", weighs: true },
  { name: "ovf", weighs: true },
  { name: "twos", weighs: true },
] as const satisfies readonly Scheduler[];

/** Any scheduler may have these; what they mean is its own business. */
const GENERAL_FLAGS = ["flag-1", "flag-2", "flag-3"] as const;

export const SCHEDULERS: readonly string[] = TABLE.map(({ name }) => name);

export const FLAGS: readonly string[] = [
  ...TABLE.flatMap((scheduler: Scheduler) => scheduler.flags ?? []),
  ...GENERAL_FLAGS,
];

/** Flags that a scheduler can have. */
export function flagsOf(name: string): readonly string[] {
  const row: Scheduler | undefined = TABLE.find((scheduler) => scheduler.name === name);
  return [...row?.flags ?? [], ...GENERAL_FLAGS];
}

/** Whether its real servers' weights decide how much each of them gets. */
export function weighs(name: string): boolean {
  return TABLE.some((scheduler) => scheduler.name === name && scheduler.weighs);
}
