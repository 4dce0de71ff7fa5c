/**
 * install.sh in staging directories: what it builds, puts, keeps, removes and refuses. No network beyond
 * Deno's own.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../", import.meta.url).pathname;
const SHELLS = [["sh"], ["dash"], ["busybox", "ash"], ["bash", "--posix"]];

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function run(argv: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  const [program = "", ...args] = argv;
  const { code, stdout, stderr } = await new Deno.Command(program, { args, env, cwd: ROOT }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

function install(args: readonly string[], env: Record<string, string> = {}): Promise<Result> {
  return run(["sh", "./install.sh", ...args], env);
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A directory of executables that stand in for the host's, in front of a PATH of little else. */
function fakeTools(tools: Record<string, string>): string {
  const directory = Deno.makeTempDirSync({ prefix: "vipd-tools-" });
  for (const [name, script] of Object.entries(tools)) {
    Deno.writeTextFileSync(`${directory}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return directory;
}

/** Waits for a condition of the file system. */
async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; waited < 10_000; waited += 20) {
    if (condition()) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error("waited 10 s in vain");
}

Deno.test("install: every shell of the usual hosts can read it", async () => {
  for (const shell of SHELLS) {
    const found = await run(["sh", "-c", `command -v ${shell[0]}`]);
    if (found.code !== 0) continue;
    const { code, out } = await run([...shell, "./install.sh", "--help"]);
    assertEquals(code, 0, shell.join(" "));
    assertStringIncludes(out, "--uninstall");
  }
});

Deno.test("install: wrong usage is one clear line and exit code 2", async () => {
  for (
    const [args, message] of [
      [["--frobnicate"], "unknown option: --frobnicate"],
      [["--prefix"], "--prefix needs a value"],
      [["--prefix", "here"], "--prefix wants an absolute path, got here"],
      [["-o", "x"], "-o goes with --build-only"],
      [["--purge"], "--purge goes with --uninstall"],
      [["--uninstall", "--demo"], "--demo installs first; leave the other action out"],
    ] as const
  ) {
    const { code, out, err } = await install(args);
    assertEquals([code, out, err], [2, "", `install.sh: ${message} (--help shows the options)\n`]);
  }
});

Deno.test("install: puts binary, unit and sample, again without touching the configuration, and takes them away", async () => {
  const stage = Deno.makeTempDirSync({ prefix: "vipd-stage-" });
  const paths = ["opt/x/bin/vipd", "etc/systemd/system/vipd.service", "etc/vipd/vipd.toml"].map((path) =>
    `${stage}/${path}`
  );
  const [binary = "", unit = "", config = ""] = paths;
  try {
    const first = await install(["--prefix", "/opt/x", "--with-unit"], { DESTDIR: stage });
    assertEquals(first.code, 0, first.err);
    assertMatch((await run([binary, "version"])).out, /^vipd \d+\.\d+\.\d+/);
    assertStringIncludes(
      Deno.readTextFileSync(unit),
      "ExecStart=/opt/x/bin/vipd run --config /etc/vipd/vipd.toml",
    );
    assertEquals(Deno.readTextFileSync(config), Deno.readTextFileSync(`${ROOT}docs/vipd.sample.toml`));
    assertEquals((Deno.statSync(config).mode ?? 0) & 0o777, 0o640);

    Deno.writeTextFileSync(config, "# mine\n");
    const again = await install(["--prefix=/opt/x"], { DESTDIR: stage });
    assertEquals(again.code, 0, again.err);
    assertEquals(Deno.readTextFileSync(config), "# mine\n");
    // Nothing half written stays behind.
    assertEquals([...Deno.readDirSync(`${stage}/opt/x/bin`)].map(({ name }) => name), ["vipd"]);

    assertEquals((await install(["--prefix", "/opt/x", "--uninstall"], { DESTDIR: stage })).code, 0);
    assertEquals(paths.map(exists), [false, false, true]);
    const purge = await install(["--prefix", "/opt/x", "--uninstall", "--purge"], {
      DESTDIR: stage,
      XDG_CACHE_HOME: `${stage}/cache`,
    });
    assertEquals([purge.code, exists(config)], [0, false]);
  } finally {
    Deno.removeSync(stage, { recursive: true });
  }
});

Deno.test("install: the same source gives the same binary, within its limits", async () => {
  const stage = Deno.makeTempDirSync({ prefix: "vipd-stage-" });
  try {
    for (const name of ["one", "two"]) {
      const built = await install(["--build-only", "-o", `${stage}/${name}`]);
      assertEquals(built.code, 0, built.err);
      assert(!built.err.includes("bundling is not possible"), built.err);
    }
    assertEquals((await run(["cmp", `${stage}/one`, `${stage}/two`])).code, 0);
    const megabytes = Deno.statSync(`${stage}/one`).size / 1e6;
    assert(megabytes < 105, `${megabytes} MB`);
  } finally {
    Deno.removeSync(stage, { recursive: true });
  }
});

Deno.test("install: a compile that fails leaves the installed binary as it was", async () => {
  const stage = Deno.makeTempDirSync({ prefix: "vipd-stage-" });
  try {
    Deno.writeTextFileSync(`${stage}/vipd`, "old");
    const broken = `${stage}/denort`;
    Deno.writeTextFileSync(broken, "not a program");
    const { code, err } = await install(["--build-only", "-o", `${stage}/vipd`], { DENORT_BIN: broken });
    assertEquals(code, 1);
    assertMatch(err, /^install\.sh: .*$/m);
    assertEquals(Deno.readTextFileSync(`${stage}/vipd`), "old");
    assertEquals([...Deno.readDirSync(stage)].map(({ name }) => name).sort(), ["denort", "vipd"]);
  } finally {
    Deno.removeSync(stage, { recursive: true });
  }
});

Deno.test("install: stopped in the middle, it cleans up after itself", async () => {
  const stage = Deno.makeTempDirSync({ prefix: "vipd-stage-" });
  const tools = fakeTools({
    deno:
      `[ "$1" = --version ] && { echo "deno 2.7.11 (fake)"; exit; }\necho $$ >${stage}/started; exec sleep 20`,
  });
  try {
    const child = new Deno.Command("sh", {
      args: ["./install.sh", "--build-only", "-o", `${stage}/bin/vipd`],
      env: { PATH: `${tools}:/usr/bin:/bin`, TMPDIR: stage, DENORT_BIN: "/bin/true" },
      cwd: ROOT,
      stdout: "null",
      stderr: "null",
    }).spawn();
    await until(() => exists(`${stage}/started`));
    child.kill("SIGTERM");
    Deno.kill(Number(Deno.readTextFileSync(`${stage}/started`)), "SIGKILL");
    assertEquals((await child.status).code, 143);
    assertEquals([...Deno.readDirSync(stage)].map(({ name }) => name).sort(), ["bin", "started"]);
    assertEquals([...Deno.readDirSync(`${stage}/bin`)], []);
  } finally {
    Deno.removeSync(stage, { recursive: true });
    Deno.removeSync(tools, { recursive: true });
  }
});

/** A host with nothing but coreutils, where each way to Deno is a script of this test. */
async function bareHost(
  tools: Record<string, string>,
  environment: Record<string, string> = {},
): Promise<Result & { cache: string[] }> {
  const stage = Deno.makeTempDirSync({ prefix: "vipd-stage-" });
  const links = [
    "sh",
    "cat",
    "cp",
    "mv",
    "rm",
    "mkdir",
    "mktemp",
    "chmod",
    "dirname",
    "basename",
    "uname",
    "id",
  ];
  const more = [
    "sed",
    "grep",
    "tail",
    "head",
    "cut",
    "tar",
    "gzip",
    "sha256sum",
    "wc",
    "find",
    "touch",
    "env",
  ];
  const directory = fakeTools(tools);
  try {
    for (const name of [...links, ...more]) {
      const { out } = await run(["sh", "-c", `command -v ${name}`]);
      Deno.symlinkSync(out.trim(), `${directory}/${name}`);
    }
    const env = { PATH: directory, XDG_CACHE_HOME: stage, TMPDIR: stage, HOME: stage, ...environment };
    const child = new Deno.Command("/bin/sh", {
      args: ["./install.sh", "--deno"],
      env,
      cwd: ROOT,
      clearEnv: true,
    });
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    const cache = exists(`${stage}/vipd`)
      ? [...Deno.readDirSync(`${stage}/vipd`)].map(({ name }) => name)
      : [];
    return { code, out: text.decode(stdout), err: text.decode(stderr), cache };
  } finally {
    Deno.removeSync(stage, { recursive: true });
    Deno.removeSync(directory, { recursive: true });
  }
}

Deno.test("install: a Deno of another version on PATH is not used", async () => {
  const { code, err } = await bareHost({ deno: `echo "deno 2.7.1"`, curl: "exit 6" });
  assertEquals(code, 1);
  assertStringIncludes(err, "install.sh: cannot get Deno 2.7.11: neither npm nor ");
});

Deno.test("install: a host that reaches nothing is told so at once", async () => {
  const began = performance.now();
  const { code, err, cache } = await bareHost({
    curl: `echo "curl: (6) Could not resolve host" >&2; exit 6`,
  });
  assertEquals([code, cache], [1, []]);
  assertStringIncludes(err, "(6) Could not resolve host");
  assert(performance.now() - began < 20_000);
});

Deno.test("install: without npm, a registry that is named is asked directly", async () => {
  const asked = `while [ $# -gt 1 ]; do shift; done; echo "asked $1" >&2; exit 6`;
  const { code, err } = await bareHost({ curl: asked }, { NPM_CONFIG_REGISTRY: "https://packages.invalid/" });
  assertEquals(code, 1);
  assertStringIncludes(err, "asked https://packages.invalid/@deno/linux-");
});

Deno.test("install: a Deno with another SHA-256 is refused and not kept", {
  ignore: Deno.build.arch !== "x86_64",
}, async () => {
  // A registry that answers with a package of the right shape and another program inside.
  const forged = `while [ $# -gt 1 ]; do [ "$1" != -o ] || out=$2; shift; done
case $1 in *.zip) exit 22 ;; esac
d=$(mktemp -d) && mkdir "$d/package" && printf '#!/bin/sh\\necho deno 2.7.11\\n' >"$d/package/deno" && chmod 755 "$d/package/deno"
tar -czf "$out" -C "$d" package/deno && rm -r "$d"`;
  const registry = { NPM_CONFIG_REGISTRY: "https://packages.invalid" };
  const { code, err, cache } = await bareHost({ curl: forged }, registry);
  assertEquals([code, cache], [1, []]);
  assertStringIncludes(
    err,
    "install.sh: the Deno that npm delivered is not the one expected (SHA-256 differs)",
  );
});
