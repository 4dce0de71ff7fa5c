/** Programs that vipd runs: refused when others could change them; a recovery is tried, but not for ever. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Host } from "./lab.ts";
import { vipdRouter } from "./lab/routers.ts";
import { inLab, testTogether } from "./lab/scenario.ts";
import {
  check,
  launchVipd,
  reload,
  router,
  startVipd,
  status,
  vipdCommand,
  waitForState,
} from "./lab/vipd.ts";
import { PROGRAM_MS, waitFor } from "./lab/wait.ts";

const options = { nodes: { n1: ["192.0.2.1/24"] }, client: ["192.0.2.10/24"] };
const spec = {
  name: "V",
  vrid: 9,
  version: 3,
  priority: 100,
  intervalMs: 200,
  addresses: ["192.0.2.100/24"],
} as const;
const tracking = vipdRouter({ ...spec, vipdExtra: 'track = ["app"]' });

async function script(node: Host, name: string, text: string): Promise<string> {
  const path = `${node.directory}/${name}`;
  await Deno.writeTextFile(path, `#!/bin/sh\n${text}\n`);
  await Deno.chmod(path, 0o755);
  return path;
}

function exec(path: string, more = ""): string {
  return `[check.app]\ntype = "exec"\ncommand = ["${path}"]\ninterval = "200ms"\nrise = 1\n${more}${tracking}`;
}

async function unsafe(): Promise<void> {
  await inLab(options, async (lab) => {
    const n1 = lab.node("n1");
    const path = await script(n1, "app.sh", "exit 0");
    await Deno.chmod(path, 0o777);
    const complaint =
      `check.app.command[0]: ${path} is writable by everybody (owner root (0), mode 0777); chmod o-w ${path}`;

    // At the start, and to whoever asks: the same words.
    const refused = await launchVipd(n1, exec(path));
    assertEquals((await refused.child.exited).code === 0, false);
    assertStringIncludes(refused.child.output, complaint);
    const validate = [...vipdCommand(), "validate"].map((word) => `'${word}'`).join(" ");
    const said = await n1.exec(["sh", "-c", `! ${validate} '${refused.configFile}' 2>&1`]);
    assertStringIncludes(said, complaint);
    await n1.exec(["sh", "-c", `${validate} --any-host '${refused.configFile}'`]);

    await Deno.chmod(path, 0o755);
    const vipd = await startVipd(n1, exec(path));
    await waitForState(vipd, "V", "ACTIVE");
    // A reload to something that must not run changes nothing.
    await reload(vipd, exec(path).replace("app.sh", "missing.sh"));
    const error = await waitFor(
      "the reload to be refused",
      async () => (await status(vipd)).node.last_reload_error,
    );
    assertStringIncludes(error, `${n1.directory}/missing.sh does not exist`);
    await reload(vipd, exec(path, 'user = "no-such-user"\n'));
    await waitFor(
      "the user to be missed",
      async () =>
        (await status(vipd)).node.last_reload_error?.includes(
          "check.app.user: there is no user no-such-user",
        ),
    );
    assertEquals((await router(vipd, "V")).state, "ACTIVE");

    // What becomes unsafe later fails from then on, although its exit code would be 0.
    await Deno.chmod(path, 0o757);
    const faulted = await waitForState(vipd, "V", "FAULT");
    assertStringIncludes(faulted.reason, `not run: ${path} is writable by everybody`);
    await Deno.chmod(path, 0o755);
    await waitForState(vipd, "V", "ACTIVE");
  });
}

/** A service that lives as long as its process; `start.sh` starts it, once it is allowed to. */
async function recovery(): Promise<void> {
  await inLab(options, async (lab) => {
    const n1 = lab.node("n1");
    const pidFile = `${n1.directory}/service.pid`;
    const starts = `${n1.directory}/starts`;
    const service = `${n1.directory}/vtservice`;
    await Deno.copyFile("/bin/sleep", service);
    const start = await script(
      n1,
      "start.sh",
      `echo "$(id -un)" >> ${starts}
[ -e ${n1.directory}/broken ] && { echo "no such luck"; exit 7; }
setsid ${service} 300 > /dev/null 2>&1 < /dev/null &
echo $! > ${pidFile}
echo started`,
    );
    const kill = async (): Promise<void> =>
      void await n1.exec(["sh", "-c", `kill -9 $(cat ${pidFile})`], { mayFail: true });
    const started = async (): Promise<number> =>
      (await Deno.readTextFile(starts).catch(() => "")).split("\n").length - 1;
    const config = (limit: number): string =>
      `[check.app]\ntype = "process"\nmatch = "^${service} 300$"\ninterval = "200ms"\nrise = 1\ncontainers = true\n` +
      `recover = ["${start}"]\nrecover_timeout = "10s"\nrecover_limit = ${limit}\n${tracking}`;
    // It does not run at the start either: it is started before anything is decided.
    const vipd = await startVipd(n1, config(1));
    try {
      await waitForState(vipd, "V", "ACTIVE");
      assertEquals(await started(), 1);
      const { recoveries, recoveries_failed, last_recovery } = await check(vipd, "app");
      assertEquals([recoveries, recoveries_failed], [1, 0]);
      assertEquals([last_recovery?.helped, last_recovery?.exit_code, last_recovery?.output], [
        true,
        0,
        "started",
      ]);
      assertStringIncludes(vipd.child.output, "recovered by");

      // It dies again: that was all for this hour, so it fails, and nobody starts it.
      await kill();
      const faulted = await waitForState(vipd, "V", "FAULT");
      assertStringIncludes(faulted.reason, "recovered once within an hour");
      assertEquals(await started(), 1);
    } finally {
      await kill();
    }
  });
}

async function hopeless(): Promise<void> {
  await inLab(options, async (lab) => {
    const n1 = lab.node("n1");
    const mark = `${n1.directory}/mark`;
    await Deno.writeTextFile(mark, "");
    const start = await script(n1, "start.sh", `echo as $(id -un):$(id -gn), no such luck; exit 7`);
    const vipd = await startVipd(
      n1,
      `[check.file]\ntype = "file"\npath = "${mark}"\nexists = true\n[check.app]\ntype = "all_of"\nchecks = ["file"]\n` +
        `recover = ["/bin/sh", "-c", ". ${start}"]\nrecover_user = "daemon"\nrecover_group = "bin"\n${tracking}`,
    );
    await waitForState(vipd, "V", "ACTIVE");
    await Deno.remove(mark);
    const { reason } = await waitForState(vipd, "V", "FAULT");
    assertStringIncludes(reason, "exit code 7: as daemon:bin, no such luck");
    const { recoveries, recoveries_failed, last_recovery } = await check(vipd, "app");
    assertEquals([recoveries, recoveries_failed, last_recovery?.exit_code], [1, 1, 7]);
    const said = await n1.exec([...vipdCommand(), "status", "--socket", vipd.socket]);
    assertStringIncludes(
      said.replaceAll(/\s+/g, " "),
      "did not help (exit code 7: as daemon:bin, no such luck)",
    );
    const metrics = await n1.exec(["curl", "-s", "--unix-socket", vipd.socket, "http://vipd/metrics"]);
    assert(/vipd_check_recoveries_failed_total\{name="app",type="all_of"\} 1\n/.test(metrics), metrics);
    await waitFor("the log to tell of it", () => vipd.child.output.includes("recovering by"), PROGRAM_MS);
  });
}

testTogether("programs are run safely", [
  { name: "a script that others can change is refused: at the start, at a reload, and later", body: unsafe },
  { name: "a service is started before its check fails, and not for ever", body: recovery },
  { name: "a recovery that does not help says why, as whom it ran and how often", body: hopeless },
]);
