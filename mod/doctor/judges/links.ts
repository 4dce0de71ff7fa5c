/** The interfaces of the virtual routers, and the macvlans that carry virtual router MAC addresses. PURE. */
import { formatMac } from "../../wire/address.ts";
import { virtualRouterMac } from "../../wire/ethernet.ts";
import { addressesOf, type Facts, type LinkFacts, type RouterFacts, routersOf } from "../facts.ts";
import { type Finding, note, problem, warning } from "../finding.ts";

/** Virtual switches that pass only the MAC address that they have given out, unless told otherwise. */
const VIRTUAL_SWITCHES = /vmware|microsoft|xen|amazon|google/i;

export function judgeLinks(facts: Facts): Finding[] {
  const names = new Set(
    routersOf(facts).flatMap((router) => [
      router.config.interface,
      ...addressesOf(router).map(({ interface: name }) => name),
    ]),
  );
  return [
    ...[...names].flatMap((name) => judgeLink(facts, name)),
    ...routersOf(facts).flatMap((router) => judgeVirtualMac(facts, router)),
  ];
}

function judgeLink({ links }: Facts, name: string): Finding[] {
  const link = links.find((candidate) => candidate.name === name);
  if (link === undefined) {
    const there = links.map((other) => other.name).join(", ");
    return [problem(name, "the interface does not exist", [`there are: ${there}`], ["ip link"])];
  }
  if (!link.up) return [problem(name, "the interface is down", [], [`ip link set ${name} up`])];
  if (!link.carrier) {
    return [problem(name, "the interface has no carrier: no cable, or the other end is down", [], [
      `ethtool ${name}`,
      `ip -details link show dev ${name}`,
    ])];
  }
  return [...judgeUse(link), ...link.addresses.flatMap((address) => judgeAddress(link, address))];
}

function judgeUse({ name, multicast, master, masterKind, snoopsUnasked }: LinkFacts): Finding[] {
  const findings: Finding[] = [];
  if (!multicast) {
    const fix = [`ip link set ${name} multicast on`, "# or unicast_peers in vipd.toml"];
    findings.push(problem(name, "the interface carries no multicast", [], fix));
  }
  if (/^(bridge|bond|team|openvswitch)$/.test(masterKind)) {
    const message = `it is a port of ${master}: packets for its addresses never reach this host`;
    findings.push(problem(name, message, [], [`# interface = "${master}" in vipd.toml`]));
  }
  if (snoopsUnasked) {
    const message = "the bridge snoops multicast, and nobody asks who listens: it may forget the VRRP group";
    const fix = [
      `ip link set dev ${name} type bridge mcast_querier 1`,
      `# or: ip link set dev ${name} type bridge mcast_snooping 0`,
    ];
    findings.push(note(name, message, [], fix));
  }
  return findings;
}

function judgeAddress(
  { name }: LinkFacts,
  { address, prefix, tentative, duplicate }: LinkFacts["addresses"][number],
): Finding[] {
  const place = `${address}/${prefix}`;
  if (duplicate) {
    const fix = [`ip address delete ${place} dev ${name}`, `ip address add ${place} dev ${name}`];
    const message = `${address} cannot be used: another host had it when it was added (dadfailed)`;
    return [problem(name, message, [`ip -6 address show dev ${name}`], fix)];
  }
  if (!tentative) return [];
  const message = `${address} is still being looked at for duplicates: nothing can be sent from it yet`;
  const fix = [
    `ip -6 address show dev ${name} tentative`,
    `# if it stays so: sysctl net.ipv6.conf.${name}.accept_dad`,
  ];
  return [warning(name, message, [], fix)];
}

function judgeVirtualMac(facts: Facts, { name, config, status }: RouterFacts): Finding[] {
  const wanted = config.virtual_mac;
  if (wanted === null) return [];
  const link = facts.links.find((candidate) => candidate.name === wanted.interface);
  const findings: Finding[] = [];
  if (status !== null && link === undefined && status.state !== "INIT") {
    findings.push(
      problem(name, `${wanted.interface}, which carries its virtual MAC address, is gone`, [], [
        "vipd reload",
      ]),
    );
  }
  if (link !== undefined) findings.push(...judgeMacvlan(name, config, link, status?.state === "ACTIVE"));
  if (VIRTUAL_SWITCHES.test(facts.vendor)) {
    findings.push(note(
      name,
      "a virtual switch may drop frames from the virtual MAC address, and frames for it",
      [`this machine: ${facts.vendor}`],
      ["# permit forged transmits, MAC address changes and promiscuous mode on its port, or virtual_mac = false"],
    ));
  }
  return findings;
}

function judgeMacvlan(
  name: string,
  { interface: base, family, vrid }: RouterFacts["config"],
  link: LinkFacts,
  active: boolean,
): Finding[] {
  const fix = [`# not by vipd: ip link delete ${link.name}`, "vipd reload"];
  const mac = formatMac(virtualRouterMac(family, vrid));
  if (link.kind !== "macvlan") {
    return [problem(name, `${link.name} is no macvlan but ${link.kind || "hardware"}`, [], fix)];
  }
  if (link.below !== base) {
    return [problem(name, `${link.name} is on ${link.below || "nothing"}, not on ${base}`, [], fix)];
  }
  if (link.mac !== mac) {
    return [problem(name, `${link.name} has another MAC address than ${mac}`, [`it has ${link.mac}`], fix)];
  }
  if (link.mode !== "" && link.mode !== "bridge") {
    const message =
      `${link.name} is in mode ${link.mode}: ${base} does not hear what another router sends from ` +
      "the same MAC address";
    return [warning(name, message, [], [`ip link set dev ${link.name} type macvlan mode bridge`])];
  }
  if (active !== link.up) {
    const message = active ? "is down although it serves" : "is up although this router does not serve";
    return [problem(name, `${link.name} ${message}`, [], ["vipd reload"])];
  }
  return [];
}
