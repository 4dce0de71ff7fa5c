/** `vipd explain` against a daemon and against files. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { createApi, serveApi } from "../../mod/api/mod.ts";
import { explain } from "../../mod/cli/explain.ts";
import { merge } from "../../mod/cli/explain_parties.ts";
import { renderExplanation } from "../../mod/cli/explain_view.ts";
import { UsageError } from "../../mod/errors.ts";
import type { Explanation } from "../../mod/explain/explain.ts";
import type { Snapshot, SyncGroupStatus } from "../../mod/snapshot.ts";
import { check, fakeContext, router, snapshot } from "../api/fixture.ts";
import { party } from "../explain/fixture.ts";
import { fakeIo } from "./fake_io.ts";

const SILENT = { info: (): void => {}, error: (): void => {} };

function toml(priority: number, track: string, more = ""): string {
  return `[virtual_router.VI_1]
interface = "eth0"
vrid = 51
priority = ${priority}
addresses = ["192.168.121.120/24"]
track = [${track}]
${more}
[check.uplink]
type = "interface"
interface = "eth1"
[check.nginx]
type = "nginx"
`;
}

/** What is printed, with these files at hand and a daemon that has this status. */
async function run(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  changes: Partial<Snapshot> = {},
): Promise<{ code: number; out: string; err: string }> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-explain-" });
  const socket = `${directory}/vipd.sock`;
  const current = snapshot(changes);
  const app = createApi(fakeContext({ snapshot: () => Promise.resolve(current) }));
  const server = await serveApi(app, [{ kind: "unix", path: socket }], SILENT);
  const io = fakeIo();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}`, text);
    const placed = args.map((arg) => arg in files ? `${directory}/${arg}` : arg);
    const isOffline = args.includes("--config");
    const code = await explain([...placed, ...(isOffline ? [] : ["--socket", socket])], io);
    const plain = (lines: readonly string[]): string => lines.join("\n").replaceAll(`${directory}/`, "");
    return { code, out: plain(io.stdout), err: plain(io.stderr) };
  } finally {
    await server.stop();
    await Deno.remove(directory, { recursive: true });
  }
}

async function explanationsOf(
  args: readonly string[],
  files: Readonly<Record<string, string>> = {},
  changes: Partial<Snapshot> = {},
): Promise<Explanation[]> {
  const { out } = await run([...args, "--json"], files, changes);
  return (JSON.parse(out) as { explanations: Explanation[] }).explanations;
}

Deno.test("vipd explain: the running daemon, with the answer first", async () => {
  const { code, out } = await run(["VI_1", "--pass", "uplink", "--fail", "nginx"]);
  assertEquals(code, 0);
  const [answer, active, here] = out.split("\n");
  assertMatch(
    answer!,
    /^With nginx failing, uplink passing VI_1 moves to 192\.168\.121\.12 within 3\.7 s, served here until then: FAULT/,
  );
  assertEquals(active, "VI_1 is ACTIVE on lb1: priority 80 is the highest, 192.168.121.12 has 70");
  assertMatch(here!, /^lb1 is ACTIVE for .*: no advertisement for 3\.6 s$/);
  assertMatch(out, /uplink {2}down {2}weight -20 {2}is failing/);
  assertMatch(out, /192\.168\.121\.12 {2}\(heard .* ago\)/);
  assertMatch(out, /\n {2}uplink passing +VI_1 stays on lb1: the priority rises from 80 to 100, still above/);
});

Deno.test("vipd explain: a peer's file takes the place of the router that was heard", async () => {
  const peers = { "lb2.toml": toml(90, '{ check = "uplink", weight = -30 }') };
  const [explanation] = await explanationsOf(["VI_1", "--peer", "lb2.toml", "--fail", "nginx"], peers);
  assertEquals(
    explanation!.routers.map(({ name, known_by, effective_priority }) => [
      name.replace(/.*\//, ""),
      known_by,
      effective_priority,
    ]),
    [["lb1", "status", 80], ["lb2.toml", "file", 90]],
  );
  assertMatch(explanation!.answer, /lb2\.toml/);
});

Deno.test("vipd explain: a backup knows whom it hears; one that resigned says nothing", async () => {
  const backup = router({
    state: "BACKUP",
    active_router: "192.168.121.12",
    peers: [{
      ...router().peers[0]!,
      priority: 120,
    }],
  });
  const [explanation] = await explanationsOf(["VI_1"], {}, { virtual_routers: [backup] });
  assertEquals(explanation!.now.active, "192.168.121.12");
  assertEquals(
    explanation!.answer,
    "VI_1 is ACTIVE on 192.168.121.12: priority 120 is the highest, lb1 has 80",
  );
  const resigned = router({ peers: [{ ...router().peers[0]!, priority: 0 }] });
  const [alone] = await explanationsOf(["VI_1"], {}, { virtual_routers: [resigned] });
  assertEquals(alone!.routers.length, 1);
});

Deno.test("vipd explain: offline, what `vipd validate` says of the same files", async () => {
  const files = {
    "lb1.toml": toml(110, '{ check = "nginx", weight = -2 }, "uplink"'),
    "lb2.toml": toml(100, '"nginx", "uplink"', "version = 2"),
  };
  const { out } = await run(["VI_1", "--config", "lb1.toml", "--peer", "lb2.toml"], files);
  assertStringIncludes(
    out,
    "nginx failing alone on lb1.toml can never move the addresses: weight -2 leaves priority 108, still above the " +
      "100 of lb2.toml; weight -11 would, or no weight (FAULT)",
  );
  assertStringIncludes(
    out,
    "lb2.toml: version: 2, but 3 in lb1.toml: packets of another version are discarded",
  );
});

Deno.test("vipd explain: both families of one virtual router, and all members of a group", async () => {
  const both = toml(100, "").replace(
    '["192.168.121.120/24"]',
    '["192.168.121.120/24", "fd00::120/64"]',
  );
  const families = await explanationsOf(["VI_1", "--config", "lb1.toml"], { "lb1.toml": both });
  assertEquals(families.map(({ virtual_router, group }) => [virtual_router, group?.others]), [
    ["VI_1/ipv4", ["VI_1/ipv6"]],
    ["VI_1/ipv6", ["VI_1/ipv4"]],
  ]);
  const other = { interface: "eth1", vrid: 52, name: "VI_2", sync_group: "G" };
  const members = ["VI_1", "VI_2"];
  const group: SyncGroupStatus = {
    name: "G",
    state: "ACTIVE",
    since: snapshot().at,
    reason: "",
    members,
    hooks: [],
    contributions: [],
  };
  const routers = [router({ sync_group: "G" }), router({ ...other, contributions: [] })];
  const groups = { virtual_routers: routers, sync_groups: [group] };
  for (const [name, expected] of [["G", ["VI_1", "VI_2"]], ["VI_2", ["VI_2"]]] as const) {
    const explanations = await explanationsOf([name], {}, groups);
    assertEquals(explanations.map(({ virtual_router }) => virtual_router), [...expected]);
  }
  const { out } = await run(["VI_2", "--fail", "nginx"], {}, groups);
  assertMatch(out, /^With nginx failing VI_2 moves to 192\.168\.121\.12 within/);
  assertStringIncludes(
    out,
    "VI_2 moves with VI_1 (sync group G): what keeps one of them from serving keeps all",
  );
});

Deno.test("vipd explain refuses what it does not understand, with what it knows", async () => {
  const bad: [string[], string][] = [
    [["VI_2"], 'There is no virtual router "VI_2" (did you mean "VI_1"?): VI_1'],
    [
      ["VI_1", "--fail", "ngnix"],
      'VI_1 does not track "ngnix" (did you mean "nginx"?): it tracks nginx, uplink',
    ],
    [["VI_1", "--fail", "nginx", "--pass", "nginx"], "nginx cannot both --fail and --pass"],
    [["VI_1", "--peer", "lb9.toml"], "lb9.toml has no virtual router with VRID 51"],
  ];
  const files = { "lb9.toml": toml(100, "").replace("vrid = 51", "vrid = 52") };
  for (const [args, message] of bad) {
    const error = await assertRejects(() => run(args, files), UsageError);
    assertStringIncludes(error.message.replaceAll(/\/\S*\//g, ""), message);
  }
  for (
    const args of [[], ["--fail", "nginx"], ["VI_1", "--config", "x", "--socket", "y"], [
      "VI_1",
      "--fail",
      "",
    ]]
  ) {
    await assertRejects(() => explain([...args], fakeIo()), UsageError);
  }
  const { code, err } = await run(["VI_1", "--peer", "lb3.toml"], { "lb3.toml": "[virtual_router.VI_1]\n" });
  assertEquals(code, 2);
  assertStringIncludes(err, "lb3.toml");
});

Deno.test("merge(): a host whose file is given is not another one because it was heard", () => {
  const file = (name: string, priority: number, source?: string) => ({
    party: party(name, { priority }),
    source,
  });
  const heard = (name: string, priority: number) => party(name, { priority, knownBy: "advertisements" });
  const names = (merged: ReturnType<typeof merge>): string[] => merged.others.map(({ name }) => name);
  assertEquals(names(merge([], [heard("10.0.0.2", 100)])), ["10.0.0.2"]);
  const one = merge([file("lb2", 90)], [heard("10.0.0.2", 100)]);
  assertEquals([names(one), one.nameOf("10.0.0.2"), one.nameOf("10.0.0.9")], [["lb2"], "lb2", null]);
  const two = merge([file("lb2", 90), file("lb3", 80, "10.0.0.2")], [
    heard("10.0.0.2", 90),
    heard("10.0.0.3", 7),
  ]);
  assertEquals([names(two), two.nameOf("10.0.0.2"), two.nameOf("10.0.0.3")], [["lb2", "lb3"], "lb3", "lb2"]);
  const more = merge([file("lb2", 90)], [heard("10.0.0.3", 7), heard("10.0.0.2", 90)]);
  assertEquals([names(more), more.nameOf("10.0.0.3")], [["lb2", "10.0.0.3"], "10.0.0.3"]);
});

Deno.test("renderExplanation() fits a narrow terminal, and foreign text stays text", async () => {
  const files = {
    "lb1.toml": toml(110, '{ check = "nginx", weight = -2 }, "uplink"'),
    "lb2.toml": toml(100, ""),
  };
  const [explanation] = await explanationsOf(["VI_1", "--config", "lb1.toml", "--peer", "lb2.toml"], files);
  const lines = renderExplanation({ ...explanation!, answer: "a\x1b[2Jb" }, {
    width: 60,
    color: false,
    at: "2026-11-20T06:00:00.000Z",
  }).split("\n");
  assertEquals(lines[0], "a [2Jb");
  assertEquals(lines.filter((line) => line.length > 60), []);
});

/** The virtual router tracks a check that follows one that follows the two. */
const MADE_OF = `[check.web]
type = "all_of"
checks = ["inner", "uplink"]
[check.inner]
type = "any_of"
checks = ["nginx", "spare"]
[check.spare]
type = "interface"
interface = "eth2"
`;

Deno.test("explain: a check that others are made of fails them, as the daemon would", async () => {
  const file = { "a.toml": toml(100, '"web"', MADE_OF) };
  const said = async (...fail: string[]): Promise<string> =>
    (await run(["VI_1", "--config", "a.toml", ...fail.flatMap((check) => ["--fail", check])], file)).out;
  assertStringIncludes(await said("uplink"), "With web failing");
  assertEquals(await said("nginx"), await said());
  assertEquals(await said("nginx", "spare"), await said("uplink"));
  await assertRejects(() => said("nginz"), UsageError, 'does not track "nginz" (did you mean "nginx"?)');
});

Deno.test("explain: of a running daemon the states of the others count", async () => {
  const part = { weight: null, reverse: false, contribution: 0, reason: "" };
  const status = (nginx: "up" | "down"): Partial<Snapshot> => ({
    virtual_routers: [router({ contributions: [{ check: "two", state: "up", ...part }] })],
    checks: [
      check({ name: "two", type: "quorum", state: "up", follows: { checks: ["a", "b", "nginx"], need: 2 } }),
      check({ name: "a", state: "up" }),
      check({ name: "b", state: "up" }),
      check({ name: "nginx", state: nginx }),
    ],
  });
  const faultsIn = async (changes: Partial<Snapshot>): Promise<boolean> =>
    (await run(["VI_1", "--fail", "a"], {}, changes)).out.includes("With two failing");
  assertEquals([await faultsIn(status("up")), await faultsIn(status("down"))], [false, true]);
});
