/**
 * Who is told, end to end: scripts and FIFOs of keepalived users beside keepalived itself, split brains,
 * storms, reloads, upgrades and stops in the middle of a hook, mail over TLS.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { makeCertificates } from "../notify/certificates.ts";
import { startKeepalived } from "./lab/keepalived.ts";
import { keepalivedRouter, type RouterSpec, vipdRouter } from "./lab/routers.ts";
import { type Case, inLab, settled, testTogether } from "./lab/scenario.ts";
import { reload, router, startVipd, status, type Vipd, vipdCommand, waitForState } from "./lab/vipd.ts";
import { exists } from "./lab/files.ts";
import { type Host, type Lab, sleep, waitFor } from "./lab.ts";

const OPTIONS = {
  nodes: { n1: ["192.168.121.129/24"], n2: ["192.168.121.128/24"] },
  client: ["192.168.121.10/24"],
};

/** A directory that nobody else can write to: /tmp is none. */
async function withScripts(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ dir: "/run", prefix: "vipd-test-" });
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** As many write it: it takes keepalived's three arguments, and tells states apart. */
const NOTIFY = `#!/bin/bash
TYPE=$1
NAME=$2
STATE=$3
cd "$(dirname "$0")"
echo "$TYPE $NAME has transitioned to the $STATE state with a priority of $4" >> any.log
echo $STATE > state
case $STATE in
  "MASTER") touch is_master
            exit 0
            ;;
  "BACKUP") rm -f is_master
            exit 0
            ;;
  "FAULT" | "STOP" | "DELETED") rm -f is_master
            exit 0
            ;;
  *)        echo "unknown state $STATE"
            exit 1
            ;;
esac
`;

async function script(path: string, text: string): Promise<string> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
  return path;
}

async function read(path: string): Promise<string> {
  return exists(path) ? await Deno.readTextFile(path) : "";
}

function spec(node: Host, changes: Partial<RouterSpec> = {}): RouterSpec {
  const priority = node.name === "n1" ? 150 : 100;
  const addresses = ["192.168.121.120/24"];
  return { name: "VI_1", vrid: 51, version: 3, priority, intervalMs: 200, addresses, ...changes };
}

/** Each hook writes its name, what keepalived would have given it, and why it runs. */
async function logging(directory: string, keys: readonly string[]): Promise<string> {
  const path = await script(
    `${directory}/log.sh`,
    `#!/bin/sh\necho "$* | $VIPD_EVENT" >> "$(dirname "$0")/log"\n`,
  );
  const hooks = keys.map((key) => `${key} = [${JSON.stringify(path)}, ${JSON.stringify(key)}]`);
  return `notify = { ${hooks.join(", ")} }`;
}

/** The same life beside keepalived: the same scripts hear the same, and the FIFO has the same octets. */
async function likeKeepalived(lab: Lab): Promise<void> {
  await withScripts(async (root) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const [ours, theirs] = [`${root}/vipd`, `${root}/keepalived`];
    for (const directory of [ours, theirs]) {
      await Deno.mkdir(directory);
      await script(`${directory}/notify.sh`, NOTIFY);
      await script(`${directory}/own.sh`, '#!/bin/sh\necho "$# $1" >> "$(dirname "$0")/own.log"\n');
    }
    const states = { master: "active", backup: "backup", fault: "fault", stop: "stop" };
    const own = (directory: string, word: string): string => `"${directory}/own.sh", "${word}"`;
    const vipdExtra = `notify = { any = ["${ours}/notify.sh"], ${
      Object.entries(states).map(([word, key]) => `${key} = [${own(ours, word)}]`).join(", ")
    } }`;
    const keepalivedExtra = [
      `notify "${theirs}/notify.sh"`,
      ...Object.keys(states).map((word) => `notify_${word} "${theirs}/own.sh ${word}"`),
    ].join("\n");
    const fifos = { [ours]: "fifo", [theirs]: "fifo" };
    for (const [directory, name] of Object.entries(fifos)) {
      await lab.client.exec(["mkfifo", "-m", "600", `${directory}/${name}`]);
      lab.client.spawn("reader", ["sh", "-c", `exec cat <>${directory}/fifo >${directory}/fifo.log`]);
    }
    const theirSpec = spec(n1, {
      vrid: 52,
      addresses: ["192.168.121.121/24"],
      priority: 100,
      keepalivedExtra,
    });
    const globals =
      `global_defs {\nscript_user root\nenable_script_security\nvrrp_notify_fifo ${theirs}/fifo\n}\n`;
    const keepalived = await startKeepalived(n1, globals + keepalivedRouter(theirSpec));
    const toml = `[notify]\nfifos = [{ path = "${ours}/fifo" }]\n${vipdRouter(spec(n2, { vipdExtra }))}`;
    const vipd = await startVipd(n2, toml);
    const both = async (state: string): Promise<void> => {
      for (const directory of [ours, theirs]) {
        const has = async (): Promise<boolean> => (await read(`${directory}/state`)).trim() === state;
        await waitFor(`${directory} to be told ${state}`, has);
      }
    };
    await both("MASTER");
    await waitFor("the mark of a master", () => exists(`${ours}/is_master`));
    for (const node of [n1, n2]) await lab.pullCable(node);
    await both("FAULT");
    for (const node of [n1, n2]) await lab.plugCable(node);
    await both("MASTER");
    await Promise.all([vipd.child.stop(), keepalived.stop()]);
    await both("STOP");
    const lines = async (directory: string, file: string): Promise<string[]> =>
      (await read(`${directory}/${file}`)).trimEnd().split("\n");
    const told = await lines(ours, "any.log");
    assertEquals(told.at(0), "INSTANCE VI_1 has transitioned to the BACKUP state with a priority of 100");
    assertEquals(told.map((line) => line.split(" ")[6]), [
      "BACKUP",
      "MASTER",
      "FAULT",
      "BACKUP",
      "MASTER",
      "STOP",
    ]);
    // keepalived starts its scripts all at once: their order is chance.
    assertEquals(told.toSorted(), (await lines(theirs, "any.log")).toSorted());
    assertEquals((await lines(ours, "own.log")).toSorted(), (await lines(theirs, "own.log")).toSorted());
    assertEquals(await read(`${ours}/fifo.log`), await read(`${theirs}/fifo.log`));
  });
}

/** Both were active: who stays runs its active hook again, be the loser vipd or keepalived. */
async function healed(lab: Lab, loser: "vipd" | "keepalived"): Promise<void> {
  await withScripts(async (directory) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const vipdExtra = await logging(directory, ["active", "backup", "any", "lower_priority"]);
    const log = async (): Promise<string[]> => (await read(`${directory}/log`)).trimEnd().split("\n");
    if (loser === "vipd") await startVipd(n2, vipdRouter(spec(n2)));
    // Without this keepalived may step down without a word, and nobody knows that it has been active.
    else {await startKeepalived(
        n2,
        keepalivedRouter(spec(n2, { keepalivedExtra: "higher_prio_send_advert true" })),
      );}
    await waitFor("the loser to serve", () => n2.holds("192.168.121.120"));
    const vipd = await startVipd(n1, vipdRouter(spec(n1, { vipdExtra })));
    await waitForState(vipd, "VI_1", "ACTIVE");
    await waitFor("the loser to yield", async () => !await n2.holds("192.168.121.120"));
    await waitFor("its hooks", async () => (await log()).includes("any INSTANCE VI_1 MASTER 150 | active"));
    // A preemption is no split brain, whatever the preempted one still says.
    await sleep(2_000);
    assertEquals((await log()).filter((line) => /healed|lower_priority/.test(line)), []);
    await lab.cut(n2);
    await waitFor("two active routers", () => n2.holds("192.168.121.120"));
    await sleep(1_000);
    await lab.heal(n2);
    await waitFor("the end of it", async () => !await n2.holds("192.168.121.120"));
    const events = await waitFor("the hooks of the end", async () => {
      const lines = await log();
      return lines.includes("any INSTANCE VI_1 MASTER 150 | healed") ? lines : undefined;
    });
    const [heard, ...rest] = events.slice(events.indexOf("any INSTANCE VI_1 MASTER 150 | active") + 1);
    assertEquals(heard, "lower_priority | lower_priority");
    assertEquals(rest, ["active | healed", "any INSTANCE VI_1 MASTER 150 | healed"]);
  });
}

interface Process {
  readonly pid: number;
  readonly state: string;
}

/** What the daemon has started and not buried. */
function childrenOf(pid: number): Process[] {
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    try {
      const stat = /^\d+$/.test(name) ? Deno.readTextFileSync(`/proc/${name}/stat`) : "";
      const [state = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(parent) === pid ? [{ pid: Number(name), state }] : [];
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return [];
    }
  });
}

function descriptorsOf(pid: number): number {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
}

/** The routers that are shaken; each change of the check moves all of them. */
const SHAKEN = [61, 62, 63, 64, 65, 66];

/** 100 transitions a second for ten seconds, while another virtual router has an address to keep. */
async function storm(lab: Lab): Promise<void> {
  await withScripts(async (directory) => {
    const [n1, n2] = [lab.node("n1"), lab.node("n2")];
    const hooks = await logging(directory, ["any"]);
    const flag = `${directory}/flag`;
    await Deno.writeTextFile(flag, "0\n");
    const quiet = { name: "VI_1" };
    const check = `[check.flag]\ntype = "file"\npath = "${flag}"\nrise = 1\nfall = 1\n`;
    const vipdExtra = `track = ["flag"]\nhandover = { enabled = false }\n${hooks}`;
    const shaken = SHAKEN.map((vrid) =>
      vipdRouter(spec(n1, { name: `S${vrid}`, vrid, addresses: [`192.168.121.${vrid}/24`], vipdExtra }))
    );
    const vipd = await startVipd(n1, [vipdRouter(spec(n1, quiet)), ...shaken, check].join("\n"));
    const peer = await startVipd(n2, vipdRouter(spec(n2, quiet)));
    await settled("VI_1", vipd, [peer]);
    for (const vrid of SHAKEN) await waitForState(vipd, `S${vrid}`, "ACTIVE");
    const fds = descriptorsOf(vipd.child.pid);
    await n1.exec(["python3", "-c", SHAKE, flag]);
    for (const vrid of SHAKEN) await waitForState(vipd, `S${vrid}`, "FAULT");
    const { virtual_routers } = await waitFor("quiet again", async () => {
      const now = await status(vipd);
      const idle = now.virtual_routers.flatMap(({ hooks }) => hooks).every(({ state }) => state === "idle");
      return idle ? now : undefined;
    });
    const lines = (await read(`${directory}/log`)).trimEnd().split("\n").map((line) => line.split(" "));
    let told = 0;
    for (const { name, hooks: [any] } of virtual_routers) {
      if (any === undefined) continue;
      const words = lines.filter(([, , who]) => who === name).map(([, , , word]) => word);
      assertEquals([words.length, any.failures, any.last?.problem], [any.runs, 0, null]);
      assertEquals(words.at(-1), "FAULT", `the last state of ${name} is told`);
      told += any.runs + any.coalesced;
    }
    assert(told > 150, `only ${told} transitions in ten seconds`);
    assertEquals(childrenOf(vipd.child.pid), []);
    await waitFor("the descriptors", () => descriptorsOf(vipd.child.pid) <= fds + 2);
    const { counters } = await router(peer, "VI_1");
    assertEquals(counters["became_active"], 0, "the peer of the quiet one noticed");
  });
}

const SHAKE = `
import sys, time
end = time.time() + 10
i = 0
while time.time() < end:
  i += 1
  open(sys.argv[1], "w").write(f"{i % 2}\\n")
  time.sleep(0.01)
open(sys.argv[1], "w").write("1\\n")
`;

async function hooksOf(vipd: Vipd): Promise<Awaited<ReturnType<typeof router>>["hooks"]> {
  return (await router(vipd, "VI_1")).hooks;
}

/** A reload changes programs, and removes a router; an upgrade waits for what runs. */
async function changes(lab: Lab): Promise<void> {
  await withScripts(async (directory) => {
    const n1 = lab.node("n1");
    const log = async (): Promise<string> => await read(`${directory}/log`);
    const keys = ["active", "backup", "stop", "deleted", "any"];
    const vipdExtra = await logging(directory, keys);
    const keeper = vipdRouter(spec(n1, { name: "VI_2", vrid: 52, addresses: ["192.168.121.121/24"] }));
    const vipd = await startVipd(n1, keeper);
    await reload(vipd, keeper + vipdRouter(spec(n1, { vipdExtra })));
    await waitFor("active", async () => (await log()).includes("any INSTANCE VI_1 MASTER 150 | active"));
    await reload(vipd, keeper);
    await waitFor("deleted", async () => (await log()).includes("any INSTANCE VI_1 DELETED 150 | deleted"));
    assert(!(await log()).includes("stop"), "what is deleted is not stopped as well");
    const slow = await script(
      `${directory}/slow.sh`,
      `#!/bin/sh\necho "begun $3" >> ${directory}/slow\nsleep 2\necho "done $3 $PPID" >> ${directory}/slow\n`,
    );
    await reload(vipd, keeper + vipdRouter(spec(n1, { vipdExtra: `notify = { any = ["${slow}"] }` })));
    await waitFor("the slow one", async () => (await read(`${directory}/slow`)).includes("begun MASTER"));
    const { pid } = vipd.child;
    await n1.exec([...vipdCommand(), "upgrade", "--socket", vipd.socket]);
    await waitFor("the next program", async () => (await status(vipd)).node.last_upgrade !== null);
    const lines = (await read(`${directory}/slow`)).trimEnd().split("\n");
    assertEquals(lines, ["begun BACKUP", `done BACKUP ${pid}`, "begun MASTER", `done MASTER ${pid}`]);
    assertEquals(childrenOf(pid).filter(({ state }) => state === "Z"), []);
    assertEquals((await hooksOf(vipd)).map(({ hook, runs }) => [hook, runs]), [["any", 2]]);
  });
}

/** A stop is bounded whatever hooks do, and the last one still has its turn. */
async function stops(lab: Lab): Promise<void> {
  await withScripts(async (directory) => {
    const n1 = lab.node("n1");
    const hang = await script(
      `${directory}/hang.sh`,
      "#!/bin/sh\ntrap '' TERM\nsleep 600 & wait\nsleep 600\n",
    );
    const vipdExtra =
      `notify = { active = ["${hang}"], stop = ["/bin/sh", "-c", "echo told > ${directory}/told"] }`;
    const toml = `[notify]\nshutdown = ["/bin/sh", "-c", "echo down > ${directory}/down"]\n`;
    const vipd = await startVipd(n1, toml + vipdRouter(spec(n1, { vipdExtra })));
    await waitFor("the hook", async () => (await hooksOf(vipd)).some(({ state }) => state === "running"));
    const { code } = await vipd.child.stop();
    assertEquals([code, await read(`${directory}/told`), await read(`${directory}/down`)], [
      0,
      "told\n",
      "down\n",
    ]);
  });
}

/** Takes nothing without TLS and a password. (OpenSMTPD of Debian 12 breaks off every TLS handshake.) */
const AIOSMTPD = `
import asyncio, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult
cert, key, box = sys.argv[1:]
class Handler:
    async def handle_DATA(self, server, session, envelope):
        with open(box, "ab") as file:
            file.write(b"secured by %s\\n" % session.ssl["cipher"][1].encode())
            file.write(envelope.content)
        return "250 taken"
def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (b"vipd", b"hunter2"), handled=False)
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(cert, key)
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asked = dict(tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate)
loop.run_until_complete(loop.create_server(lambda: SMTP(Handler(), **asked), "127.0.0.1", 2525))
loop.run_forever()
`;

/** To a server that insists on TLS and a password. */
async function mails(lab: Lab): Promise<void> {
  await withScripts(async (directory) => {
    const n1 = lab.node("n1");
    makeCertificates(directory);
    for (const [name, text] of Object.entries({ password: "hunter2\n", wrong: "hunter3\n", py: AIOSMTPD })) {
      await Deno.writeTextFile(`${directory}/${name}`, text);
    }
    const [cert, key, ca] = ["cert", "key", "ca"].map((name) => `${directory}/${name}.pem`);
    n1.spawn("aiosmtpd", ["/usr/bin/python3", `${directory}/py`, cert!, key!, `${directory}/box`]);
    const mail = (password: string): string =>
      `[mail]\nserver = "127.0.0.1:2525"\nto = ["ops@example.org"]\nvirtual_routers = true
tls = "starttls"\nca = "${ca}"\nusername = "vipd"\npassword_file = "${directory}/${password}"\n`;
    const vipd = await startVipd(n1, mail("wrong") + vipdRouter(spec(n1)));
    await waitForState(vipd, "VI_1", "ACTIVE");
    await waitFor("the refusals", async () => {
      const { mail } = (await status(vipd)).notify;
      return mail !== null && mail.failed === 2 && /535/.test(mail.last_problem ?? "");
    });
    assertEquals(JSON.stringify(await status(vipd)).includes("hunter"), false);
    await reload(vipd, mail("password") + vipdRouter(spec(n1)));
    await waitFor("the reload", async () => (await status(vipd)).notify.mail?.failed === 0);
    await lab.pullCable(n1);
    const box = await waitFor("the mail", async () => {
      const text = await read(`${directory}/box`);
      return text.includes("owning VRRP VIPs <=") ? text : undefined;
    });
    assertMatch(box, /^secured by TLSv1/m);
    assertMatch(box, /^Subject: \[n1\] VRRP Instance VI_1 - Entering FAULT state\r?$/m);
    assertMatch(box, /^=> VRRP Instance is no longer owning VRRP VIPs <=\r?$/m);
  });
}

const ROWS: readonly (readonly [string, (lab: Lab) => Promise<void>])[] = [
  ["existing scripts and FIFO readers hear what keepalived's hear", likeKeepalived],
  ["a split brain ends: active hooks run again (vipd loses)", (lab) => healed(lab, "vipd")],
  ["a split brain ends: active hooks run again (keepalived loses)", (lab) => healed(lab, "keepalived")],
  ["a reload changes them, an upgrade waits for them", changes],
  ["a stop is bounded, and told", stops],
  ["mail over STARTTLS with a password", mails],
];

/** They mostly wait. */
testTogether(
  "who is told",
  ROWS.map(([name, body]): Case => ({ name, body: () => inLab(OPTIONS, body) })),
  6,
);

Deno.test("a storm: 100 transitions a second for ten seconds", () => inLab(OPTIONS, storm));
