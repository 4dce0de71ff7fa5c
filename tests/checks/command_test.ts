/** Programs of the configuration: found, refused when others could change them, run with a reason. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { CheckType } from "../../checks/check.ts";
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
  return verdict(check, options, user === undefined ? {} : { runAs: { user } });
}

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
    /^not run: .*open is writable by everybody/,
  );
  assertMatch(
    await probe(exec, script("lost", "#!/no/such\n")),
    /^not run: .*lost is run by \/no\/such: \/no does not exist/,
  );
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
