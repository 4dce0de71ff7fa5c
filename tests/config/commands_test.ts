/** Programs that could not run on this host are warnings at their place in the file, and nothing more. */
import { assertEquals } from "@std/assert";
import { loadToRun, loadWithWarnings } from "../../mod/config/load.ts";
import { formatProblem, type Problem } from "../../mod/errors.ts";
import { inMemory } from "./fixture.ts";

const ROUTER = `[virtual_router.a]
interface = "eth0"
vrid = 51
addresses = ["192.0.2.1/24"]
track = ["app"]
`;
const MISSING = (program: string): string | undefined =>
  program.startsWith("/bin/") ? undefined : `${program} does not exist`;

async function warningsOf(check: string, inspectCommand = MISSING): Promise<string[]> {
  const options = { ...inMemory({ "vipd.toml": ROUTER + check }), inspectCommand };
  const told = (problems: readonly Problem[]): string[] => problems.map(formatProblem);
  const warnings = told((await loadWithWarnings("vipd.toml", options)).warnings);
  assertEquals(told((await loadToRun("vipd.toml", options)).warnings), warnings);
  return warnings;
}

Deno.test("a program that cannot run is a warning: a check's own, and its recovery", async () => {
  assertEquals(
    await warningsOf(`[check.app]
type = "run"
command = ["/etc/app.sh", "/no/matter"]
recover = ["/etc/start.sh"]
`),
    [
      "vipd.toml:8:12: check.app.command[0]: the check will fail on this host: /etc/app.sh does not exist",
      "vipd.toml:9:12: check.app.recover[0]: the recovery will fail on this host: /etc/start.sh does not exist",
    ],
  );
});

Deno.test("what can run is no warning, and only the options that a check type names hold a program", async () => {
  assertEquals(await warningsOf(`[check.app]\ntype = "run"\ncommand = ["/bin/true"]\n`), []);
  assertEquals(await warningsOf(`[check.app]\ntype = "web"\nurl = "http://a/"\nrecover = ["/bin/a"]\n`), []);
});

Deno.test("programs of virtual servers: of their checks, once, and of their hooks", async () => {
  const run = (program: string): string => `{ type = "run", command = ["${program}"] }`;
  assertEquals(
    await warningsOf(`[check.app]
type = "run"
command = ["/bin/true"]
[virtual_server.v]
address = "192.0.2.1:80"
check = ${run("/etc/look.sh")}
notify = { quorum_up = ["/bin/true"], down = ["/etc/down.sh", "x"] }
[[virtual_server.v.real_server]]
address = "192.0.2.2:80"
[[virtual_server.v.real_server]]
address = "192.0.2.3:80"
[[virtual_server.v.real_server]]
address = "192.0.2.4:80"
check = [${run("/bin/true")}, ${run("/etc/own.sh")}]
`),
    [
      "vipd.toml:11:9: virtual_server.v.check: the check will fail on this host: /etc/look.sh does not exist",
      "vipd.toml:11:9: virtual_server.v.check: the check will fail on this host: /etc/own.sh does not exist",
      "vipd.toml:12:47: virtual_server.v.notify.down[0]: " +
      "nobody will be told on this host: /etc/down.sh does not exist",
    ],
  );
});

Deno.test("the real exec check names its program, and the real host is asked", async () => {
  const files = { "vipd.toml": `${ROUTER}[check.app]\ntype = "exec"\ncommand = ["/no/such/program"]\n` };
  const { readFile, listDirectory } = inMemory(files);
  const { warnings } = await loadToRun("vipd.toml", { readFile: readFile!, listDirectory: listDirectory! });
  assertEquals(warnings.map(formatProblem), [
    "vipd.toml:8:12: check.app.command[0]: the check will fail on this host: /no does not exist",
  ]);
});

Deno.test("programs that are told: of virtual routers, of the daemon, of FIFOs", async () => {
  assertEquals(
    await warningsOf(`notify = { active = ["/etc/up.sh"], any = ["/bin/true"] }
[check.app]
type = "run"
command = ["/bin/true"]
[notify]
startup = ["/etc/start.sh"]
fifos = [{ path = "/run/f" }, { path = "/run/g", command = ["/etc/read.sh"] }]
`),
    [
      "vipd.toml:6:22: virtual_router.a.notify.active[0]: nobody will be told on this host: /etc/up.sh does not exist",
      "vipd.toml:11:12: notify.startup[0]: it will not run on this host: /etc/start.sh does not exist",
      "vipd.toml:12:61: notify.fifos[1].command[0]: nobody will read the FIFO on this host: /etc/read.sh does not exist",
    ],
  );
});
