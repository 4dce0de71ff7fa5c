/**
 * Makes the kernel's services what is wanted: reads, plans, does what differs, and says what was not as left.
 */
import { EEXIST, ENOENT, ESRCH } from "../../../ffi/errno.ts";
import { type Ipvs, removeServiceRequest } from "../../../ffi/ipvs.ts";
import type { NetlinkError } from "../../../ffi/netlink.ts";
import { type Applied, type Drift, serviceKey } from "../model.ts";
import { driftOf } from "./drift.ts";
import { type Command, differences, isSameService, plan, type ServiceEntry } from "./plan.ts";
import { commandProblem } from "./problems.ts";
import { Table } from "./table.ts";
import { matchOf, requestsOf } from "./translate.ts";

/** All services are looked at every time; of destinations that should be as they were so many, in turn. */
const DESTINATIONS_PER_LOOK = 2_000;
/** What is found changed in the same way so often in a row is not healed by changing it back. */
const FUTILE = 4;
/** How a command is refused when somebody else has changed the table since it was read. */
const OVERTAKEN = [EEXIST, ENOENT, ESRCH];

interface Failure {
  readonly command: Command;
  readonly error: NetlinkError;
}

export class Services {
  /** Keys of what is ours: added by us, or found where it was wanted. */
  readonly #ours: Set<string>;
  /** How we have left each. */
  readonly #left = new Map<string, ServiceEntry>();
  /** How often in a row the same was found of a service. */
  readonly #found = new Map<string, { readonly words: string; readonly times: number }>();
  /** Whose destinations are looked at next. */
  #next = 0;

  /** `ours`: what somebody has added in whose place we go on. */
  constructor(ours: readonly string[] = []) {
    this.#ours = new Set(ours);
  }

  get keys(): ReadonlySet<string> {
    return this.#ours;
  }

  apply(ipvs: Ipvs, desired: readonly ServiceEntry[]): Applied {
    const table = new Table(ipvs);
    const wanted = new Map(desired.map((service) => [serviceKey(service.match), service]));
    const surplus = [...this.#ours].filter((key) => !wanted.has(key));
    const [asLeft, others] = partition([...wanted], ([key, service]) => this.#isAsLeft(table, key, service));
    const first = this.#round(ipvs, table, new Map(others), surplus);
    const second = this.#round(ipvs, table, new Map(this.#inTurn(asLeft)), []);
    return { drift: [...first.drift, ...second.drift], problems: [...first.problems, ...second.problems] };
  }

  /** Removes what is not wanted, whoever has added it. Returns what it was. */
  removeForeign(ipvs: Ipvs, desired: readonly ServiceEntry[]): string[] {
    const wanted = new Set(desired.map(({ match }) => serviceKey(match)));
    const foreign = new Table(ipvs).all.filter(({ id }) => {
      const match = matchOf(id);
      return match === null || !wanted.has(serviceKey(match));
    });
    const requests = foreign.map(({ id }) => removeServiceRequest(ipvs, id));
    const errors = ipvs.netlink.requestAll(requests);
    return requests.filter((_, i) => errors[i] === null).map(({ description }) => description);
  }

  /** Removes all that is ours. Returns what could not be removed. */
  removeAll(ipvs: Ipvs): readonly string[] {
    return this.#round(ipvs, new Table(ipvs), new Map(), [...this.#ours]).problems;
  }

  /** As far as that is known without its destinations. */
  #isAsLeft(table: Table, key: string, service: ServiceEntry): boolean {
    const left = this.#left.get(key);
    const there = table.settings(key);
    return left !== undefined && there !== undefined && isSameService(left, service) &&
      differences(left.options, there.options).length === 0;
  }

  #inTurn<T extends readonly [key: string, service: ServiceEntry]>(services: readonly T[]): T[] {
    const chosen: T[] = [];
    let destinations = 0;
    for (let i = 0; i < services.length && destinations < DESTINATIONS_PER_LOOK; i++) {
      const one = services[this.#next++ % services.length]!;
      chosen.push(one);
      destinations += one[1].destinations.length;
    }
    if (services.length > 0) this.#next %= services.length;
    return chosen;
  }

  #round(
    ipvs: Ipvs,
    table: Table,
    wanted: ReadonlyMap<string, ServiceEntry>,
    surplus: readonly string[],
    isAgain = false,
  ): Applied {
    const actual = new Map<string, ServiceEntry>();
    for (const key of wanted.keys()) put(actual, key, table.entry(key));
    for (const key of surplus) put(actual, key, table.settings(key));
    const { drift, problems } = this.#look(wanted, actual);
    const failures = carryOut(ipvs, plan([...wanted.values()], actual, surplus));
    const failed = new Set(failures.map(({ command }) => serviceKey(command.service.match)));
    for (const [key, service] of wanted) {
      this.#ours.add(key);
      if (failed.has(key)) this.#left.delete(key);
      else this.#left.set(key, service);
    }
    for (const key of surplus) if (!failed.has(key)) this.#forget(key);
    if (isAgain || !failures.some(({ error }) => OVERTAKEN.includes(error.errno))) {
      return { drift, problems: [...problems, ...reasons(failures)] };
    }
    const rest = new Map([...wanted].filter(([key]) => failed.has(key)));
    const again = this.#round(ipvs, new Table(ipvs), rest, surplus.filter((key) => failed.has(key)), true);
    return { drift, problems: [...problems, ...again.problems] };
  }

  /** What is not as it was left, and what never is. */
  #look(
    wanted: ReadonlyMap<string, ServiceEntry>,
    actual: ReadonlyMap<string, ServiceEntry>,
  ): { drift: Drift[]; problems: string[] } {
    const drift: Drift[] = [];
    const problems: string[] = [];
    for (const key of wanted.keys()) {
      const left = this.#left.get(key);
      const words = left === undefined ? [] : driftOf(left, actual.get(key));
      drift.push(...words.map((what) => ({ key, what })));
      const text = words.join(", ");
      const before = this.#found.get(key);
      const times = before?.words === text ? before.times + 1 : 1;
      if (text === "") this.#found.delete(key);
      else this.#found.set(key, { words: text, times });
      if (text !== "" && times >= FUTILE) {
        problems.push(
          `${key}: ${text}, again and again: somebody else changes it, or the kernel cannot do it`,
        );
      }
    }
    return { drift, problems };
  }

  #forget(key: string): void {
    this.#ours.delete(key);
    this.#left.delete(key);
    this.#found.delete(key);
  }
}

function carryOut(ipvs: Ipvs, commands: readonly Command[]): Failure[] {
  const errors = ipvs.netlink.requestAll(requestsOf(ipvs, commands));
  return commands.flatMap((command, i) => {
    const error = errors[i] ?? null;
    return error === null || isGone(command, error) ? [] : [{ command, error }];
  });
}

/** What was to be removed is not there. */
function isGone({ action }: Command, { errno }: NetlinkError): boolean {
  return action === "remove" && (errno === ENOENT || errno === ESRCH);
}

/** Of a service that could not be added, that alone. */
function reasons(failures: readonly Failure[]): string[] {
  const missing = new Set(
    failures.filter(({ command }) => command.destination === null && command.action === "add")
      .map(({ command }) => command.service),
  );
  const told = failures.filter(({ command: { service, destination } }) =>
    destination === null || !missing.has(service)
  );
  return [...new Set(told.map(({ command, error }) => commandProblem(command, error)))];
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value !== undefined) map.set(key, value);
}

function partition<T>(all: readonly T[], is: (one: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const one of all) (is(one) ? yes : no).push(one);
  return [yes, no];
}
