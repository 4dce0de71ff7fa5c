/** What no single key can tell of virtual servers: rules between their keys, and between virtual servers. */
import type { BalanceFields, DirectRoutingConfig } from "./balance.ts";
import { formatPath, type Path } from "./document.ts";
import { defaultScheduler, lacking } from "./engine_features.ts";
import type { ForwardConfig } from "./forward.ts";
import { flagsOf } from "./schedulers.ts";
import { didYouMean } from "./suggest.ts";
import { addressesOf, type PlacedAddress, portOf, type RealServerFields } from "./virtual_server.ts";
import type { VirtualAddressConfig, VirtualServerFields } from "./virtual_server.ts";

/** What of these tables is valid by itself. */
export interface BalancePartially {
  readonly virtual_server: Readonly<Record<string, PartialServer>>;
  readonly balance: Partial<BalanceFields>;
  readonly direct_routing: Readonly<Record<string, Partial<DirectRoutingConfig>>>;
  /** Types of checks that look at a port and know none by themselves. */
  readonly portChecks: readonly string[];
  /** Names of virtual routers, also of those that have problems of their own. */
  readonly routerNames: readonly string[];
}

export interface PartialServer {
  readonly fields: Partial<VirtualServerFields>;
  /** Keys that are there, also those that have problems of their own. */
  readonly written: readonly string[];
}

type Report = (path: Path, message: string, other?: Path) => void;

/** A virtual server under examination. */
interface Subject extends PartialServer {
  readonly path: Path;
  readonly placed: readonly PlacedAddress[];
  readonly port: number;
  readonly servers: readonly Server[];
}

/** A real server, with what it has of its virtual server. */
interface Server {
  readonly path: Path;
  readonly own: RealServerFields;
  readonly port: number;
  readonly weight: number;
  readonly forward: ForwardConfig;
}

export function crossCheckBalance(config: BalancePartially, report: Report): void {
  const subjects = Object.entries(config.virtual_server).map(([name, server]) => subjectOf(name, server));
  for (const subject of subjects) {
    checkAddressKeys(subject, report);
    checkEveryPort(subject, report);
    checkEngine(subject, report);
    checkOptions(subject, report);
    checkScheduling(subject, report);
    checkPersistence(subject, report);
    checkThresholds(subject, report);
    checkQuorum(subject, report);
    checkRealServers(subject, report);
    checkPorts(subject, config.portChecks, report);
    checkSorryServer(subject, report);
    checkTwins(subject, report);
    const { virtual_router: router } = subject.fields;
    if (router !== undefined) checkRouter([...subject.path, "virtual_router"], router, config, report);
  }
  checkServices(subjects, report);
  const { sync } = config.balance;
  if (sync !== undefined) {
    checkRouter(["balance", "sync", "virtual_router"], sync.virtual_router, config, report);
  }
  checkDirectRouting(config.direct_routing, report);
}

function subjectOf(name: string, { fields, written }: PartialServer): Subject {
  const path = ["virtual_server", name];
  const placed = addressesOf(fields);
  const port = portOf(placed);
  const servers: Server[] = [];
  fields.real_server?.forEach((own, i) => {
    servers.push({
      path: [...path, "real_server", i],
      own,
      port: own.address.port ?? port,
      weight: own.weight ?? fields.weight ?? 1,
      forward: own.forward ?? fields.forward ?? { method: "nat" },
    });
  });
  return { path, fields, written, placed, port, servers };
}

const ADDRESS_KEYS = ["address", "addresses", "fwmark"] as const;

function checkAddressKeys({ path, fields, written, placed }: Subject, report: Report): void {
  const [first, ...others] = ADDRESS_KEYS.filter((key) => written.includes(key));
  if (first === undefined) report([...path, "address"], "expected one of address, addresses and fwmark");
  for (const key of others) {
    report([...path, key], `is one too many: there is ${first}`, [...path, first!]);
  }
  const hasMark = placed.some(({ address }) => address.kind === "fwmark");
  if (fields.family !== undefined && !hasMark && !written.includes("fwmark")) {
    report([...path, "family"], "has no meaning without a fwmark");
  }
}

/** The kernel takes a service of every port that keeps no client, but no connection works as it should. */
function checkEveryPort({ path, placed, written }: Subject, report: Report): void {
  if (written.includes("persistence")) return;
  const isAny = (address: VirtualAddressConfig): boolean => address.kind === "address" && address.port === 0;
  for (
    const { path: at, address: { family } } of onePerPlace(placed).filter(({ address }) => isAny(address))
  ) {
    const hint = family === 6 ? ' ("[2001:db8::10]:80")' : "";
    report(
      [...path, ...at],
      `no port means every port, which needs persistence: give a port${hint}, or set persistence`,
    );
  }
}

/** Each place once, however many addresses it counts out to. */
function onePerPlace(placed: readonly PlacedAddress[]): PlacedAddress[] {
  return [...new Map(placed.map((one) => [formatPath(one.path), one])).values()];
}

function checkEngine({ path, fields }: Subject, report: Report): void {
  if (fields.engine === undefined) return;
  for (const { path: at, message } of lacking(fields, fields.engine)) report([...path, ...at], message);
}

const HTTP_OPTIONS = ["redirect_https", "forwarded", "cookie"] as const;

/** What is a part of HTTP, haproxy does only where it reads that. */
function checkOptions({ path, fields }: Subject, report: Report): void {
  const { mode, options = {} } = fields;
  if (mode !== "tcp") return;
  for (const key of HTTP_OPTIONS.filter((key) => options[key] !== undefined)) {
    report([...path, "options", key], 'needs mode = "http"');
  }
}

function checkScheduling({ path, fields, written, placed }: Subject, report: Report): void {
  const { scheduler, flags = [], one_packet, protocol, engine = "auto" } = fields;
  const used = scheduler ?? (written.includes("scheduler") ? undefined : defaultScheduler(engine));
  flags.forEach((flag, i) => {
    if (used === undefined || flagsOf(used).includes(flag)) return;
    report([...path, "flags", i], `scheduler ${used} has no flag ${flag}`);
  });
  const addressed = placed.some(({ address }) => address.kind === "address");
  if (one_packet === true && addressed && protocol !== undefined && protocol !== "udp") {
    report([...path, "one_packet"], 'needs protocol = "udp"');
  }
}

function checkPersistence({ path, fields, written, placed }: Subject, report: Report): void {
  const { persistence_granularity: granularity, persistence_engine: engine, protocol } = fields;
  for (const key of ["persistence_granularity", "persistence_engine"]) {
    if (written.includes(key) && !written.includes("persistence")) {
      report([...path, key], "has no meaning without persistence");
    }
  }
  const addressed = placed.some(({ address }) => address.kind === "address");
  if (engine === "sip" && addressed && protocol !== undefined && protocol !== "udp") {
    report([...path, "persistence_engine"], 'needs protocol = "udp"');
  }
  if (granularity === undefined) return;
  const families = new Set(placed.map(({ address }) => address.family));
  const at = [...path, "persistence_granularity"];
  if (families.has(6) && granularity.family === 4) {
    report(at, "expected a prefix length 1..128: a netmask is IPv4");
  } else if (families.has(4) && granularity.prefix > 32) report(at, "expected 1..32 for IPv4 addresses");
}

function checkThresholds({ path, fields, servers }: Subject, report: Report): void {
  const { upper_threshold: upper, lower_threshold: lower } = fields;
  checkThreshold(path, upper, lower, report);
  for (const { path, own } of servers) {
    if (own.upper_threshold === undefined && own.lower_threshold === undefined) continue;
    checkThreshold(path, own.upper_threshold ?? upper, own.lower_threshold ?? lower, report);
  }
}

function checkThreshold(
  path: Path,
  upper: number | undefined,
  lower: number | undefined,
  report: Report,
): void {
  if (upper === undefined || lower === undefined || lower === 0) return;
  const at = [...path, "lower_threshold"];
  if (upper === 0) report(at, "has no meaning without upper_threshold");
  else if (lower > upper) report(at, `expected at most upper_threshold (${upper})`);
}

/** keepalived lowers what can never be reached, and says so only in its log. */
function checkQuorum({ path, fields, servers }: Subject, report: Report): void {
  const { quorum, hysteresis, real_server: written } = fields;
  if (quorum === undefined || hysteresis === undefined) return;
  if (hysteresis > 0 && hysteresis >= quorum) {
    return report([...path, "hysteresis"], `expected less than quorum (${quorum})`);
  }
  const isWhole = written !== undefined && servers.length === written.length;
  const sum = servers.reduce((sum, { weight }) => sum + weight, 0);
  if (!isWhole || sum === 0 || servers.some((server) => setsWeight(server, fields))) return;
  const total = `the weights of the real servers add up to ${sum}`;
  if (quorum > sum) report([...path, "quorum"], `is never reached: ${total}`);
  else if (quorum + hysteresis > sum) {
    report([...path, "hysteresis"], `once lost, quorum + hysteresis is never reached again: ${total}`);
  }
}

/** Whether a check may give it more weight than its configuration. */
function setsWeight({ own }: Server, { check: inherited = [] }: Partial<VirtualServerFields>): boolean {
  return (own.check ?? inherited).some((check) => check("up").options["weight_from_exit"] === true);
}

function checkRealServers({ servers, placed }: Subject, report: Report): void {
  for (const { path, own, forward } of servers) {
    checkTarget([...path, "address"], own.address, forward, placed, report);
  }
}

/** Where every port, or a mark, is shared, a check has to be told what to look at. */
function checkPorts(
  { servers, placed, fields }: Subject,
  portChecks: readonly string[],
  report: Report,
): void {
  if (placed.length === 0 || placed.some(({ address }) => address.kind === "address" && address.port !== 0)) {
    return;
  }
  for (const { path, own } of servers) {
    if ((own.address.port ?? 0) !== 0) continue;
    const lost = (own.check ?? fields.check ?? []).map((check) => check("up")).find(({ type, options }) =>
      portChecks.includes(type) && options["connect_port"] === undefined && options["address"] === undefined
    );
    if (lost === undefined) continue;
    report(
      [...path, "address"],
      `its ${lost.type} check has no port to look at: give connect_port in the check`,
    );
  }
}

function checkSorryServer({ path, fields, placed }: Subject, report: Report): void {
  const { sorry_server: sorry, forward: inherited } = fields;
  if (sorry === undefined) return;
  const forward = ("forward" in sorry ? sorry.forward : undefined) ?? inherited;
  if (forward !== undefined) checkTarget([...path, "sorry_server"], sorry.address, forward, placed, report);
}

/** Where packets keep their port, the other end listens there; only a tunnel leads to another family. */
function checkTarget(
  path: Path,
  { family, port }: RealServerFields["address"],
  { method }: ForwardConfig,
  placed: readonly PlacedAddress[],
  report: Report,
): void {
  const families = [...new Set(placed.map(({ address }) => address.family))];
  const other = families.find((one) => one !== family);
  if (other !== undefined && method !== "tunnel") {
    report(
      path,
      `expected an IPv${other} address like the virtual server's (only forward = "tunnel" changes the family)`,
    );
  }
  if (port === undefined || port === 0) return;
  const isAny = placed.some(({ address }) => address.kind === "address" && address.port === 0);
  const ports = placed.flatMap(({ address }) => address.kind === "address" ? [address.port] : []);
  if (isAny) return report(path, "the virtual server has every port: expected an address without a port");
  if (method === "nat") return;
  if (ports.length < placed.length) {
    return report(
      path,
      `forward = "${method}" keeps the port of a marked packet: expected an address without a port`,
    );
  }
  const wrong = ports.find((one) => one !== port);
  if (wrong !== undefined) {
    report(
      path,
      `forward = "${method}" does not change the port: expected ${wrong} as the virtual server has, or no port`,
    );
  }
}

function checkTwins({ servers }: Subject, report: Report): void {
  const [endpoints, names] = [new Map<string, Path>(), new Map<string, Path>()];
  for (const { path, own, port } of servers) {
    const endpoint = `${own.address.address} ${port}`;
    const [twin, namesake] = [endpoints.get(endpoint), names.get(own.name ?? own.address.text)];
    if (twin !== undefined) report([...path, "address"], `is already ${formatPath(twin)}`, twin);
    else if (namesake !== undefined) {
      report(
        [...path, "name"],
        `${own.name ?? own.address.text} is already ${formatPath(namesake)}`,
        namesake,
      );
    }
    endpoints.set(endpoint, twin ?? path);
    names.set(own.name ?? own.address.text, namesake ?? path);
  }
}

function checkRouter(at: Path, name: string, { routerNames }: BalancePartially, report: Report): void {
  if (routerNames.includes(name)) return;
  report(at, `there is no [virtual_router.${formatPath([name])}]${didYouMean(name, routerNames)}`);
}

/** Each address and port, and each mark, is one virtual server's. */
function checkServices(subjects: readonly Subject[], report: Report): void {
  const owners = new Map<string, Path>();
  const told = new Set<string>();
  for (const { path, placed, fields } of subjects) {
    for (const { path: at, address } of placed) {
      const full = [...path, ...at];
      const key = keyOf(address, fields.protocol ?? "tcp");
      const first = owners.get(key);
      owners.set(key, first ?? full);
      if (first === undefined || told.has(formatPath(full))) continue;
      told.add(formatPath(full));
      report(full, `${key} is already ${formatPath(first)}`, first);
    }
  }
}

function keyOf(address: VirtualAddressConfig, protocol: string): string {
  if (address.kind === "fwmark") return `the IPv${address.family} mark ${address.fwmark}`;
  const host = address.family === 6 ? `[${address.address}]` : address.address;
  return `${protocol} ${host}:${address.port}`;
}

function checkDirectRouting(tables: BalancePartially["direct_routing"], report: Report): void {
  const owners = new Map<string, Path>();
  for (const [name, { addresses = [], interface: link = "lo" }] of Object.entries(tables)) {
    addresses.forEach((address, i) => {
      const at = ["direct_routing", name, "addresses", i];
      const first = owners.get(`${address}%${link}`);
      if (first !== undefined) report(at, `${address} is already ${formatPath(first)}`, first);
      owners.set(`${address}%${link}`, first ?? at);
    });
  }
}
