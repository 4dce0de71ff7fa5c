/**
 * Who is run with which arguments: as keepalived 2.2.7 runs its scripts, seen in a namespace, row by row.
 */
import { assertEquals } from "@std/assert";
import { load } from "../config/fixture.ts";
import { hookAccount } from "../../mod/hook_account.ts";
import { callsOf, type RouterNews } from "../../mod/notify/router_hooks.ts";
import { KEEPALIVED_STATES, stateLine, stateMail, type Subject } from "../../mod/notify/words.ts";

const HOOKS = { active: ["m"], backup: ["b"], fault: ["f"], stop: ["s"], deleted: ["d"], any: ["n", "own"] };
const { notify } = (await load(`
  [virtual_router.VI_1]
  interface = "lo"
  vrid = 51
  notify = ${`{ ${
  Object.entries({ ...HOOKS, lower_priority: ["l"] }).map(([key, argv]) => `${key} = ${JSON.stringify(argv)}`)
    .join(", ")
} }`}`)).virtual_router["VI_1"]!;

const ROUTER: Subject = { kind: "virtual_router", name: "VI_1", priority: 100 };
const GROUP: Subject = { kind: "sync_group", name: "G", priority: 100 };

/** What happens, and what keepalived runs then, with its arguments, and the line of its FIFO. */
const ROWS: readonly (readonly [Subject, RouterNews, string[], string])[] = [
  [
    ROUTER,
    { type: "state", from: "INIT", to: "BACKUP" },
    ["b", "n own INSTANCE VI_1 BACKUP 100"],
    'INSTANCE "VI_1" BACKUP 100',
  ],
  [
    ROUTER,
    { type: "state", from: "BACKUP", to: "ACTIVE" },
    ["m", "n own INSTANCE VI_1 MASTER 100"],
    'INSTANCE "VI_1" MASTER 100',
  ],
  [
    ROUTER,
    { type: "state", from: "ACTIVE", to: "FAULT" },
    ["f", "n own INSTANCE VI_1 FAULT 100"],
    'INSTANCE "VI_1" FAULT 100',
  ],
  [
    ROUTER,
    { type: "state", from: "ACTIVE", to: "INIT" },
    ["s", "n own INSTANCE VI_1 STOP 100"],
    'INSTANCE "VI_1" STOP 100',
  ],
  [ROUTER, { type: "deleted" }, ["d", "n own INSTANCE VI_1 DELETED 100"], 'INSTANCE "VI_1" DELETED 100'],
  [ROUTER, { type: "lower_priority" }, ["l"], 'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 100'],
  [
    GROUP,
    { type: "state", from: "BACKUP", to: "ACTIVE" },
    ["m", "n own GROUP G MASTER 0"],
    'GROUP "G" MASTER 0',
  ],
  [
    GROUP,
    { type: "state", from: "ACTIVE", to: "BACKUP" },
    ["b", "n own GROUP G BACKUP 0"],
    'GROUP "G" BACKUP 0',
  ],
  [
    GROUP,
    { type: "state", from: "ACTIVE", to: "FAULT" },
    ["f", "n own GROUP G FAULT 0"],
    'GROUP "G" FAULT 0',
  ],
  [GROUP, { type: "state", from: "ACTIVE", to: "INIT" }, ["s", "n own GROUP G STOP 0"], 'GROUP "G" STOP 0'],
];

const TOLD = { hooks: notify, defaults: {}, node: "lb1", reason: "because" };

for (const [subject, news, expected, line] of ROWS) {
  Deno.test(`${line}: scripts and FIFOs hear what keepalived's hear`, () => {
    assertEquals(callsOf(subject, news, TOLD).map(({ argv }) => argv.join(" ")), expected);
    const word = news.type === "state"
      ? KEEPALIVED_STATES[news.to]
      : news.type === "deleted"
      ? "DELETED"
      : "MASTER_RX_LOWER_PRI";
    assertEquals(stateLine(subject, word), line);
  });
}

Deno.test("after a split brain who stays ACTIVE runs its active programs again", () => {
  const calls = callsOf(ROUTER, { type: "healed" }, TOLD);
  assertEquals(calls.map(({ argv }) => argv.join(" ")), ["m", "n own INSTANCE VI_1 MASTER 100"]);
  assertEquals(calls.map(({ env }) => env["VIPD_EVENT"]), ["healed", "healed"]);
});

Deno.test("the environment says what the arguments leave out", () => {
  const [call] = callsOf(ROUTER, { type: "state", from: "BACKUP", to: "ACTIVE" }, TOLD);
  assertEquals(call!.env, {
    VIPD_NODE: "lb1",
    VIPD_VIRTUAL_ROUTER: "VI_1",
    VIPD_EVENT: "active",
    VIPD_STATE: "ACTIVE",
    VIPD_FROM: "BACKUP",
    VIPD_PRIORITY: "100",
    VIPD_REASON: "because",
  });
  const [group] = callsOf(GROUP, { type: "deleted" }, TOLD);
  assertEquals(group!.env, {
    VIPD_NODE: "lb1",
    VIPD_SYNC_GROUP: "G",
    VIPD_EVENT: "deleted",
    VIPD_STATE: "INIT",
    VIPD_REASON: "because",
  });
});

Deno.test("mails have keepalived's subjects and sentences", () => {
  const mail = (subject: Subject, state: "MASTER" | "BACKUP" | "FAULT" | "STOP"): string[] =>
    Object.values(stateMail("lb1", subject, state) ?? {});
  assertEquals(mail(ROUTER, "MASTER"), [
    "[lb1] VRRP Instance VI_1 - Entering MASTER state",
    "=> VRRP Instance is now owning VRRP VIPs <=",
  ]);
  assertEquals(mail(ROUTER, "FAULT"), [
    "[lb1] VRRP Instance VI_1 - Entering FAULT state",
    "=> VRRP Instance is no longer owning VRRP VIPs <=",
  ]);
  assertEquals(mail(ROUTER, "STOP"), ["[lb1] VRRP Instance VI_1 - Stopping", "=> VRRP Instance stopping <="]);
  assertEquals(mail(GROUP, "BACKUP"), [
    "[lb1] VRRP Group G - Entering BACKUP state",
    "=> All VRRP group instances are now in BACKUP state <=",
  ]);
});

Deno.test("who names a user does not get the group of another one", () => {
  const defaults = { user: "keepalived_script", group: "ops" };
  assertEquals(hookAccount({}, defaults), defaults);
  assertEquals(hookAccount({ user: "nobody" }, defaults), { user: "nobody" });
  assertEquals(hookAccount({ group: "adm" }, defaults), { user: "keepalived_script", group: "adm" });
  assertEquals(hookAccount({ user: "nobody", group: "adm" }, defaults), { user: "nobody", group: "adm" });
  assertEquals(hookAccount({}, {}), {});
});
