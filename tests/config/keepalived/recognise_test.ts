/** What becomes of the programs and scripts that keepalived.conf has run: the table of forms, row by row. */
import { assertEquals, assertMatch } from "@std/assert";
import { splitCommand } from "../../../mod/config/keepalived/lexer.ts";
import {
  type Recognised,
  recogniseScript,
  type Refusal,
} from "../../../mod/config/keepalived/script/recognise.ts";

const NGINX = { type: "nginx" };
const HAPROXY = { type: "process", process: "haproxy" };
const PAGE = { type: "http", url: "http://127.0.0.1/" };

/** Command line -> check; a text is the command that stays a program. */
const FORMS: readonly (readonly [line: string, check: Recognised["check"] | "exec"])[] = [
  ["killall -0 nginx", NGINX],
  ["/usr/bin/killall -0 /usr/sbin/nginx", NGINX],
  ["killall -s 0 haproxy", HAPROXY],
  ["killall -0 /usr/sbin/haproxy", HAPROXY],
  ["killall -9 nginx", "exec"],
  ["killall -0 nginx php-fpm", "exec"],
  ["pidof nginx", NGINX],
  ["/bin/pidof -s haproxy", HAPROXY],
  ["pgrep -x nginx", NGINX],
  ["pgrep haproxy", HAPROXY],
  ["pgrep -f 'java.*gateway'", { type: "process", match: "java.*gateway" }],
  ["pgrep -u www nginx", "exec"],
  ["pgrep '^ngi'", "exec"],
  ["kill -0 $(cat /run/nginx.pid)", { ...NGINX, pid_file: "/run/nginx.pid" }],
  ["kill -0 `cat /var/run/haproxy.pid`", HAPROXY],
  ["systemctl is-active --quiet haproxy", { type: "systemd", unit: "haproxy.service" }],
  ["systemctl status haproxy.service", { type: "systemd", unit: "haproxy.service" }],
  ["systemctl is-active nginx", NGINX],
  ["systemctl restart nginx", "exec"],
  ["service nginx status", NGINX],
  ["curl -sf http://127.0.0.1/", PAGE],
  ["curl -sfL -m 2 http://127.0.0.1/", { ...PAGE, follow_redirects: true, timeout: "2s" }],
  ["curl -s -o /dev/null http://127.0.0.1/", { ...PAGE, expect: { status: "200-599" } }],
  ["curl -fsSk --connect-timeout 1.5 https://[::1]:6443/healthz", {
    ...{ type: "http", url: "https://[::1]:6443/healthz", tls: { verify: false }, connect_timeout: "1500ms" },
  }],
  ["curl -f -H 'Host: www.example.com' -u a:b -A probe 127.0.0.1", {
    ...{ type: "http", url: "http://127.0.0.1" },
    ...{ headers: { "User-Agent": "probe", Host: "www.example.com" } },
    basic_auth: { username: "a", password: "b" },
  }],
  ["curl -f -X POST -d x=1 http://127.0.0.1/", { ...PAGE, method: "POST", body: "x=1" }],
  ["curl -fI http://127.0.0.1/", { ...PAGE, method: "HEAD" }],
  ["curl -f --resolve www:443:192.0.2.1 https://www/", {
    ...{ type: "http", url: "https://www/", connect_to: "192.0.2.1:443" },
  }],
  ["curl -s -f --unix-socket /run/a http://a/", {
    ...{ type: "curl", args: ["-s", "-f", "--unix-socket", "/run/a", "http://a/"] },
  }],
  ["curl -s -o /dev/null -w %{http_code} http://127.0.0.1/ | grep 200", { ...PAGE, expect: { status: 200 } }],
  ["wget -q -O /dev/null http://127.0.0.1/", { ...PAGE, follow_redirects: true }],
  ["wget -q --spider -T 2 http://127.0.0.1/", {
    ...{ ...PAGE, method: "HEAD", follow_redirects: true, connect_timeout: "2s", timeout: "2s" },
  }],
  ["wget http://127.0.0.1/", { ...PAGE, follow_redirects: true }],
  ["wget -O /tmp/page http://127.0.0.1/", "exec"],
  ["nc -z 127.0.0.1 3306", { type: "tcp", address: "127.0.0.1:3306" }],
  ["nc -zv -w 2 ::1 80", { type: "tcp", address: "[::1]:80", connect_timeout: "2s" }],
  ["nc -zu 127.0.0.1 53", { type: "udp", address: "127.0.0.1:53" }],
  ["nc -l 80", "exec"],
  ["</dev/tcp/127.0.0.1/80", { type: "tcp", address: "127.0.0.1:80" }],
  ["bash -c '</dev/tcp/127.0.0.1/80'", { type: "tcp", address: "127.0.0.1:80" }],
  ["bash -c 'exec 3<>/dev/tcp/127.0.0.1/80'", { type: "tcp", address: "127.0.0.1:80" }],
  ["timeout 1 bash -c '</dev/tcp/127.0.0.1/80'", { type: "tcp", address: "127.0.0.1:80", timeout: "1s" }],
  ["ping -c1 192.0.2.1", { type: "ping", address: "192.0.2.1" }],
  ["ping -c 3 -W 1 -I eth0 192.0.2.1", {
    ...{ type: "ping", address: "192.0.2.1", bind_interface: "eth0", attempts: 3, timeout: "1s" },
  }],
  ["ping 192.0.2.1", "exec"],
  ["test -e /etc/keepalived/up", { type: "file", path: "/etc/keepalived/up", exists: true }],
  ["[ -f /etc/keepalived/up ]", { type: "file", path: "/etc/keepalived/up", exists: true }],
  ["[ ! -f /etc/keepalived/down ]", { type: "file", path: "/etc/keepalived/down", exists: false }],
  ["test -d /srv", "exec"],
  ["redis-cli -p 6380 -a s ping", { type: "redis", address: "127.0.0.1:6380", password: "s" }],
  ["pg_isready -h 192.0.2.1 -q", { type: "tcp", address: "192.0.2.1:5432" }],
  ["mysqladmin ping -h 192.0.2.1", { type: "tcp", address: "192.0.2.1:3306" }],
  ["mysqladmin -uroot -ps -S /run/m.sock ping", {
    ...{ type: "mysql", address: "/run/m.sock", username: "root", password: "s" },
  }],
  ["mysqladmin status", "exec"],
  ["ip link show dev eth1", { type: "interface", interface: "eth1" }],
  ["cat /sys/class/net/eth1/operstate", { type: "interface", interface: "eth1" }],
  ["timeout 3 curl -f http://127.0.0.1/", { ...PAGE, timeout: "3s" }],
  ["pidof haproxy > /dev/null 2>&1", HAPROXY],
  ["pgrep nginx || exit 1", NGINX],
  ["ps -ef | grep nginx | grep -v grep", NGINX],
  ["ss -ltn | grep -q :6443", { type: "tcp", address: "127.0.0.1:6443" }],
  ["/bin/sh -c 'killall -0 nginx && exit 0 || exit 1'", NGINX],
  ["/bin/sh -c 'some | thing'", "exec"],
  ["/usr/bin/true", "exec"],
  ["/opt/check_app.sh --quick", "exec"],
];

const refusedOf = (found: Recognised | Refusal): string => "refused" in found ? found.refused : "";

function recognise(line: string, files: Readonly<Record<string, string>> = {}): Recognised | Refusal {
  return recogniseScript(splitCommand(line) ?? [], (path) => files[path]);
}

Deno.test("programs of keepalived.conf: each form and the check that it becomes", () => {
  for (const [line, check] of FORMS) {
    const found = recognise(line);
    const expected = check === "exec" ? { type: "exec", command: splitCommand(line) } : check;
    assertEquals("check" in found ? found.check : found, expected, line);
  }
});

Deno.test("programs of keepalived.conf: what no shell reads and means nothing certain is refused", () => {
  const rows: readonly (readonly [line: string, why: RegExp])[] = [
    ["killall -0 nginx && killall -0 php-fpm", /"&&" was an argument of killall.*several things/],
    ["/opt/check.sh | tee /tmp/log", /"\|" was an argument of \/opt\/check\.sh/],
    ["pgrep nginx | wc -l", /ends with 0 whatever it finds/],
    ["test $(cat /run/a) = 1", /"\$\(cat" was an argument of test/],
  ];
  for (const [line, why] of rows) assertMatch(refusedOf(recognise(line)), why, line);
  assertMatch(refusedOf(recognise("")), /no program/);
});

Deno.test("scripts that want to be understood for ever are left alone", () => {
  const nested = (open: string, close: string): string => open.repeat(5000) + "true" + close.repeat(5000);
  const hostile = [
    nested("if true; then\n", "\nfi"),
    nested("{\n", "\n}"),
    nested("$(", ")"),
    nested("`", ""),
    'a=x\nwhile true; do a="$a$a"; done',
    "f() {\nf\n}\nf",
    "f() {\nx=$(f)\n}\nf",
    "for i in $(seq 1 100000); do for j in $(seq 1 100000); do true; done; done",
    "pidof nginx || ".repeat(3000),
    "a=1\n".repeat(100_000),
    "systemctl stop ".repeat(1000),
  ];
  for (const body of hostile) {
    const found = recognise("/s", { "/s": `#!/bin/sh\n${body}\n` });
    assertEquals(
      "check" in found ? found.check : found,
      { type: "exec", command: ["/s"] },
      body.slice(0, 40),
    );
  }
});

const SCRIPTS = new URL("./scripts/", import.meta.url);
const CHECKS: readonly (readonly [name: string, check: Recognised["check"], stops: boolean])[] = [
  ["check_nginx_stop.sh", NGINX, true],
  ["check_nginx_pidof.sh", NGINX, true],
  ["check_nginx_restart.sh", { ...NGINX, recover: ["/bin/systemctl", "start", "nginx.service"] }, true],
  ["check_page.sh", {
    ...{ type: "http", url: "http://localhost/", follow_redirects: true, connect_timeout: "3s" },
    ...{ expect: { status: 200 }, attempts: 2, attempt_delay: "3s" },
  }, false],
  ["check_apiserver.sh", {
    ...{ type: "process", process: "kube-apiserver", attempts: 5, attempt_delay: "5s" },
  }, true],
  ["check_healthz.sh", {
    ...{ type: "http", url: "https://localhost:6443/healthz", tls: { verify: false }, timeout: "2s" },
  }, false],
];

Deno.test("script files of the usual forms become the check that comes to the same end", () => {
  for (const [name, check, stops] of CHECKS) {
    const found = recognise("/s", { "/s": Deno.readTextFileSync(new URL(name, SCRIPTS)) });
    assertEquals("check" in found ? found.check : found, check, name);
    assertEquals("stops" in found && found.stops, stops, name);
  }
});

/** Body of a script -> why it is run as it is, or refused. */
const OTHERS: readonly (readonly [body: string, outcome: "exec" | "refused", why: RegExp])[] = [
  ["pidof nginx\nexit 0", "exec", /ends with 0 whatever/],
  ["pidof nginx && exit 1\nexit 0", "exec", /fails although what it looks at is well/],
  ["pidof nginx || exit 1\npidof haproxy || exit 1", "exec", /several things/],
  ["pidof $1 || exit 1", "exec", /its arguments/],
  ["/opt/vendor/probe || exit 1", "exec", /"\/opt\/vendor\/probe"/],
  ["pidof nginx || { systemctl start nginx; systemctl start php; exit 1; }", "exec", /starts several things/],
  ["pidof nginx || { systemctl start nginx; exit 1; }", "exec", /fails all the same/],
  ["while true; do pidof nginx && exit 0; done", "exec", /does not end/],
  ["curl -s http://a/ | grep -q ok || exit 1", "exec", /what the program prints/],
  ["case $(date) in *) exit 1;; esac", "exec", /./],
  ["/opt/probe || { systemctl stop keepalived; exit 1; }", "exec", /"\/opt\/probe"/],
  ["/opt/probe || systemctl stop keepalived", "refused", /stops keepalived, which is not running any more/],
  ["/opt/probe || killall -9 keepalived\nexit 0", "refused", /may end with 0/],
  ["cat <<END\nEND", "exec", /here-documents/],
  ["( pidof nginx )", "exec", /parentheses/],
  ["pidof nginx &", "exec", /background/],
  ['echo "', "exec", /open quote/],
];

Deno.test("script files that mean something else, or nothing certain, are not guessed", () => {
  for (const [body, outcome, why] of OTHERS) {
    const found = recognise("/s", { "/s": `#!/bin/sh\n${body}\n` });
    const told = "refused" in found ? found.refused : found.notes.join("; ");
    assertEquals("refused" in found ? "refused" : found.check["type"], outcome, body);
    assertMatch(told, why, body);
  }
  const binary = recognise("/s", { "/s": "\x7fELF\0" });
  assertEquals(binary, { check: { type: "exec", command: ["/s"] }, stops: false, notes: [] });
});
