/** Mail: one each while they are few, one for all when they are many, and nothing lost without a word. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { MailConfig } from "../../mod/config/notify.ts";
import { Undeliverable } from "../../mod/notify/deliveries.ts";
import { type Mail, Mailer } from "../../mod/notify/mail.ts";
import type { SmtpOptions } from "../../mod/notify/smtp.ts";
import { waitFor } from "../e2e/lab/wait.ts";

const CONFIG: MailConfig = {
  server: { hostname: "127.0.0.1", port: 25 },
  tls: "auto",
  to: ["root"],
  timeout: 1_000,
  virtual_routers: true,
  real_servers: true,
};

interface Post {
  readonly mailer: Mailer;
  readonly sent: Mail[];
  readonly options: SmtpOptions[];
  readonly clock: { nowMs: number };
}

function post(refuse: () => Error | null = () => null, config = CONFIG): Post {
  const [sent, options]: [Mail[], SmtpOptions[]] = [[], []];
  const clock = { nowMs: 0 };
  const mailer = new Mailer(config, {
    send: (how, mail) => {
      const error = refuse();
      if (error !== null) return Promise.reject(error);
      options.push(how);
      sent.push(mail);
      return Promise.resolve();
    },
    node: "lb1",
    now: () => clock.nowMs,
    random: () => 0,
  });
  return { mailer, sent, options, clock };
}

function mail(i: number): Mail {
  return { subject: `[lb1] VRRP Instance VI_1 - Entering MASTER state ${i}`, body: `=> ${i} <=\n\nmore` };
}

Deno.test("a few mails go out as they are", async () => {
  const { mailer, sent } = post();
  for (let i = 0; i < 5; i++) mailer.tell(mail(i));
  await waitFor("all", () => sent.length === 5, 10_000);
  assertEquals(sent, [0, 1, 2, 3, 4].map(mail));
  assertEquals(mailer.status(), {
    server: "127.0.0.1:25",
    to: ["root"],
    queued: 0,
    delivered: 5,
    failed: 0,
    dropped: 0,
    last_problem: null,
  });
});

Deno.test("a storm becomes one mail that says how many it stands for", async () => {
  const { mailer, sent } = post();
  for (let i = 0; i < 1_000; i++) mailer.tell(mail(i));
  await waitFor("all", () => mailer.status().queued === 0, 10_000);
  assert(sent.length <= 2, `${sent.length} mails`);
  const counts = sent.map(({ subject }) => /^\[lb1\] (\d+) events$/.exec(subject)?.[1]).map(Number);
  assertEquals(counts.reduce((sum, count) => sum + count), 1_000);
  const { body } = sent.at(-1)!;
  assertMatch(body, /^500 things happened in a short time\. 400 of them are left out here\.\n/);
  assertMatch(body, /Entering MASTER state 999 {2}=> 999 <=$/);
  assertEquals(mailer.status().dropped, 499);
});

Deno.test("after a burst they wait and go together", async () => {
  const { mailer, sent, clock } = post();
  for (let i = 0; i < 20; i++) {
    mailer.tell(mail(i));
    await waitFor("it", () => sent.length === i + 1, 10_000);
  }
  mailer.tell(mail(20));
  mailer.tell(mail(21));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(sent.length, 20);
  clock.nowMs = 30_000;
  await mailer.stop(1_000);
  assertEquals(sent.slice(20).map(({ subject }) => subject), ["[lb1] 2 events"]);
});

Deno.test("a server that is not there is tried again; one that refuses is not", async () => {
  let failures = 1;
  const { mailer, sent } = post(() => failures-- > 0 ? new Error("connection refused") : null);
  mailer.tell(mail(1));
  await waitFor("a failure", () => mailer.status().last_problem === "connection refused", 10_000);
  await waitFor("it", () => sent.length === 1, 10_000);
  const refused = post(() => new Undeliverable("550 no such user"));
  refused.mailer.tell(mail(1));
  await waitFor("the end", () => refused.mailer.status().failed === 1, 10_000);
  assertEquals(refused.mailer.status().last_problem, "550 no such user");
});

Deno.test("the password is read each time, and is in no status and in no problem", async () => {
  const password_file = await Deno.makeTempFile();
  await Deno.writeTextFile(password_file, "hunter2\n");
  const { mailer, options } = post(() => null, { ...CONFIG, username: "vipd", password_file });
  mailer.tell(mail(1));
  await waitFor("it", () => options.length === 1, 10_000);
  assertEquals(options[0]!.password, "hunter2");
  await Deno.remove(password_file);
  mailer.tell(mail(2));
  await waitFor("a failure", () => mailer.status().last_problem !== null, 10_000);
  assertMatch(mailer.status().last_problem!, /^cannot read password_file: /);
  assertEquals(JSON.stringify(mailer.status()).includes("hunter2"), false);
  await mailer.suspend();
  assertEquals(mailer.waiting, [mail(2)]);
});
