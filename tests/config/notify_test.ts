/** `[notify]`, `[mail]` and the hooks of virtual routers: TOML in, Config out. */
import { assertEquals } from "@std/assert";
import { load } from "./fixture.ts";

Deno.test("loadConfig() reads who is told", async () => {
  const { notify, mail, virtual_router } = await load(`
    [virtual_router.a]
    interface = "eth0"
    vrid = 51
    notify = { active = ["/bin/true", "1"], any = ["/bin/true"], timeout = "1s", user = "nobody", mail = true }
    [notify]
    startup = ["/bin/true"]
    fifos = [{ path = "/run/f", command = ["/bin/cat"] }]
    webhooks = [{ url = "https://example.org/x" }]
    [mail]
    server = "[2001:db8::25]:587"
    username = "vipd"
    password_file = "/etc/vipd/mail"
    to = ["root@localhost", "ops@example.org"]`);
  assertEquals<unknown>(virtual_router["a"]?.notify, {
    active: ["/bin/true", "1"],
    any: ["/bin/true"],
    timeout: 1_000,
    user: "nobody",
    mail: true,
  });
  assertEquals<unknown>(notify, {
    startup_timeout: 10_000,
    shutdown_timeout: 10_000,
    priority_changes: false,
    startup: ["/bin/true"],
    fifos: [{ path: "/run/f", events: "all", command: ["/bin/cat"] }],
    webhooks: [{
      url: "https://example.org/x",
      events: ["virtual_router", "sync_group", "virtual_server", "real_server"],
      headers: {},
      timeout: 5_000,
      attempts: 5,
    }],
  });
  assertEquals<unknown>(mail, {
    server: { hostname: "2001:db8::25", port: 587 },
    tls: "auto",
    username: "vipd",
    password_file: "/etc/vipd/mail",
    to: ["root@localhost", "ops@example.org"],
    timeout: 30_000,
    virtual_routers: false,
    real_servers: true,
  });
});
