/** `vipd doctor` from the command line, on this host as it is, with a configuration that nobody runs. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { libc } from "../../ffi/libc.ts";
import { doctor } from "../../mod/cli/doctor.ts";
import { renderDiagnosis } from "../../mod/cli/doctor_view.ts";
import { readAdvertisement } from "../../mod/doctor/advertisement.ts";
import { type Diagnosis, examine } from "../../mod/doctor/doctor.ts";
import { loadWithWarnings } from "../../mod/config/load.ts";
import { gatherNames } from "../../mod/doctor/gather/files.ts";
import { UsageError } from "../../mod/errors.ts";
import { encode } from "../../mod/vrrp/packet.ts";
import { encodeIpv4Header } from "../../mod/wire/ip.ts";
import { fakeIo } from "../cli/fake_io.ts";
import { load } from "../config/fixture.ts";

// Opened before the first test, which would have to close it.
libc();

const TOML = `[api]
listen = ["unix:/nonexistent/vipd.sock"]
[virtual_router.VI_1]
interface = "none0"
vrid = 51
addresses = ["192.0.2.10/24"]
`;

Deno.test("doctor() of an interface that does not exist: a problem, in words and as JSON", async () => {
  const words = fakeIo({ "new.toml": TOML });
  assertEquals(await doctor(["--config", "new.toml"], words), 1);
  assertStringIncludes(words.stdout.join("\n"), "PROBLEM  none0: the interface does not exist");
  const json = fakeIo({ "new.toml": TOML });
  assertEquals(await doctor(["-c", "new.toml", "--json"], json), 1);
  const { findings, examined } = JSON.parse(json.stdout.join("\n")) as Diagnosis;
  assert(findings.some(({ examination, about }) => examination === "interfaces" && about === "none0"));
  assert(examined.length > 8);
});

Deno.test("doctor() of a configuration that cannot be used says what is wrong with it", async () => {
  const io = fakeIo({ "bad.toml": "[virtual_router.VI_1]\nvrid = 300\n" });
  assertEquals(await doctor(["--config", "bad.toml"], io), 1);
  assertStringIncludes(io.stdout.join("\n"), "PROBLEM  bad.toml: the configuration cannot be used");
});

Deno.test("doctor() refuses what it does not know", async () => {
  for (const args of [["--pear", "x"], ["here"], ["--config"], ["--config", "a", "--config", "b"]]) {
    await assertRejects(() => doctor(args, fakeIo({})), UsageError);
  }
});

Deno.test("examine() tells no secret", async () => {
  const config = await load(`${TOML}version = 2\npassword = "tell-not"\n`);
  const diagnosis = await examine({
    config,
    configFile: "x.toml",
    configFiles: [],
    configProblem: null,
    commandProblems: [],
    status: null,
    statusProblem: null,
    peers: ["/nonexistent/peer.toml", "http://127.0.0.1:9"],
    token: "tell-neither",
  });
  assert(!/tell-/.test(JSON.stringify(diagnosis)));
  assertEquals(diagnosis.findings.filter(({ examination }) => examination === "peers").length, 2);
});

Deno.test("renderDiagnosis() shows the worst first, and control characters never", () => {
  const finding = {
    severity: "problem",
    about: "e\x1bth0",
    message: "down",
    evidence: ["seen"],
    fix: ["ip link"],
  } as const;
  const diagnosis: Diagnosis = {
    findings: [{ ...finding, examination: "interfaces" }],
    examined: [{ name: "interfaces", looks_at: "" }, { name: "clock", looks_at: "" }, {
      name: "firewall",
      looks_at: "",
    }],
    not_examined: [{ examinations: ["firewall"], why: "nft: refused" }],
  };
  const shown = renderDiagnosis(diagnosis, { configFile: "x.toml", runs: true }, {
    width: Infinity,
    color: false,
  });
  assertEquals(shown.split("\n"), [
    "The running vipd, x.toml",
    "",
    "PROBLEM  e th0: down",
    "  seen",
    "    ip link",
    "",
    "not seen (firewall): nft: refused",
    "fine: clock",
    "1 problem",
  ]);
});

Deno.test("readAdvertisement() reads what passes by, whatever it is", () => {
  const [source, destination] = [Uint8Array.of(192, 0, 2, 2), Uint8Array.of(224, 0, 0, 18)];
  const advertisement = {
    vrid: 51,
    priority: 150,
    maxAdvertiseInterval: 100,
    addresses: [Uint8Array.of(192, 0, 2, 10)],
  };
  const said = { ...advertisement, version: 3, family: 4, checksum: "pseudo_header" } as const;
  const payload = encode(said, source, destination);
  const frame = new Uint8Array(34 + payload.length);
  const header = { source, destination, ttl: 255, protocol: 112, payloadLength: payload.length };
  encodeIpv4Header(header, frame.subarray(14));
  frame.set(payload, 34);
  const read = readAdvertisement(frame, 4);
  assertEquals([read?.vrid, read?.priority, read?.intervalMs, read?.version, read?.hopLimit], [
    51,
    150,
    1000,
    3,
    255,
  ]);
  assertEquals(read?.addresses, advertisement.addresses);
  for (let length = 0; length < frame.length; length++) readAdvertisement(frame.subarray(0, length), 4);
  assertEquals(readAdvertisement(new Uint8Array(60), 6), null);
});

Deno.test("gatherNames() finds the names in all options of checks that lead somewhere", async () => {
  const toml = `
[check.page]
type = "http"
url = "https://a.invalid:8443/x"
[check.database]
type = "redis"
address = "b.invalid"
[check.port]
type = "tcp"
address = "c.invalid:80"
[check.witness]
type = "gateway"
addresses = ["d.invalid", "192.0.2.1", "2001:db8::1"]
[check.here]
type = "tcp"
address = "localhost:80"
[check.socket]
type = "redis"
address = "/run/redis.sock"
`;
  const { config } = await loadWithWarnings("vipd.toml", { readFile: () => toml });
  const unknown = await gatherNames(config);
  assertEquals(unknown.map(({ name }) => name), ["a.invalid", "b.invalid", "c.invalid", "d.invalid"]);
});
