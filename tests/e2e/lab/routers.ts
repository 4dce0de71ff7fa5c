/**
 * One description of a virtual router, written as vipd.toml or as keepalived.conf, so both daemons run the
 * same thing.
 */

export interface RouterSpec {
  readonly name: string;
  readonly vrid: number;
  readonly version: 2 | 3;
  readonly priority: number;
  /** Advertisement interval in ms; whole seconds for version 2. */
  readonly intervalMs: number;
  readonly addresses: readonly string[];
  readonly interface?: string;
  readonly password?: string;
  readonly preempt?: boolean;
  /** Answers from the virtual router MAC address. */
  readonly virtualMac?: boolean;
  readonly unicast?: { readonly source: string; readonly peers: readonly string[] };
  /** vipd: lines for the table's end, such as `track = ["nginx"]`. */
  readonly vipdExtra?: string;
  /** keepalived: lines for the block's end. */
  readonly keepalivedExtra?: string;
}

export function vipdRouter(spec: RouterSpec): string {
  const { unicast } = spec;
  return lines([
    `[virtual_router.${spec.name}]`,
    `interface = "${spec.interface ?? "eth0"}"`,
    `vrid = ${spec.vrid}`,
    `version = ${spec.version}`,
    `priority = ${spec.priority}`,
    `advertisement_interval = "${spec.intervalMs}ms"`,
    `addresses = ${JSON.stringify(spec.addresses)}`,
    spec.password === undefined ? "" : `password = "${spec.password}"`,
    spec.preempt === false ? "preempt = false" : "",
    spec.virtualMac === true ? "virtual_mac = true" : "",
    unicast === undefined
      ? ""
      : `unicast_source = "${unicast.source}"\nunicast_peers = ${JSON.stringify(unicast.peers)}`,
    spec.vipdExtra ?? "",
  ]);
}

export function keepalivedRouter(spec: RouterSpec): string {
  const { unicast } = spec;
  return lines([
    `vrrp_instance ${spec.name} {`,
    // Only an owner may start as master; for others keepalived's word means nothing but "preempt at once".
    `state ${spec.priority === 255 ? "MASTER" : "BACKUP"}`,
    `interface ${spec.interface ?? "eth0"}`,
    `virtual_router_id ${spec.vrid}`,
    `version ${spec.version}`,
    `priority ${spec.priority}`,
    `advert_int ${spec.intervalMs / 1000}`,
    spec.password === undefined ? "" : `authentication { \n auth_type PASS\n auth_pass ${spec.password}\n}`,
    spec.preempt === false ? "nopreempt" : "",
    spec.virtualMac === true ? "use_vmac" : "",
    unicast === undefined
      ? ""
      : `unicast_src_ip ${unicast.source}\nunicast_peer {\n${unicast.peers.join("\n")}\n}`,
    `virtual_ipaddress {\n${spec.addresses.join("\n")}\n}`,
    spec.keepalivedExtra ?? "",
    "}",
  ]);
}

function lines(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n") + "\n";
}
