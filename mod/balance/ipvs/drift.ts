/** What somebody else has changed in a service of ours, in words. PURE. */
import { endpointKey } from "../model.ts";
import { type DestinationOptions, differences, type ServiceEntry, type ServiceOptions } from "./plan.ts";

type Words<Options> = { readonly [Name in keyof Options]-?: (value: Options[Name] | undefined) => string };

const SERVICE_FLAGS: readonly (readonly [bit: number, name: string])[] = [
  [0x01, "persistence"],
  [0x04, "one-packet"],
  [0x08, "flag-1"],
  [0x10, "flag-2"],
  [0x20, "flag-3"],
];
const FORWARDS: readonly string[] = ["nat", "local", "tunnel", "dr", "bypass"];
const TUNNELS: readonly string[] = ["ipip", "gue", "gre"];
const CHECKSUMS: readonly string[] = ["none", "checksum", "remote"];

const SERVICE_WORDS: Words<ServiceOptions> = {
  schedName: (name) => `scheduler ${name}`,
  flags: (flags) => `flags ${flagNames(flags ?? 0)}`,
  timeout: (seconds) => `persistence ${seconds}s`,
  netmask: (netmask) => `persistence mask ${netmask === undefined ? "none" : hex(netmask)}`,
  peName: (name) => `persistence engine ${name ?? "none"}`,
};

const DESTINATION_WORDS: Words<DestinationOptions> = {
  fwdMethod: (method) => `forward ${FORWARDS[method ?? 0] ?? method}`,
  weight: (weight) => `weight ${weight}`,
  uThresh: (threshold) => `upper threshold ${threshold}`,
  lThresh: (threshold) => `lower threshold ${threshold}`,
  tunType: (type) => `tunnel type ${TUNNELS[type ?? 0] ?? type}`,
  tunPort: (port) => `tunnel port ${port}`,
  tunFlags: (flags) => `tunnel checksum ${CHECKSUMS[flags ?? 0] ?? flags}`,
};

/** A sentence for each thing that is not as it was left; none when nothing has changed. */
export function driftOf(expected: ServiceEntry, actual: ServiceEntry | undefined): string[] {
  if (actual === undefined) return ["service was missing"];
  const there = new Map(actual.destinations.map((one) => [endpointKey(one), one]));
  const words = compare("service", SERVICE_WORDS, expected.options, actual.options);
  for (const destination of expected.destinations) {
    const name = endpointKey(destination);
    const found = there.get(name);
    there.delete(name);
    if (found === undefined) words.push(`destination ${name} was missing`);
    else {
      words.push(...compare(`destination ${name}`, DESTINATION_WORDS, destination.options, found.options));
    }
  }
  return [...words, ...[...there.keys()].map((name) => `destination ${name} was not ours`)];
}

function compare<Options extends ServiceOptions | DestinationOptions>(
  what: string,
  words: Words<Options>,
  expected: Options,
  actual: Options,
): string[] {
  return differences(expected, actual).map((name) => {
    const wanted = words[name](expected[name]);
    const value = wanted.slice(wanted.lastIndexOf(" ") + 1);
    return `${what} had ${words[name](actual[name])} instead of ${value}`;
  });
}

function flagNames(flags: number): string {
  const names = SERVICE_FLAGS.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? "none" : names.join(",");
}

function hex(netmask: number): string {
  return netmask <= 128 ? `/${netmask}` : `0x${netmask.toString(16)}`;
}
