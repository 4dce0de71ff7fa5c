/** Programs that must not run here, and users that do not exist, are errors at their place in the file. */
import { assertEquals } from "@std/assert";
import type { RunAs } from "../../checks/check.ts";
import type { InspectCommand, NamedCommand } from "../../mod/config/commands.ts";
import { type LoadOptions, loadToRun, loadWithWarnings } from "../../mod/config/load.ts";
import { formatProblem } from "../../mod/errors.ts";
import { errorOf, inMemory } from "./fixture.ts";

const ROUTER = `[virtual_router.a]
interface = "eth0"
vrid = 51
addresses = ["192.0.2.1/24"]
track = ["app"]
`;
const missing = ({ argv: [program = ""] }: NamedCommand): string | undefined =>
  program.startsWith("/bin/") ? undefined : `${program} does not exist`;
const users = ["root", "nobody"];
const account = ({ user = "root", group = "root" }: RunAs): string | undefined => {
  if (!users.includes(user)) return `there is no user ${user}`;
  return group === "root" ? undefined : `there is no group ${group}`;
};

/** What a daemon is told, and validate: the same. */
async function errorsOf(check: string, inspectCommand: InspectCommand = missing): Promise<string[]> {
  const options = { ...inMemory({ "vipd.toml": ROUTER + check }), inspectCommand, inspectAccount: account };
  const { warnings, commands } = await loadWithWarnings("vipd.toml", options);
  assertEquals(warnings, []);
  const loading = loadToRun("vipd.toml", options);
  assertEquals(
    commands.length === 0 ? [...(await loading).warnings] : (await errorOf(loading)).problems,
    commands,
  );
  return commands.map(formatProblem);
}

Deno.test("a program that must not run is an error: a check's own, and its recovery", async () => {
  assertEquals(
    await errorsOf(`[check.app]
type = "run"
command = ["/etc/app.sh", "/no/matter"]
recover = ["/etc/start.sh"]
`),
    [
      "vipd.toml:8:12: check.app.command[0]: /etc/app.sh does not exist",
      "vipd.toml:9:12: check.app.recover[0]: /etc/start.sh does not exist",
    ],
  );
});

Deno.test("what can run is no error, and only the options that a check type names hold a program", async () => {
  assertEquals(await errorsOf(`[check.app]\ntype = "run"\ncommand = ["/bin/true"]\n`), []);
  assertEquals(await errorsOf(`[check.app]\ntype = "web"\nurl = "http://a/"\nrecover = ["/bin/a"]\n`), []);
});

Deno.test("a program is judged with its arguments and for the user and group that it runs as", async () => {
  const judged: NamedCommand[] = [];
  await errorsOf(
    `[check.app]
type = "run"
command = ["sh", "/x"]
user = "nobody"
recover = ["systemctl", "start", "app"]
recover_group = "root"
[virtual_server.v]
address = "192.0.2.1:80"
check = { type = "run", command = ["/bin/true"], user = "nobody", group = "root" }
notify = { up = ["/bin/up"], user = "nobody" }
[[virtual_server.v.real_server]]
address = "192.0.2.2:80"
`,
    (command) => {
      judged.push(command);
      return undefined;
    },
  );
  const half = judged.length / 2;
  assertEquals(judged.slice(0, half), judged.slice(half));
  assertEquals(judged.slice(0, half), [
    { argv: ["sh", "/x"], user: "nobody" },
    { argv: ["systemctl", "start", "app"], group: "root" },
    { argv: ["/bin/true"], user: "nobody", group: "root" },
    { argv: ["/bin/up"], user: "nobody" },
  ]);
});

Deno.test("a user or a group that does not exist is an error at its key, also where nothing runs", async () => {
  assertEquals(
    await errorsOf(`[check.app]
type = "web"
url = "http://a/"
user = "alice"
recover = ["/etc/missing"]
recover_user = "bob"
recover_group = "root"
[virtual_server.v]
address = "192.0.2.1:80"
notify = { group = "audio" }
[[virtual_server.v.real_server]]
address = "192.0.2.2:80"
check = { type = "run", command = ["/bin/true"], group = "staff" }
`),
    [
      "vipd.toml:9:8: check.app.user: there is no user alice",
      "vipd.toml:11:16: check.app.recover_user: there is no user bob",
      "vipd.toml:13:2: virtual_server.v.check.group: there is no group staff",
      "vipd.toml:15:20: virtual_server.v.notify.group: there is no group audio",
    ],
  );
});

Deno.test("programs of virtual servers: of their checks, once, and of their hooks", async () => {
  const run = (program: string): string => `{ type = "run", command = ["${program}"] }`;
  assertEquals(
    await errorsOf(`[check.app]
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
      "vipd.toml:11:9: virtual_server.v.check: /etc/look.sh does not exist",
      "vipd.toml:11:9: virtual_server.v.check: /etc/own.sh does not exist",
      "vipd.toml:12:47: virtual_server.v.notify.down[0]: /etc/down.sh does not exist",
    ],
  );
});

Deno.test("the real exec check names its program, and the real host is asked", async () => {
  const text = `${ROUTER}[check.app]\ntype = "exec"\ncommand = ["/no/such/program"]\nuser = "no-such-user"\n`;
  const options = (text: string): LoadOptions => {
    const { readFile, listDirectory } = inMemory({ "vipd.toml": text });
    return { readFile: readFile!, listDirectory: listDirectory! };
  };
  const told = async (text: string): Promise<string[]> =>
    (await errorOf(loadToRun("vipd.toml", options(text)))).problems.map(formatProblem);
  assertEquals(await told(text), ["vipd.toml:9:8: check.app.user: there is no user no-such-user"]);
  assertEquals(await told(text.replace("no-such-user", "nobody")), [
    "vipd.toml:8:12: check.app.command[0]: /no does not exist",
  ]);
});

Deno.test("programs that are told: of virtual routers, of the daemon, of FIFOs, and whom they run as", async () => {
  const text = `notify = { group = "video", active = ["/etc/up.sh"], any = ["/bin/true"] }
[check.app]
type = "run"
command = ["/bin/true"]
[notify]
startup = ["/etc/start.sh"]
group = "audio"
user = "nobody"
fifos = [{ path = "/run/f" }, { path = "/run/g", command = ["/etc/read.sh"] }]
`;
  assertEquals(await errorsOf(text), [
    "vipd.toml:6:20: virtual_router.a.notify.group: there is no group video",
    "vipd.toml:12:9: notify.group: there is no group audio",
  ]);
  assertEquals(await errorsOf(text.replace("video", "root").replace("audio", "root")), [
    "vipd.toml:6:38: virtual_router.a.notify.active[0]: /etc/up.sh does not exist",
    "vipd.toml:11:12: notify.startup[0]: /etc/start.sh does not exist",
    "vipd.toml:14:61: notify.fifos[1].command[0]: /etc/read.sh does not exist",
  ]);
});

Deno.test("programs of sync groups, and of virtual routers of both families, at their place", async () => {
  const text = `
[virtual_router.both]
interface = "eth0"
vrid = 52
addresses = ["192.0.2.7/24", "2001:db8::7/64"]
notify = { any = ["/etc/both.sh"] }
[sync_group.g]
members = ["a", "both"]
notify = { fault = ["/etc/fault.sh"] }
[check.app]
type = "run"
command = ["/bin/true"]
`;
  const told = (await errorsOf(text)).filter((line) => line.includes("does not exist"));
  assertEquals(told, [
    "vipd.toml:11:19: virtual_router.both.notify.any[0]: /etc/both.sh does not exist",
    "vipd.toml:14:21: sync_group.g.notify.fault[0]: /etc/fault.sh does not exist",
  ]);
});
