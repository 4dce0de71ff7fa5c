/**
 * nginx: the master process is alive, learnt from a pidfd the moment it dies; optionally a URL answers too.
 */
import * as z from "zod";
import { absolutePath, type CheckContext, defineCheck, fail, type Host, type Process } from "./check.ts";
import { containersOption, followProcesses } from "./follow.ts";
import { probeHttp } from "./http.ts";
import { expectOption, httpOptions, url } from "./http_options.ts";
import { connectTimeout } from "./origin.ts";

const options = z.strictObject({
  pid_file: absolutePath.optional()
    .describe(
      "nginx's pid file; default /run/nginx.pid, or any nginx master of this pid namespace if that names none",
    ),
  config: absolutePath.optional().describe("Choose the master that was started with -c and this file"),
  match: z.string().min(1).optional().describe("Choose the master whose command line contains this text"),
  name: z.string().min(1).default("nginx").describe("Process name, for forks of nginx such as angie"),
  containers: containersOption,
  url: url.optional().describe("URL to ask at each interval while the master is alive"),
  connect_timeout: connectTimeout,
  expect: expectOption,
});
type Options = z.output<typeof options>;

const defaultPidFile = "/run/nginx.pid";

export const nginx = defineCheck({
  type: "nginx",
  summary: "Passes while nginx's master process is alive (and a URL of it answers); a death is seen at once.",
  options,
  probe,
  watch: ({ host }, options, signal, report) =>
    followProcesses(host, () => findMaster(host, options), 1, report, signal),
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  const [master] = findMaster(context.host, options);
  if (master === undefined) return fail(absence(options));
  const note = `master process ${master.pid}`;
  if (options.url === undefined) return note;
  const { url, connect_timeout, expect } = options;
  const page = await probeHttp(context, { ...httpDefaults, url, connect_timeout, expect }, signal);
  return `${note}, ${page}`;
}

const httpDefaults = httpOptions.parse({});

/**
 * The master, if any. A pid file that is given decides alone, as another master could be another nginx;
 * without one, and without `config` or `match`, the usual pid file is the cheap way and /proc the thorough
 * one.
 */
function findMaster(host: Host, options: Options): Process[] {
  const { pid_file, config, match } = options;
  if (pid_file !== undefined) return fromPidFile(host, options, pid_file);
  const usual = config === undefined && match === undefined ? fromPidFile(host, options, defaultPidFile) : [];
  return usual.length > 0 ? usual : fromProc(host, options);
}

/**
 * During a binary upgrade (USR2) the old master's pid moves to .oldbin before the new one has written its
 * own.
 */
function fromPidFile(host: Host, options: Options, file: string): Process[] {
  for (const path of [file, `${file}.oldbin`]) {
    const pid = readPid(path);
    const process = pid === undefined ? undefined : host.process(pid);
    // The name guards against a stale file whose pid is somebody else's by now.
    if (process?.comm === options.name.slice(0, 15) && isChosen(host.commandLine(process), options)) {
      return [process];
    }
  }
  return [];
}

/** The oldest first: after an upgrade that is the one that serves until it is told to quit. */
function fromProc(host: Host, options: Options): Process[] {
  const title = `${options.name}: master process`;
  const commandLine = (line: string): boolean => line.startsWith(title) && isChosen(line, options);
  return host.processes({ comm: options.name, commandLine, containers: options.containers }).sort((a, b) =>
    a.startTime - b.startTime
  ).slice(
    0,
    1,
  );
}

/**
 * nginx's title keeps the arguments it was started with: "nginx: master process nginx -c /etc/nginx/b.conf".
 */
function isChosen(line: string, { config, match }: Options): boolean {
  if (match !== undefined && !line.includes(match)) return false;
  if (config === undefined) return true;
  const words = line.split(" ");
  return words.includes(`-c${config}`) ||
    words.some((word, index) => word === "-c" && words[index + 1] === config);
}

function readPid(path: string): number | undefined {
  try {
    const pid = Number(Deno.readTextFileSync(path).trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    return fail(`cannot read the pid file: ${String(error)}`);
  }
}

function absence({ pid_file, config, match, name }: Options): string {
  const choice = [config, match].filter((part) => part !== undefined).map((part) => ` with ${part}`).join("");
  return `no ${name} master process${choice}${pid_file === undefined ? "" : ` in ${pid_file}`}`;
}
