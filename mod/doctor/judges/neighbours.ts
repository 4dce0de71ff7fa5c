/** Other programs on this host that look after the same interfaces or the same addresses. PURE. */
import { type Facts, routersOf } from "../facts.ts";
import { type Finding, note, problem, warning } from "../finding.ts";

export function judgeNeighbours(facts: Facts): Finding[] {
  return [...judgeKeepalived(facts), ...judgeManagers(facts)];
}

function judgeKeepalived(facts: Facts): Finding[] {
  const running = facts.services.filter(({ name }) => name === "keepalived");
  if (running.length === 0) return [];
  const ours = routersOf(facts).map(({ config }) => config.vrid);
  const shared = [...new Set(running.flatMap(({ vrids }) => vrids).filter((vrid) => ours.includes(vrid)))];
  const evidence = [`processes ${running.map(({ pid }) => pid).join(", ")}`];
  const fix = ["systemctl disable --now keepalived"];
  if (shared.length > 0) {
    const message = `keepalived runs on this host with the same VRID ${
      shared.join(", ")
    }: the two fight over the addresses`;
    return [problem("keepalived", message, evidence, fix)];
  }
  return [
    note(
      "keepalived",
      "keepalived runs on this host too, as far as is known with other VRIDs",
      evidence,
      fix,
    ),
  ];
}

function judgeManagers({ managers }: Facts): Finding[] {
  return managers.flatMap(({ manager, interface: name, file, keeps }): Finding[] => {
    if (manager === "NetworkManager") {
      const message =
        "NetworkManager manages it, and may take foreign addresses away when it activates a connection anew";
      const evidence = ["vipd puts them back within milliseconds, and counts it (addresses_restored)"];
      return [
        note(name, message, evidence, [
          `nmcli device set ${name} managed no   # if you configure it by other means`,
        ]),
      ];
    }
    if (keeps) return [];
    const message =
      "systemd-networkd manages it, and takes foreign addresses away when it is restarted or reconfigures it";
    const evidence = [
      `${file || "its .network file"} has no KeepConfiguration=`,
      "vipd puts them back within milliseconds",
    ];
    return [warning(name, message, evidence, [
      `mkdir -p ${
        file === "" ? "/etc/systemd/network/NAME.network" : `/etc/systemd/network/${file.split("/").at(-1)}`
      }.d`,
      "# in a .conf file there: [Network] KeepConfiguration=static   (netplan: the same file, named after its own)",
      "# for routing rules of others: ManageForeignRoutingPolicyRules=no in /etc/systemd/networkd.conf",
      "networkctl reload",
    ])];
  });
}
