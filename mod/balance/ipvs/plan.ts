/**
 * Which commands make the kernel's IPVS table what it should be: desired against actual, in the kernel's
 * numbers (linux/ip_vs.h), decided without touching anything. PURE.
 */
import { endpointKey, type Match, serviceKey } from "../model.ts";

export interface ServiceOptions {
  readonly schedName: string;
  readonly flags: number;
  /** Seconds; only with persistence. */
  readonly timeout: number;
  /** IPv4: a mask; IPv6: bits; only with persistence. */
  readonly netmask: number;
  readonly peName?: string;
}

export interface DestinationOptions {
  readonly fwdMethod: number;
  readonly weight: number;
  readonly uThresh: number;
  readonly lThresh: number;
  readonly tunType: number;
  readonly tunPort: number;
  readonly tunFlags: number;
}

export interface DestinationEntry {
  /** Canonical text (RFC 5952). */
  readonly address: string;
  readonly port: number;
  readonly options: DestinationOptions;
}

export interface ServiceEntry {
  readonly match: Match;
  readonly options: ServiceOptions;
  readonly destinations: readonly DestinationEntry[];
}

/** One thing to do: with a destination, or (null) with the service itself. */
export interface Command {
  readonly action: "add" | "change" | "remove";
  readonly service: ServiceEntry;
  readonly destination: DestinationEntry | null;
}

/**
 * What turns `actual` (by `serviceKey`) into `desired`; services of `actual` that are not desired are left
 * alone, but for those in `surplus`. A service comes before its destinations; in a service that is there,
 * what takes traffic comes before what gives it up, so that it is never without a destination in between;
 * removals are last.
 */
export function plan(
  desired: readonly ServiceEntry[],
  actual: ReadonlyMap<string, ServiceEntry>,
  surplus: readonly string[] = [],
): Command[] {
  const removed = surplus.map((key) => actual.get(key)).filter((service) => service !== undefined);
  return [
    ...desired.flatMap((service) => planService(service, actual.get(serviceKey(service.match)))),
    ...removed.map((service): Command => ({ action: "remove", service, destination: null })),
  ];
}

function planService(service: ServiceEntry, there: ServiceEntry | undefined): Command[] {
  const command = (action: Command["action"], destination: DestinationEntry | null): Command => ({
    action,
    service,
    destination,
  });
  if (there === undefined) {
    return [command("add", null), ...service.destinations.map((one) => command("add", one))];
  }
  const before = new Map(there.destinations.map((one) => [endpointKey(one), one]));
  const wanted = new Set(service.destinations.map(endpointKey));
  const added: Command[] = [];
  const raised: Command[] = [];
  const lowered: Command[] = [];
  for (const destination of service.destinations) {
    const old = before.get(endpointKey(destination));
    if (old === undefined) added.push(command("add", destination));
    else if (differences(destination.options, old.options).length > 0) {
      const isRaised = destination.options.weight > old.options.weight;
      (isRaised ? raised : lowered).push(command("change", destination));
    }
  }
  const gone = there.destinations.filter((one) => !wanted.has(endpointKey(one)));
  return [
    ...differences(service.options, there.options).length > 0 ? [command("change", null)] : [],
    ...added,
    ...raised,
    ...lowered,
    ...gone.map((one) => command("remove", one)),
  ];
}

/** Names of the options in which two services or two destinations differ. */
export function differences<Options extends ServiceOptions | DestinationOptions>(
  a: Options,
  b: Options,
): (keyof Options & string)[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)] as (keyof Options & string)[]);
  return [...names].filter((name) => a[name] !== b[name]);
}

/** Whether two services are the same in everything. */
export function isSameService(a: ServiceEntry, b: ServiceEntry): boolean {
  return a === b || planService(a, b).length === 0;
}
