/**
 * What a virtual router counts, in the names of RFC 8347 where it has one; discard reasons count under their
 * own names.
 */
import { REASONS } from "./discard.ts";

const EVENTS = [
  "advertisements_sent",
  "advertisements_received",
  "send_errors",
  "became_active",
  "released_active",
  "handovers_completed",
  "priority_zero_pkts_sent",
  "priority_zero_pkts_rcvd",
  "reminders_sent",
  "reminders_received",
  "acknowledgements_sent",
  "acknowledgements_received",
  "gratuitous_arp_sent",
  "neighbor_advertisements_sent",
  "addresses_restored",
  "address_errors",
  "leftovers_removed",
  "late_deadlines",
  "address_list_mismatches",
  "address_conflicts",
  "address_probes_sent",
] as const;

export type CounterName = typeof EVENTS[number] | keyof typeof REASONS;
export type Counters = Record<CounterName, number>;

export function newCounters(): Counters {
  const names = [...EVENTS, ...Object.keys(REASONS)] as CounterName[];
  return Object.fromEntries(names.map((name) => [name, 0])) as Counters;
}
