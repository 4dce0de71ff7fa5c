/**
 * Kernel parameters that a director needs beside its IPVS table: looked at for the services that it has,
 * explained where they are not as they should be, and set, for as long as we run, where the configuration
 * says so.
 */
import { type ChangedParameter, type Parameters, Sysctl } from "../../kernel/sysctl.ts";
import type { Service } from "../model.ts";

/** A parameter that some service needs. */
interface Need {
  /** Below /proc/sys. */
  readonly path: string;
  readonly isMet: (value: number) => boolean;
  /** What it is set to. */
  readonly ours: number;
  /** What happens otherwise, as the end of a sentence. */
  readonly otherwise: string;
}

/** What the needs depend on. */
interface Director {
  readonly services: readonly Service[];
  /** Names of the interfaces but for loopback. */
  readonly interfaces: readonly string[];
}

const ANSWERS_STAY = 'with forward = "nat" the answers of real servers do not reach the clients';
const atLeast = (least: number) => (value: number): boolean => value >= least;

/** Each: when it matters, and then what has to be how. */
type Needs =
  readonly (readonly [matters: (director: Director) => boolean, needs: (director: Director) => Need[]])[];

/** What every engine that translates needs of the kernel. */
export const FORWARDING: Needs = [
  [(director) => forwards(director, 4), () => [
    { path: "net/ipv4/ip_forward", isMet: atLeast(1), ours: 1, otherwise: ANSWERS_STAY },
  ]],
  [(director) => forwards(director, 6), ({ interfaces }) => [
    // A router takes no default route from others, unless it is told to; and what it has taken it forgets.
    ...interfaces.map((name): Need => ({
      path: `net/ipv6/conf/${name}/accept_ra`,
      isMet: (value) => value !== 1,
      ours: 2,
      otherwise: "the default route that a router advertises is lost when this host forwards IPv6",
    })),
    { path: "net/ipv6/conf/all/forwarding", isMet: atLeast(1), ours: 1, otherwise: ANSWERS_STAY },
  ]],
];

const OF_IPVS: Needs = [
  [({ services }) => services.length > 0, () => [{
    path: "net/ipv4/vs/expire_nodest_conn",
    isMet: atLeast(1),
    ours: 1,
    otherwise: "connections to a real server that has been removed hang instead of ending",
  }, {
    path: "net/ipv4/vs/conn_reuse_mode",
    isMet: atLeast(1),
    ours: 1,
    otherwise: "a client that uses a port again goes to the real server that it had, even if that is drained",
  }]],
  [(director) => forwards(director, null), () => [{
    path: "net/ipv4/vs/conn_reuse_mode",
    // Bit 2: of a connection whose answers pass by the director, nothing after its FIN_WAIT is seen.
    isMet: (value) => (value & 2) !== 0,
    ours: 3,
    otherwise:
      "a client that uses a port again within two minutes goes to the real server that it had, even " +
      "if that is drained",
  }]],
  [({ services }) => services.some(({ persistence }) => persistence !== null), () => [{
    path: "net/ipv4/vs/expire_quiescent_template",
    isMet: atLeast(1),
    ours: 1,
    otherwise:
      "persistent clients go on to open connections to a real server of weight 0, which never drains",
  }]],
  [(director) => forwards(director, 4), ({ interfaces }) =>
    ["all", ...interfaces].map((name): Need => ({
      path: `net/ipv4/conf/${name}/send_redirects`,
      isMet: (value) => value === 0,
      ours: 0,
      otherwise: "a real server in the clients' own subnet is told to answer past the director",
    }))],
  ...FORWARDING,
];

export class DirectorParameters {
  readonly #sysctl: Sysctl;
  #advice: readonly string[] = [];

  constructor(readonly parameters: Parameters, readonly needs: Needs = OF_IPVS) {
    this.#sysctl = new Sysctl(parameters);
  }

  /** For whoever goes on in our place, and what he does with it. */
  get changes(): readonly ChangedParameter[] {
    return this.#sysctl.changes;
  }

  inherit(changes: readonly ChangedParameter[]): void {
    this.#sysctl.inherit(changes);
  }

  /** Sets what is not as it should be, or (`tune` is false) says so: a sentence for each. */
  reconcile(services: readonly Service[], interfaces: readonly string[], tune: boolean): string[] {
    if (!tune) this.#sysctl.restoreAll();
    const unmet = shortcomings(this.parameters, this.needs, { services, interfaces }).map((one) => ({
      ...one,
      refusal: tune ? this.#sysctl.set(one.path, String(one.ours)) : "",
    }));
    // The same of many interfaces is one thing.
    const groups = Map.groupBy(
      unmet.filter(({ refusal }) => refusal !== null),
      ({ path, value, otherwise }) => [path.split("/").at(-1), value, otherwise].join(),
    );
    return [...groups.values()].map((all) => {
      const { path, value, ours, otherwise, refusal } = all[0]!;
      const others = all.length === 1 ? "" : ` (and ${all.length - 1} more)`;
      const hint = refusal || `set it to ${ours}, or tune_kernel = true in [balance]`;
      return `${path.replaceAll("/", ".")}${others} is ${value}: ${otherwise} (${hint})`;
    });
  }

  /** As `reconcile`, but says what it said the last time only once. */
  advise(services: readonly Service[], interfaces: readonly string[], tune: boolean): string[] {
    const sentences = this.reconcile(services, interfaces, tune);
    const isNew = sentences.join() !== this.#advice.join();
    this.#advice = sentences;
    return isNew ? sentences : [];
  }

  /** What `advise` has found the last time. */
  get advice(): readonly string[] {
    return this.#advice;
  }

  /** Back to what they were. */
  restore(): void {
    this.#sysctl.restoreAll();
  }
}

function shortcomings(
  parameters: Parameters,
  table: Needs,
  director: Director,
): (Need & { readonly value: number })[] {
  const needs = table.flatMap(([matters, needs]) => matters(director) ? needs(director) : []);
  // Of two needs of one parameter the later one is the stricter one.
  const strictest = new Map(needs.map((need) => [need.path, need]));
  return [...strictest.values()].flatMap((need) => {
    const text = parameters.read(need.path);
    return text === null || need.isMet(Number(text)) ? [] : [{ ...need, value: Number(text) }];
  });
}

/** Whether some destination's answers come back through this host (a family), or pass by it (null). */
function forwards({ services }: Director, family: 4 | 6 | null): boolean {
  return services.some(({ match, destinations }) =>
    destinations.some(({ forward: { method } }) =>
      family === null ? method !== "nat" : method === "nat" && match.family === family
    )
  );
}
