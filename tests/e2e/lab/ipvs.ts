/** The IPVS table of a node, as ipvsadm and the kernel's own files tell it. */
import type { Host } from "../lab.ts";

/** `ipvsadm -Sn`, a line each, sorted: every service and destination as the command that makes it. */
export async function ipvsTable(node: Host): Promise<string[]> {
  return sorted(await node.exec(["ipvsadm", "-Sn"]));
}

/** A table as one would write it down: empty lines and indentation do not count. */
export function sorted(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => line !== "").sort();
}

/** Its connections as `ipvsadm -Lnc` lists them: protocol, expiry, state, client, service, real server. */
export async function ipvsConnections(node: Host): Promise<string[]> {
  return (await node.exec(["ipvsadm", "-Lnc"])).split("\n").slice(2).map((line) => line.replace(/\s+/g, " "));
}
