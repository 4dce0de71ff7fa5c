/** Who could change a program: every component, every link, every owner, group and mode, and for whom. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { findAccount, inspectAccount } from "../../checks/account.ts";
import { findProgram, inspectCommand } from "../../checks/command.ts";

const nobody = 65534;
/** A uid and a gid that no account has. */
const stranger = 54321;

/** A tree below a directory that only root can write to, all the way up. */
class Tree implements Disposable {
  readonly root = Deno.makeTempDirSync({ dir: "/run", prefix: "vipd-test-" });

  constructor() {
    Deno.chmodSync(this.root, 0o755);
  }

  /** Makes a file, or a directory for a name that ends in "/"; gives its path. */
  make(name: string, mode = 0o755, uid = 0, gid = 0, text = "#!/bin/sh\nexit 0\n"): string {
    const path = `${this.root}/${name}`.replace(/\/$/, "");
    if (name.endsWith("/")) Deno.mkdirSync(path, { recursive: true });
    else Deno.writeTextFileSync(path, text);
    Deno.chownSync(path, uid, gid);
    // After chown(2), which takes bits away.
    Deno.chmodSync(path, mode);
    return path;
  }

  link(name: string, target: string, uid = 0): string {
    const path = `${this.root}/${name}`;
    Deno.symlinkSync(target, path);
    new Deno.Command("chown", { args: ["-h", String(uid), path] }).outputSync();
    return path;
  }

  /** What is said of a command, with the directory's name cut. */
  says(argv: string | readonly string[], runAs: { user?: string; group?: string } = {}): string | undefined {
    return inspectCommand({ argv: typeof argv === "string" ? [argv] : argv, ...runAs })
      ?.replaceAll(this.root, "DIR");
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

type Row = readonly [
  what: string,
  make: (tree: Tree) => string | readonly string[],
  says: string | undefined,
  runAs?: { readonly user?: string; readonly group?: string },
];

const owned = (path: string, mode: string): string =>
  `${path} belongs to nobody (${nobody}), not root, and so could be changed (mode ${mode}); ` +
  `chown root ${path}, or run it as that user`;
const writable = (path: string, who: string, mode: string, letter: string): string =>
  `${path} is writable by ${who} (owner root (0), mode ${mode}); chmod ${letter}-w ${path}`;

const rows: Row[] = [
  ["a program of root's", (tree) => tree.make("x"), undefined],
  ["a bare name", () => "sh", undefined],
  ["writable by root's group", (tree) => tree.make("x", 0o775), undefined],
  ["only executable", (tree) => tree.make("x", 0o111), undefined],
  ["a link", (tree) => (tree.make("x"), tree.link("link", "x")), undefined],
  ["a link upwards", (tree) => (tree.make("d/"), tree.make("x"), tree.link("d/link", "../x")), undefined],
  ["an absolute link", (tree) => tree.link("link", "/bin/sh"), undefined],
  ["dots and slashes", (tree) => (tree.make("d/"), tree.make("x"), `${tree.root}//./d/../x`), undefined],
  ["a sticky directory, root's file", (tree) => (tree.make("d/", 0o1777), tree.make("d/x")), undefined],

  ["missing", (tree) => `${tree.root}/x`, "DIR/x does not exist"],
  ["a missing directory", (tree) => `${tree.root}/d/x`, "DIR/d does not exist"],
  ["below a file", (tree) => `${tree.make("x")}/y`, "DIR/x is not a directory"],
  ["a directory", (tree) => tree.make("d/"), "DIR/d is not a file"],
  ["a relative path", () => "d/x", "d/x is a relative path; give an absolute one, or a bare name"],
  ["a dangling link", (tree) => tree.link("link", "x"), "DIR/x does not exist"],
  ["a ring", (tree) => tree.link("r", "r"), "DIR/r leads through too many symbolic links"],
  [
    "not executable",
    (tree) => tree.make("x", 0o644),
    "DIR/x is not executable (owner root (0), mode 0644); chmod +x DIR/x",
  ],
  ["writable by all", (tree) => tree.make("x", 0o757), writable("DIR/x", "everybody", "0757", "o")],
  [
    "writable by a group",
    (tree) => tree.make("x", 0o775, 0, stranger),
    writable("DIR/x", `the group ${stranger}`, "0775", "g"),
  ],
  ["somebody's", (tree) => tree.make("x", 0o755, nobody), owned("DIR/x", "0755")],
  ["somebody's, read-only", (tree) => tree.make("x", 0o555, nobody), owned("DIR/x", "0555")],
  [
    "in somebody's directory",
    (tree) => (tree.make("d/", 0o755, nobody), tree.make("d/x")),
    owned("DIR/d", "0755"),
  ],
  [
    "in an open directory",
    (tree) => (tree.make("d/", 0o777), tree.make("d/x")),
    writable("DIR/d", "everybody", "0777", "o"),
  ],
  [
    "missing in an open directory",
    (tree) => `${tree.make("d/", 0o1777)}/x`,
    writable("DIR/d", "everybody", "1777", "o"),
  ],
  [
    "somebody's in a sticky directory",
    (tree) => (tree.make("d/", 0o1777), tree.make("d/x", 0o755, nobody)),
    writable("DIR/d", "everybody", "1777", "o"),
  ],
  [
    "somebody's link in a sticky directory",
    (tree) => (tree.make("x"), tree.make("d/", 0o1777), tree.link("d/link", "../x", nobody)),
    writable("DIR/d", "everybody", "1777", "o"),
  ],
  [
    "root's link in a sticky directory",
    (tree) => (tree.make("x"), tree.make("d/", 0o1777), tree.link("d/l", "../x")),
    undefined,
  ],
  [
    "a link through an open directory",
    (tree) => (tree.make("x"), tree.make("d/", 0o777), tree.link("d/b", "../x"), tree.link("a", "d/b")),
    writable("DIR/d", "everybody", "0777", "o"),
  ],
  [
    "a link to somebody's",
    (tree) => (tree.make("x", 0o755, nobody), tree.link("a", "x")),
    owned("DIR/x", "0755"),
  ],
  [
    "a sticky bit on a file means nothing",
    (tree) => tree.make("x", 0o1757),
    writable("DIR/x", "everybody", "1757", "o"),
  ],

  // For another user: his own files are fine, those of others are not, and he must be able to use them.
  ["the user's own", (tree) => tree.make("x", 0o755, nobody), undefined, { user: "nobody" }],
  ["root's, for a user", (tree) => tree.make("x", 0o755), undefined, { user: "nobody" }],
  ["by uid", (tree) => tree.make("x", 0o700, stranger), undefined, { user: String(stranger) }],
  ["the user's group's", (tree) => tree.make("x", 0o750, 0, nobody), undefined, { user: "nobody" }],
  ["the group that is given", (tree) => tree.make("x", 0o750, 0, stranger), undefined, {
    user: "nobody",
    group: String(stranger),
  }],
  [
    "a stranger's, for a user",
    (tree) => tree.make("x", 0o755, stranger),
    `DIR/x belongs to ${stranger}, none of root (0), nobody (${nobody}), and so could be changed (mode 0755); ` +
    "chown root DIR/x, or run it as that user",
    { user: "nobody" },
  ],
  // On Debian daemon is alone in its group, and nogroup is that of many.
  ["writable by the user's own group", (tree) => tree.make("x", 0o770, 1, 1), undefined, { user: "1" }],
  [
    "writable by a group that has no entry",
    (tree) => tree.make("x", 0o775, 0, stranger),
    writable("DIR/x", `the group ${stranger}`, "0775", "g"),
    { user: "nobody", group: String(stranger) },
  ],
  [
    "not for the user to execute",
    (tree) => tree.make("x", 0o750),
    `DIR/x cannot be executed by nobody (${nobody}) (owner root (0), mode 0750); chmod o+x DIR/x`,
    { user: "nobody" },
  ],
  [
    "the owner's bits count for the owner",
    (tree) => tree.make("x", 0o055, nobody),
    `DIR/x cannot be executed by nobody (${nobody}) (owner nobody (${nobody}), mode 0055); chmod u+x DIR/x`,
    { user: "nobody" },
  ],
  [
    "in a directory that the user cannot enter",
    (tree) => (tree.make("d/", 0o700), tree.make("d/x")),
    `DIR/d cannot be entered by nobody (${nobody}) (owner root (0), mode 0700); chmod o+x DIR/d`,
    { user: "nobody" },
  ],
  ["root enters every directory", (tree) => (tree.make("d/", 0o000), tree.make("d/x")), undefined],
  ["no such user", (tree) => tree.make("x"), "there is no user no-such-user", { user: "no-such-user" }],
  ["no such group", (tree) => tree.make("x"), "there is no group no-such-group", { group: "no-such-group" }],

  // What runs in the end.
  [
    "an interpreter that is missing",
    (tree) => tree.make("x", 0o755, 0, 0, "#! /no/such -e\n"),
    "DIR/x is run by /no/such: /no does not exist",
  ],
  [
    "an interpreter that others can change",
    (tree) => tree.make("x", 0o755, 0, 0, `#!${tree.make("i", 0o757)}\n`),
    `DIR/x is run by DIR/i: ${writable("DIR/i", "everybody", "0757", "o")}`,
  ],
  ["env", (tree) => tree.make("x", 0o755, 0, 0, "#!/usr/bin/env sh\n"), undefined],
  ["env with options", (tree) => tree.make("x", 0o755, 0, 0, "#!/usr/bin/env -S A=b sh -e\n"), undefined],
  [
    "env of what is missing",
    (tree) => tree.make("x", 0o755, 0, 0, "#!/usr/bin/env no-such\n"),
    "DIR/x is run by /usr/bin/env: no-such is not found in " +
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  ],
  ["a script for a shell", (tree) => ["sh", "-e", tree.make("x", 0o644)], undefined],
  [
    "a script for a shell, writable",
    (tree) => ["sh", tree.make("x", 0o646)],
    writable("DIR/x", "everybody", "0646", "o"),
  ],
  [
    "a script for Python, missing",
    (tree) => ["/usr/bin/env", "python3", `${tree.root}/x`],
    "DIR/x does not exist",
  ],
  ["a command for a shell", () => ["sh", "-ec", "/no/such"], undefined],
  ["an argument of another program", (tree) => ["cat", tree.make("x", 0o666)], undefined],
  [
    "a script that its user cannot read",
    (tree) => ["sh", tree.make("x", 0o600)],
    `DIR/x cannot be read by nobody (${nobody}) (owner root (0), mode 0600); chmod o+r DIR/x`,
    { user: "nobody" },
  ],
];

Deno.test("inspectCommand: every way to be fine, and which component is to blame otherwise", () => {
  for (const [what, make, says, runAs] of rows) {
    using tree = new Tree();
    if (what.includes("Python") && findProgram("python3") === undefined) continue;
    assertEquals(tree.says(make(tree), runAs), says, what);
  }
});

Deno.test("inspectCommand: scripts that interpret each other come to an end", () => {
  using tree = new Tree();
  for (const i of [1, 2, 3, 4, 5, 6, 7]) {
    tree.make(`s${i}`, 0o755, 0, 0, `#!${tree.root}/s${i + 1}\n`);
  }
  tree.make("s8");
  assertMatch(tree.says(`${tree.root}/s1`) ?? "", /has an interpreter that has an interpreter/);
  assertEquals(tree.says(`${tree.root}/s6`), undefined);
});

Deno.test("inspectCommand: what cannot be a path", () => {
  using tree = new Tree();
  assertMatch(tree.says("/a\0b") ?? "", /cannot be examined: file name contained an unexpected NUL byte/);
  assertMatch(tree.says(`/${"a".repeat(300)}`) ?? "", /cannot be examined: file name too long/);
  assertMatch(tree.says([]) ?? "", /is not found in/);
});

Deno.test("findProgram: as given, or in the usual directories", () => {
  assertEquals(findProgram("sh"), ["/usr/bin/sh", "/bin/sh"].find((path) => findProgram("sh") === path));
  assertEquals(findProgram("./x"), "./x");
  assertEquals(findProgram("no-such-program"), undefined);
});

Deno.test("findAccount: users with all their groups, uids and gids without a name, nobody at all", () => {
  assertEquals(findAccount({}), undefined);
  const account = findAccount({ user: "nobody" });
  assertEquals([account?.uid, account?.name], [nobody, "nobody"]);
  const bare = { uid: stranger, gid: stranger, groups: [], home: "/" };
  assertEquals(findAccount({ user: String(stranger) }), bare);
  assertEquals(findAccount({ user: String(stranger), group: "0" }), { ...bare, gid: 0 });
  assertEquals(findAccount({ group: "0" })?.uid, Deno.uid());
  assertEquals(inspectAccount({ user: "4294967295" }), "there is no user 4294967295");
  // Whoever is a member of more than one group on this host has all of them.
  const lines = Deno.readTextFileSync("/etc/group").split("\n").map((line) => line.split(":"));
  for (const [, , gid, members = ""] of lines) {
    for (const user of members.split(",").filter((name) => inspectAccount({ user: name }) === undefined)) {
      if (user === "") continue;
      const account = findAccount({ user });
      assert([account?.gid, ...account?.groups ?? []].includes(Number(gid)), `${user} in ${gid}`);
    }
  }
});
