/** An engine without a kernel: keeps what it is told, can be meddled with, and fails when it is told to. */
import type { Applied, Destination, Engine, Service, ServiceReport } from "../../mod/balance/model.ts";
import { serviceKey } from "../../mod/balance/model.ts";

export class FakeEngine implements Engine {
  readonly name: Engine["name"];
  /** What is "in the kernel"; a test may change it behind the engine's back. */
  services: readonly Service[] = [];
  /** Every list of services that it was told, in order. */
  readonly told: (readonly Service[])[] = [];
  /** Established connections by `address:port`. */
  readonly connections = new Map<string, number>();
  /** What the next rounds say instead of working. */
  problem: string | null = null;
  stopped: "kept" | "removed" | null = null;
  #last: readonly Service[] | null = null;

  constructor(name: Engine["name"] = "ipvs") {
    this.name = name;
  }

  apply(services: readonly Service[]): Promise<Applied> {
    this.told.push(services);
    if (this.problem !== null) return Promise.resolve({ drift: [], problems: [this.problem] });
    const isDrift = this.#last !== null && JSON.stringify(this.#last) !== JSON.stringify(this.services);
    this.#last = this.services = services;
    const drift = isDrift ? [{ key: "all", what: "services were not as they should be" }] : [];
    return Promise.resolve({ drift, problems: [] });
  }

  read(): Promise<readonly ServiceReport[]> {
    return Promise.resolve(this.services.map(({ match, destinations }) => ({
      key: serviceKey(match),
      traffic: null,
      destinations: destinations.map((destination) => this.#report(destination)),
    })));
  }

  stop(keep: boolean): Promise<void> {
    this.stopped = keep ? "kept" : "removed";
    if (!keep) this.services = [];
    return Promise.resolve();
  }

  #report({ address, port, weight }: Destination): ServiceReport["destinations"][number] {
    return {
      address,
      port,
      weight,
      activeConnections: this.connections.get(`${address}:${port}`) ?? 0,
      inactiveConnections: 0,
      persistentConnections: 0,
      traffic: null,
    };
  }
}
