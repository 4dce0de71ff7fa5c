/**
 * The kernel's IPVS table, read as far as it is needed: the services at once, destinations when asked for.
 */
import {
  type Ipvs,
  type IpvsDestination,
  type IpvsService,
  listDestinations,
  listServices,
} from "../../../ffi/ipvs.ts";
import { serviceKey, type ServiceReport } from "../model.ts";
import type { ServiceEntry } from "./plan.ts";
import { actualEntry, destinationReport, trafficOf } from "./translate.ts";

export class Table {
  readonly #ipvs: Ipvs;
  /** By `serviceKey`: what vipd has a name for. */
  readonly #services = new Map<string, IpvsService>();
  /** All, with those of other protocols. */
  readonly all: readonly IpvsService[];

  constructor(ipvs: Ipvs) {
    this.#ipvs = ipvs;
    this.all = listServices(ipvs);
    for (const service of this.all) {
      const entry = actualEntry(service, []);
      if (entry !== null) this.#services.set(serviceKey(entry.match), service);
    }
  }

  has(key: string): boolean {
    return this.#services.has(key);
  }

  /** With its destinations as they are now; undefined where there is no such service. */
  entry(key: string): ServiceEntry | undefined {
    const service = this.#services.get(key);
    return service === undefined ? undefined : actualEntry(service, this.#destinations(service)) ?? undefined;
  }

  /** Without destinations. */
  settings(key: string): ServiceEntry | undefined {
    const service = this.#services.get(key);
    return service === undefined ? undefined : actualEntry(service, []) ?? undefined;
  }

  report(key: string): ServiceReport | undefined {
    const service = this.#services.get(key);
    if (service === undefined) return undefined;
    const destinations = this.#destinations(service).map(destinationReport);
    return { key, traffic: trafficOf(service.stats), destinations };
  }

  #destinations({ id }: IpvsService): IpvsDestination[] {
    return listDestinations(this.#ipvs, id);
  }
}
