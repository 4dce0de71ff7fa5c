/**
 * The metric names of mehdy/keepalived-exporter over our snapshot, so that existing dashboards and alerts go
 * on. PURE.
 */
import type { CheckStatus, RouterState, Snapshot, VirtualRouterStatus } from "../snapshot.ts";
import type { Family, Labels } from "./exposition.ts";

/** keepalived's numbers for the states. */
const STATES: Readonly<Record<RouterState, number>> = { INIT: 0, BACKUP: 1, ACTIVE: 2, FAULT: 3 };

/** Their counter, its help, and the counters of ours that it stands for. */
const COUNTERS: readonly (readonly [string, string, readonly string[]])[] = [
  ["advertisements_received", "Advertisements received", ["advertisements_received"]],
  ["advertisements_sent", "Advertisements sent", ["advertisements_sent"]],
  ["become_master", "Became master", ["became_active"]],
  ["release_master", "Released master", ["released_active"]],
  ["packet_length_errors", "Packet length errors", ["packet_length_errors"]],
  ["advertisements_interval_errors", "Advertisement interval errors", ["interval_errors"]],
  ["ip_ttl_errors", "TTL errors", ["ip_ttl_errors"]],
  ["invalid_type_received", "Invalid type errors", ["invalid_type_pkts_rcvd"]],
  ["address_list_errors", "Address list errors", ["address_list_errors"]],
  ["authentication_invalid", "Authentication invalid", ["invalid_authentication_type"]],
  ["authentication_mismatch", "Authentication mismatch", ["authentication_type_mismatch"]],
  ["authentication_failure", "Authentication failure", ["authentication_failures"]],
  ["priority_zero_received", "Priority zero received", ["priority_zero_pkts_rcvd"]],
  ["priority_zero_sent", "Priority zero sent", ["priority_zero_pkts_sent"]],
];

/**
 * Every family of the exporter that has a meaning here: its own build and its own check script have none. The
 * labels are those of its version 1.7; a label for the state would begin new series at each failover.
 */
export function exporterFamilies({ node, virtual_routers, checks }: Snapshot): Family[] {
  const up = Number(node.engine === "running");
  return [
    { name: "keepalived_up", type: "gauge", help: "Status", samples: [{ labels: {}, value: up }] },
    {
      name: "keepalived_vrrp_state",
      type: "gauge",
      help: "State of vrrp",
      samples: virtual_routers.flatMap((router) =>
        advertisedPlaces(router).map((place) => stateSample(router, place))
      ),
    },
    {
      name: "keepalived_vrrp_excluded_state",
      type: "gauge",
      help: "State of vrrp with excluded VIP",
      samples: virtual_routers.flatMap((router) =>
        router.addresses.filter(({ advertised }) => !advertised).map((address) =>
          stateSample(router, address)
        )
      ),
    },
    ...COUNTERS.map(([name, help, ours]): Family => ({
      name: `keepalived_${name}_total`,
      type: "counter",
      help,
      samples: virtual_routers.map((router) => ({
        labels: counterLabels(router),
        value: ours.reduce((sum, counter) => sum + (router.counters[counter] ?? 0), 0),
      })),
    })),
    {
      name: "keepalived_gratuitous_arp_delay_total",
      // What is configured, in seconds, but a counter by name and type: so it is there.
      type: "counter",
      help: "Gratuitous ARP delay",
      samples: virtual_routers.map((router) => ({
        labels: counterLabels(router),
        value: router.announcement_delay_ms / 1000,
      })),
    },
    ...scriptFamilies(checks),
  ];
}

type Place = Pick<VirtualRouterStatus["addresses"][number], "address" | "interface">;

/** A virtual router without addresses has its state all the same. */
function advertisedPlaces({ addresses, interface: device }: VirtualRouterStatus): readonly Place[] {
  const advertised = addresses.filter((address) => address.advertised);
  return advertised.length === 0 ? [{ address: "", interface: device }] : advertised;
}

/** Their "status" is good (1) or bad (0); their "state" is idle (0) whenever no process of the check runs. */
function scriptFamilies(checks: readonly CheckStatus[]): Family[] {
  return [
    {
      name: "keepalived_script_status",
      type: "gauge",
      help: "Tracker Script Status",
      samples: checks.map(({ name, state }) => ({ labels: { name }, value: Number(state === "up") })),
    },
    {
      name: "keepalived_script_state",
      type: "gauge",
      help: "Tracker Script State",
      samples: checks.map(({ name }) => ({ labels: { name }, value: 0 })),
    },
  ];
}

function stateSample(
  { name, vrid, state }: VirtualRouterStatus,
  { address, interface: device }: Place,
): Family["samples"][number] {
  const labels = { iname: name, intf: device, vrid, ip_address: address.split("/", 1)[0] ?? address };
  return { labels, value: STATES[state] };
}

function counterLabels({ name, interface: device, vrid }: VirtualRouterStatus): Labels {
  return { iname: name, intf: device, vrid };
}
