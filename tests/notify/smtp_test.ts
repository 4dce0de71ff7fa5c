/** One mail to one server: envelope and headers, refusals, silence, TLS and passwords. */
import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { Undeliverable } from "../../mod/notify/deliveries.ts";
import { sendMail, type SmtpOptions } from "../../mod/notify/smtp.ts";
import { makeCertificates } from "./certificates.ts";
import { type SmtpScript, SmtpServer } from "./smtp_server.ts";

const MAIL = { subject: "[lb1] VRRP Instance VI_1 - Entering MASTER state", body: "=> now <=\n\nbecause" };
const NEVER = new AbortController().signal;

async function withServer(
  script: SmtpScript,
  work: (
    server: SmtpServer,
    send: (more?: Partial<SmtpOptions>, signal?: AbortSignal) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const server = new SmtpServer(script);
  const options: SmtpOptions = {
    server: { hostname: "127.0.0.1", port: server.port },
    tls: "auto",
    to: ["root@localhost", "ops@example.org"],
    timeout: 5_000,
    virtual_routers: true,
    real_servers: true,
  };
  try {
    await work(
      server,
      (more = {}, signal = NEVER) => sendMail("lb1.example.org", { ...options, ...more }, MAIL, signal),
    );
  } finally {
    await server.close();
  }
}

// The library keeps what it has loaded, and the runtime a handle for it.
const LIBRARY = { sanitizeResources: false, sanitizeOps: false } as const;

Deno.test(
  "sendMail() hands in one mail, to all recipients",
  LIBRARY,
  () =>
    withServer({}, async (server, send) => {
      await send();
      assertEquals(server.commands.slice(0, 5), [
        "EHLO lb1.example.org",
        "MAIL FROM:<vipd@lb1.example.org>",
        "RCPT TO:<root@localhost>",
        "RCPT TO:<ops@example.org>",
        "DATA",
      ]);
      const [message = ""] = server.messages;
      assertMatch(message, /^Subject: \[lb1\] VRRP Instance VI_1 - Entering MASTER state$/m);
      assertMatch(message, /^X-Mailer: vipd$/m);
      assertMatch(message, /^Auto-Submitted: auto-generated$/m);
      assertMatch(message, /^Date: /m);
      assertMatch(message, /\n\n=> now <=\n\nbecause/);
      await send({ from: "lb@example.org", helo_name: "here" });
      assertStringIncludes(server.commands.join("\n"), "EHLO here\nMAIL FROM:<lb@example.org>");
    }),
);

Deno.test("sendMail() tells what will never work from what may work later", LIBRARY, async () => {
  await withServer({ replies: { RCPT: "550 no such user" } }, async (_, send) => {
    await assertRejects(() => send(), Undeliverable, "550 no such user");
  });
  await withServer({ replies: { MAIL: "451 try later" } }, async (_, send) => {
    const error = await assertRejects(() => send(), Error, "451 try later");
    assertEquals(error instanceof Undeliverable, false);
  });
});

Deno.test(
  "sendMail() does not wait for ever for a server that says nothing",
  LIBRARY,
  () =>
    withServer({ isMute: true }, async (_, send) => {
      const error = await assertRejects(() => send({ timeout: 200 }), Error);
      assertMatch(error.message, /Greeting never received|Timeout/);
      const end = new AbortController();
      const sending = send({ timeout: 60_000 }, end.signal);
      setTimeout(() => end.abort(new Error("vipd stops")), 50);
      await assertRejects(() => sending, Error, "vipd stops");
    }),
);

Deno.test("sendMail() shows no password where TLS is missing", LIBRARY, async () => {
  await withServer({ extensions: ["AUTH PLAIN"] }, async (server, send) => {
    await assertRejects(
      () => send({ tls: "starttls", username: "vipd", password: "hunter2", timeout: 500 }),
      Error,
    );
    assertEquals(server.commands.some((line) => line.startsWith("AUTH")), false);
    await send({ tls: "none", username: "vipd", password: "hunter2" });
    assertEquals(server.commands.some((line) => line.startsWith("AUTH PLAIN")), true);
  });
  await withServer({ extensions: ["AUTH PLAIN"], replies: { AUTH: "535 wrong" } }, async (_, send) => {
    const error = await assertRejects(() => send({ username: "vipd", password: "hunter2" }), Undeliverable);
    assertEquals(error.message.includes("hunter2"), false);
  });
});

Deno.test("sendMail() under TLS trusts whom it is told to, and nobody else", LIBRARY, async () => {
  const directory = await Deno.makeTempDir();
  makeCertificates(directory);
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) =>
    Deno.readTextFileSync(`${directory}/${name}`)
  ) as [string, string, string];
  await withServer({ tls: { cert, key }, extensions: ["AUTH PLAIN"] }, async (server, send) => {
    await send({ tls: "implicit", ca, username: "vipd", password: "hunter2" });
    assertEquals(server.messages.length, 1);
    await assertRejects(() => send({ tls: "implicit", timeout: 2_000 }), Error);
    assertEquals(server.messages.length, 1);
  });
  await Deno.remove(directory, { recursive: true });
});
