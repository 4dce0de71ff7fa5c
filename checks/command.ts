/** Programs that the configuration names: where they are, whether they can run, and who could change them. */
import { findAccount, ownAccount } from "./account.ts";
import { CheckFailed, type Command, describe } from "./check.ts";
import { inspectExecutable, inspectScript, type Judge, readHead } from "./path_safety.ts";

/** Where a program given without a directory is looked for; also the PATH that it runs with. */
export const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Programs that run the file that their arguments name first. */
const interpreters =
  /^(?:(?:ba|da|a|z|k|mk)?sh|python[\d.]*|perl[\d.]*|ruby[\d.]*|php[\d.]*|lua[\d.]*|node|tclsh)$/;
/** What comes after them is the program itself, or the name of a module. */
const inlineOptions = /^-[a-zA-Z]*[cemr]$/;
/** Scripts whose interpreter is a script; the kernel stops at five (BINPRM). */
const nestingLimit = 5;

/**
 * The absolute path of a program: as given, or found in `searchPath`. Undefined when it is in none of its
 * directories.
 */
export function findProgram(program: string): string | undefined {
  if (program.includes("/")) return program;
  return searchPath.split(":").map((directory) => `${directory}/${program}`).find(isFile);
}

/**
 * What is wrong with a program that is to be run, naming the component of its path, who owns it, its mode and
 * what mends it; undefined when it is fine. It must exist and be a file that its user can execute; nobody but
 * root, vipd's own user and the user that it runs as may be able to change it, or any directory on the way
 * to it, symbolic links followed one by one. The same holds for its interpreter, for the program that
 * `#!/usr/bin/env` names, and for the script that an interpreter is given. Judges the files as they are now.
 */
export function inspectCommand(command: Pick<Command, "argv" | "user" | "group">): string | undefined {
  const [program = ""] = command.argv;
  try {
    const own = ownAccount();
    const account = findAccount(command) ?? own;
    return inspectProgram(command.argv, { account, trusted: new Set([0, own.uid, account.uid]) }, 1);
  } catch (error) {
    if (error instanceof CheckFailed) return error.message;
    // A name that is too long, a null byte.
    return `${program} cannot be examined: ${describe(error)}`;
  }
}

function inspectProgram(argv: readonly string[], judge: Judge, depth: number): string | undefined {
  const [program = "", ...args] = argv;
  const path = findProgram(program);
  if (path === undefined) return `${program} is not found in ${searchPath}`;
  if (!path.startsWith("/")) return `${path} is a relative path; give an absolute one, or a bare name`;
  const problem = inspectExecutable(path, judge);
  if (problem !== undefined) return problem;
  return inspectGivenScript(path, args, judge, depth) ?? inspectInterpreter(path, judge, depth);
}

/** `["python3", "/opt/check.py"]`: who can change the script decides what runs. */
function inspectGivenScript(
  path: string,
  args: readonly string[],
  judge: Judge,
  depth: number,
): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (name === "env" && depth < nestingLimit) {
    const argv = afterEnvironment(args);
    return argv.length === 0 ? undefined : inspectProgram(argv, judge, depth + 1);
  }
  if (!interpreters.test(name)) return undefined;
  const script = args.find((arg) => arg.startsWith("/") || inlineOptions.test(arg)) ?? "-";
  return script.startsWith("-") ? undefined : inspectScript(script, judge);
}

/** `#!/bin/sh`, `#!/usr/bin/env python3`: what the kernel would run instead. */
function inspectInterpreter(path: string, judge: Judge, depth: number): string | undefined {
  const head = readHead(path);
  const [, interpreter, rest = ""] = /^#![ \t]*([^ \t\r\n\0]+)[ \t]*([^\n\0]*)/.exec(head) ?? [];
  if (interpreter === undefined) return undefined;
  if (depth >= nestingLimit) return `${path} has an interpreter that has an interpreter, and so on`;
  const argv = [interpreter, ...rest.trim().split(/[ \t]+/).filter((word) => word !== "")];
  const problem = inspectProgram(argv, judge, depth + 1);
  return problem === undefined ? undefined : `${path} is run by ${interpreter}: ${problem}`;
}

/** What env(1) runs: without its options, and the variables that it sets. */
function afterEnvironment(args: readonly string[]): readonly string[] {
  const first = args.findIndex((arg) => !arg.startsWith("-") && !arg.includes("="));
  return first < 0 ? [] : args.slice(first);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    if (error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
}
