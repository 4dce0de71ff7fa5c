/** Programs of the configuration: found, refused when others could change them, run with a reason. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { CheckType } from "../../checks/check.ts";
import { findProgram, inspectCommand } from "../../checks/command.ts";
import { curl } from "../../checks/curl.ts";
import { exec } from "../../checks/exec.ts";
import { Peer } from "./peer.ts";
import { verdict } from "./verdict.ts";

/** A directory that only root can write to, all the way up; /tmp is not one. */
function makeDirectory(): string {
  return Deno.makeTempDirSync({ dir: "/run", prefix: "vipd-test-" });
}

function write(path: string, mode: number, text = "#!/bin/sh\nexit 0\n"): string {
  Deno.writeTextFileSync(path, text);
  Deno.chmodSync(path, mode);
  return path;
}

function probe(check: CheckType, options: Record<string, unknown>, user?: string): Promise<string> {
  return verdict(check, options, user === undefined ? {} : { user });
}

Deno.test("inspectCommand: what is fine", () => {
  const directory = makeDirectory();
  Deno.chmodSync(directory, 0o755);
  const script = write(`${directory}/check.sh`, 0o755);
  assertEquals(inspectCommand(script), undefined);
  assertEquals(inspectCommand("sh"), undefined);
  assertEquals(findProgram("sh"), ["/usr/bin/sh", "/bin/sh"].find((path) => findProgram("sh") === path));
  // Somebody's own script: others still cannot change it.
  Deno.chownSync(script, 65534, 65534);
  Deno.chmodSync(script, 0o755);
  assertEquals(inspectCommand(script), undefined);
  // Writable by the group of root.
  Deno.chownSync(script, 0, 0);
  Deno.chmodSync(script, 0o775);
  assertEquals(inspectCommand(script), undefined);
  Deno.symlinkSync(script, `${directory}/link`);
  assertEquals(inspectCommand(`${directory}/link`), undefined);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("inspectCommand: what is refused, and which component is to blame", () => {
  const directory = makeDirectory();
  Deno.chmodSync(directory, 0o755);
  const inspect = (program: string): string | undefined =>
    inspectCommand(program)?.replaceAll(directory, "DIR");
  const writable = "is writable by others than its owner and root";

  assertEquals(inspect(`${directory}/absent/check.sh`), "DIR/absent does not exist");
  assertEquals(
    inspect("no-such-program"),
    "no-such-program is not found in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  );
  assertEquals(
    inspect("scripts/check.sh"),
    "scripts/check.sh is a relative path; give an absolute one, or a bare name",
  );
  assertEquals(inspect(directory), "DIR is not a file");
  assertEquals(
    inspect(write(`${directory}/plain`, 0o644)),
    "DIR/plain is not executable (mode 0644, group 0)",
  );
  assertEquals(inspect(`${directory}/plain/check.sh`), "DIR/plain/check.sh does not exist");
  Deno.symlinkSync(`${directory}/ring`, `${directory}/ring`);
  assertEquals(
    inspect(`${directory}/ring`)?.startsWith(
      "DIR/ring cannot be examined: too many levels of symbolic links",
    ),
    true,
  );
  assertMatch(inspect("/a\0b") ?? "", /cannot be examined: file name contained an unexpected NUL byte/);
  assertEquals(inspect(write(`${directory}/world`, 0o757)), `DIR/world ${writable} (mode 0757, group 0)`);

  const group = write(`${directory}/group`, 0o775);
  Deno.chownSync(group, 0, 65534);
  Deno.chmodSync(group, 0o775);
  assertEquals(inspect(group), `DIR/group ${writable} (mode 0775, group 65534)`);

  Deno.mkdirSync(`${directory}/open`);
  const inside = write(`${directory}/open/check.sh`, 0o755);
  // The sticky bit lets nobody replace a file that is there, but anybody put one where none is.
  Deno.chmodSync(`${directory}/open`, 0o1777);
  assertEquals(inspect(inside), `DIR/open ${writable} (mode 1777, group 0)`);
  Deno.symlinkSync(inside, `${directory}/link`);
  assertEquals(inspect(`${directory}/link`), `DIR/open ${writable} (mode 1777, group 0)`);
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("exec: passes, fails with the exit code and the last line, is refused, cannot start", async () => {
  const directory = makeDirectory();
  Deno.chmodSync(directory, 0o755);
  const script = (name: string, text: string, mode = 0o755): { command: string[] } => ({
    command: [write(`${directory}/${name}`, mode, text), "an argument"],
  });
  assertEquals(await probe(exec, script("good", "#!/bin/sh\necho $1; exit 0\n")), "pass: an argument");
  assertEquals(await probe(exec, script("silent", "#!/bin/sh\nexit 4\n")), "exit code 4");
  assertEquals(
    await probe(exec, script("bad", "#!/bin/sh\necho a; echo 'b c' >&2; exit 2\n")),
    "exit code 2: b c",
  );
  assertEquals(await probe(exec, script("killed", "#!/bin/sh\nkill -SEGV $$\n")), "ended by SIGSEGV");
  assertMatch(
    await probe(exec, script("open", "#!/bin/sh\n", 0o777)),
    /^not run: .*open is writable by others/,
  );
  assertMatch(await probe(exec, script("lost", "#!/no/such\n")), /^cannot run .*lost: failed to spawn/);
  assertEquals(await probe(exec, { command: ["id", "-un"] }, "nobody"), "pass: nobody");
  Deno.removeSync(directory, { recursive: true });
});

const weights: [code: number, pass: string][] = [
  [0, "pass: "],
  [1, "exit code 1"],
  [2, "pass with weight 0: exit code 2"],
  [102, "pass with weight 100: exit code 102"],
  [255, "pass with weight 253: exit code 255"],
];

Deno.test("exec: with weight_from_exit an exit code above 1 is a weight; a signal is a failure", async () => {
  for (const [code, expected] of weights) {
    const command = ["sh", "-c", `exit ${code}`];
    assertEquals(await probe(exec, { command, weight_from_exit: true }), expected);
    assertEquals(await probe(exec, { command }), code === 0 ? "pass: " : `exit code ${code}`);
  }
  const killed = { command: ["sh", "-c", "kill -9 $$"], weight_from_exit: true };
  assertEquals(await probe(exec, killed), "ended by SIGKILL");
});

Deno.test("curl: the host's curl judges, and says why", async () => {
  await using good = new Peer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  await using bad = new Peer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
  assertEquals(await probe(curl, { args: ["-sfL", "--connect-timeout", "3", good.url] }), "pass: ");
  assert(good.requests[0]?.includes("User-Agent: curl/"));
  assertEquals(
    await probe(curl, { args: ["-sfL", bad.url] }),
    "exit code 22: curl: (22) The requested URL returned error: 503",
  );
});
