/**
 * Programs that the configuration names: where they are, and whether only their owner and root can change
 * them.
 */
import { describe } from "./check.ts";

/** Where a program given without a directory is looked for; also the PATH that it runs with. */
export const searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * The absolute path of a program: as given, or found in `searchPath`. Undefined when it is in none of its
 * directories.
 */
export function findProgram(program: string): string | undefined {
  if (program.includes("/")) return program;
  return searchPath.split(":").map((directory) => `${directory}/${program}`).find((path) =>
    lookUp(path)?.isFile
  );
}

/**
 * What is wrong with a program that is to be run, naming the component of its path; undefined when it is
 * fine. It must exist, be an executable file, and no component of its path, nor of the path that symbolic
 * links lead to, may be writable by anybody but its owner and root. Looks at the file system of this moment.
 */
export function inspectCommand(program: string): string | undefined {
  try {
    return inspectPath(program, findProgram(program));
  } catch (error) {
    // A ring of symbolic links, a name that is too long, a null byte.
    return `${program} cannot be examined: ${describe(error)}`;
  }
}

function inspectPath(program: string, path: string | undefined): string | undefined {
  if (path === undefined) return `${program} is not found in ${searchPath}`;
  if (!path.startsWith("/")) return `${path} is a relative path; give an absolute one, or a bare name`;
  const problem = inspectComponents(path);
  if (problem !== undefined) return problem;
  const real = Deno.realPathSync(path);
  return (real === path ? undefined : inspectComponents(real)) ?? inspectFile(real);
}

function inspectComponents(path: string): string | undefined {
  const names = path.split("/").filter((name) => name !== "");
  const components = ["/", ...names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)];
  for (const component of components) {
    const info = lookUp(component);
    if (info === undefined) return `${component} does not exist`;
    if (isWritableByOthers(info)) {
      return `${component} is writable by others than its owner and root (${modeOf(info)})`;
    }
  }
  return undefined;
}

function inspectFile(path: string): string | undefined {
  const info = lookUp(path);
  if (info === undefined) return `${path} does not exist`;
  if (!info.isFile) return `${path} is not a file`;
  return ((info.mode ?? 0) & 0o111) === 0 ? `${path} is not executable (${modeOf(info)})` : undefined;
}

/** Members of group 0 count as root. */
function isWritableByOthers({ mode, gid }: Deno.FileInfo): boolean {
  const bits = mode ?? 0;
  return (bits & 0o002) !== 0 || ((bits & 0o020) !== 0 && gid !== 0);
}

function modeOf({ mode, gid }: Deno.FileInfo): string {
  return `mode ${((mode ?? 0) & 0o7777).toString(8).padStart(4, "0")}, group ${gid ?? "?"}`;
}

function lookUp(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
