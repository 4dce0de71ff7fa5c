/**
 * How a program is started: in a session of its own, as whom it is to run, with a clean environment, and
 * without copying the daemon.
 */
import { type Account, findAccount, ownAccount } from "../../checks/account.ts";
import { CheckFailed, type Command, describe } from "../../checks/check.ts";
import { findProgram, inspectCommand, searchPath } from "../../checks/command.ts";

/** What the runtime is asked to start. */
interface Start {
  readonly argv: readonly string[];
  /** Done by the runtime itself, which forks for that. */
  readonly itself: { readonly detached?: true; readonly uid?: number; readonly gid?: number };
}

/** Throws `CheckFailed` when the program must not, or cannot, be started. Its streams are pipes. */
export function spawn(command: Command): Deno.ChildProcess {
  const { argv, env, stdin } = command;
  // Again before each run: what was fine when the configuration was read may have been changed since.
  const problem = inspectCommand(command);
  if (problem !== undefined) throw new CheckFailed(`not run: ${problem}`);
  const account = findAccount(command);
  const start = startOf([findProgram(argv[0] ?? "") ?? "", ...argv.slice(1)], account);
  const [path = "", ...args] = start.argv;
  try {
    return new Deno.Command(path, {
      args,
      clearEnv: true,
      env: { ...environment(account), ...env },
      cwd: "/",
      ...start.itself,
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new CheckFailed(`cannot run ${path}${asWhom(account)}: ${describe(error)}`);
  }
}

/**
 * A session, thus a process group of its own, so that one signal reaches all that it starts. Asked for a
 * session or for a user, the runtime forks: that copies the page tables of the whole daemon, takes 4 to 6 ms
 * for one of 80 MB, and makes every thread pay for the pages that it writes next. setsid(1) and setpriv(1)
 * do the same in the child, which is then there in a fraction of a millisecond (posix_spawn).
 */
function startOf(argv: readonly string[], account: Account | undefined): Start {
  const setsid = findProgram("setsid");
  const setpriv = account === undefined ? [] : becoming(account);
  if (setsid !== undefined && setpriv !== undefined) {
    return { argv: [setsid, ...setpriv, ...argv], itself: {} };
  }
  if (account === undefined) return { argv, itself: { detached: true } };
  if (account.groups.length === 0) {
    return { argv, itself: { detached: true, uid: account.uid, gid: account.gid } };
  }
  if (setpriv !== undefined) return { argv: [...setpriv, ...argv], itself: { detached: true } };
  throw new CheckFailed(
    `cannot run as ${nameOf(account)}, who has more than one group: setpriv is missing`,
  );
}

/** What sets a user and all groups and then becomes the program; undefined: it is not on this host. */
function becoming({ uid, gid, groups }: Account): string[] | undefined {
  const path = findProgram("setpriv");
  if (path === undefined) return undefined;
  // Who is not root has the groups that it has.
  const others = ownAccount().uid !== 0
    ? "--keep-groups"
    : groups.length === 0
    ? "--clear-groups"
    : `--groups=${[gid, ...groups].join(",")}`;
  return [path, `--reuid=${uid}`, `--regid=${gid}`, others, "--"];
}

function environment(account: Account | undefined): Record<string, string> {
  const base = { PATH: searchPath, LANG: "C.UTF-8", HOME: account?.home ?? "/root" };
  return account?.name === undefined ? base : { ...base, USER: account.name, LOGNAME: account.name };
}

function asWhom(account: Account | undefined): string {
  return account === undefined ? "" : ` as ${nameOf(account)}`;
}

function nameOf({ name, uid }: Account): string {
  return name ?? `uid ${uid}`;
}
