/** The daemon: whether it runs, what it may do, and what it says itself is wrong. PURE. */
import { type Facts, routersOf } from "../facts.ts";
import { type Finding, note, problem, warning } from "../finding.ts";

/** Numbers of capabilities(7). */
const NEEDED = { CAP_NET_ADMIN: 12n, CAP_NET_RAW: 13n } as const;
/** A clock that was set so far tells times that never were. */
const FAR_MS = 60_000;
const PEER_FAR_MS = 5_000;

export function judgeDaemon(facts: Facts): Finding[] {
  const { status, configProblem, configFile, commandProblems } = facts;
  const findings: Finding[] = [];
  if (configProblem !== null) {
    findings.push(problem(configFile, "the configuration cannot be used", configProblem.split("\n"), [
      `vipd validate ${configFile}`,
    ]));
  }
  for (const text of commandProblems) findings.push(problem(configFile, "a command cannot be run", [text]));
  if (status === null) return findings;
  return [...findings, ...judgeNode(facts), ...judgePermissions(facts), ...judgeRouters(facts)];
}

function judgeNode({ status, config }: Facts): Finding[] {
  const { node } = status!;
  const findings: Finding[] = [];
  if (node.engine === "stalled" || node.engine === "stopped") {
    findings.push(problem("vipd", `its VRRP thread is ${node.engine}`, [], ["systemctl restart vipd"]));
  }
  if (node.last_reload_error !== null) {
    const message = "the last reload was refused: it runs with an older configuration than the file";
    findings.push(warning("vipd", message, node.last_reload_error.split("\n"), [
      `vipd validate ${node.config_file}`,
      "vipd reload",
    ]));
  }
  if (node.state_file.problem !== null) {
    const message = "what an operator orders to last cannot be kept";
    findings.push(warning(node.state_file.path, message, [node.state_file.problem], [
      `ls -ld ${node.state_file.path}`,
      `df -h ${node.state_file.path}`,
    ]));
  }
  if (node.maintenance !== null) {
    const until = node.maintenance.until ?? "it is ended";
    findings.push(
      note("vipd", `maintenance until ${until}: this node stays out`, [], ["vipd maintenance off"]),
    );
  }
  if (!node.realtime && config?.node.realtime === true) {
    const message = "no real-time scheduling: on a busy host advertisements may be late";
    findings.push(note("vipd", message, ["journalctl -u vipd says why"], [
      "# systemd: LimitRTPRIO=50 and AmbientCapabilities=CAP_SYS_NICE in the unit",
      "# in a container: a real-time share for its cgroup, or node.realtime = false",
    ]));
  }
  return findings;
}

function judgePermissions({ daemon }: Facts): Finding[] {
  if (daemon === null) return [];
  const missing = Object.entries(NEEDED).filter(([, bit]) => (daemon.capabilities >> bit & 1n) === 0n)
    .map(([name]) => name);
  if (missing.length === 0) return [];
  const message = `it runs without ${
    missing.join(" and ")
  }: it can neither send advertisements nor set addresses`;
  return [problem("vipd", message, [`process ${daemon.pid}, user ${daemon.uid}`], [
    `# in the unit: AmbientCapabilities=${missing.join(" ")}, or User=root`,
    "systemctl cat vipd",
  ])];
}

/** Who does not take part says why; a check that cannot bind to an address is helped by a parameter. */
function judgeRouters(facts: Facts): Finding[] {
  return routersOf(facts).flatMap(({ name, status }): Finding[] => {
    if (status === null) return [note(name, "the running daemon does not know it", [], ["vipd reload"])];
    if (status.state === "FAULT") return [problem(name, `FAULT: ${status.reason}`, [], ["vipd status"])];
    if (status.state === "INIT" && facts.status?.node.maintenance === null) {
      return [warning(name, `INIT: ${status.reason}`, [], ["vipd status"])];
    }
    if (status.held_back !== null) {
      return [note(name, `does not take over: ${status.held_back}`, [], [`vipd handover ${name} --back`])];
    }
    return [];
  });
}

/** Nothing in VRRP needs the time of day; logs, certificates and the comparison of nodes do. */
export function judgeClock({ clock, daemon, peers }: Facts): Finding[] {
  const findings: Finding[] = [];
  if (clock.synchronised === false) {
    findings.push(
      note("clock", "the clock is not synchronised: logs of several nodes cannot be compared", [], [
        "systemctl enable --now systemd-timesyncd   # or chrony",
      ]),
    );
  }
  const movedMs = daemon?.clockMovedMs ?? 0;
  if (Math.abs(movedMs) > FAR_MS) {
    const way = movedMs > 0 ? "forward" : "back";
    const seconds = Math.round(Math.abs(movedMs) / 1000);
    findings.push(
      note("clock", `it was set ${way} by ${seconds} s since vipd started: its older times are off`),
    );
  }
  for (const { name, clockAheadMs } of peers) {
    if (clockAheadMs === null || Math.abs(clockAheadMs) < PEER_FAR_MS) continue;
    const ahead = `${Math.round(Math.abs(clockAheadMs) / 1000)} s ${
      clockAheadMs > 0 ? "ahead of" : "behind"
    } this one`;
    findings.push(warning("clock", `the clock of ${name} is ${ahead}`, [], [
      "timedatectl   # on both nodes",
    ]));
  }
  return findings;
}
