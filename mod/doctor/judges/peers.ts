/** The other nodes as the operator has shown them: their files, or their running daemons. PURE. */
import { type Facts, type PeerFacts, type RouterFacts, routersOf } from "../facts.ts";
import { type Finding, problem, warning } from "../finding.ts";

export function judgePeerNodes(facts: Facts): Finding[] {
  return facts.peers.flatMap((peer) => [
    ...(peer.problem === null ? [] : [problem(peer.name, "it cannot be compared", [peer.problem])]),
    ...peer.comparison.map((text) =>
      warning(peer.name, text, [], [`vipd validate ${facts.configFile} ${peer.name}`])
    ),
    ...routersOf(facts).flatMap((router) => judgeRunning(router, peer)),
  ]);
}

/** What the peer's daemon does, against what this node is configured to do. */
function judgeRunning({ name, config }: RouterFacts, { name: peer, status }: PeerFacts): Finding[] {
  const family = config.family === 4 ? "ipv4" : "ipv6";
  const own = config.addresses.map(({ address }) => address);
  const there = status?.virtual_routers.find((other) =>
    other.family === family &&
    (other.name === name || other.addresses.some(({ address }) => own.includes(address.split("/")[0]!)))
  );
  if (there === undefined) return [];
  const advertised = there.addresses.filter((one) => one.advertised).map(({ address }) =>
    address.split("/")[0]!
  );
  const compared = [
    ["vrid", config.vrid, there.vrid],
    ["version", config.version, there.version],
    ["addresses", own.toSorted().join(", "), advertised.toSorted().join(", ")],
  ] as const;
  const findings = compared.filter(([, here, other]) => here !== other).map(([key, here, other]) =>
    problem(name, `${peer} has another ${key}`, [`here: ${here}`, `there: ${other}`], [
      `# the same ${key} in both files`,
    ])
  );
  if (there.state === "ACTIVE" && there.advertisement_interval_ms !== config.advertisement_interval) {
    const evidence = [
      `here: ${config.advertisement_interval} ms`,
      `there: ${there.advertisement_interval_ms} ms`,
    ];
    const tell = config.version === 2 ? problem : warning;
    findings.push(tell(name, `${peer} has another advertisement_interval`, evidence, [
      "# the same advertisement_interval in both files",
    ]));
  }
  if (there.base_priority === config.priority) {
    const evidence = [`both have ${config.priority}: the higher address decides`];
    findings.push(
      warning(name, `${peer} has the same priority`, evidence, ["# another priority on one of the nodes"]),
    );
  }
  return findings;
}
