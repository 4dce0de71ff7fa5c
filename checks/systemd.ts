/** systemd: a unit is active, as systemctl tells; the death of its main process is seen at once. */
import * as z from "zod";
import { type CheckContext, defineCheck, fail, type Process, type Report } from "./check.ts";
import { sleep } from "./deadline.ts";
import { describeEnd, runAs } from "./exec.ts";

const properties = ["LoadState", "ActiveState", "SubState", "Result", "MainPID"];
/** systemd may need a moment to notice that a main process is gone, which we have seen already. */
const lateness = { tries: 25, pauseMs: 20 } as const;

const states = [
  "active",
  "reloading",
  "activating",
  "deactivating",
  "inactive",
  "failed",
  "refreshing",
] as const;

const options = z.strictObject({
  unit: z.string().regex(/^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$/, { error: "expected the name of a unit" })
    .describe('Name of the unit, such as "nginx.service"; without a suffix it is a service'),
  states: z.array(z.enum(states)).min(1).default(["active", "reloading", "refreshing"])
    .describe("Values of ActiveState that pass"),
  sub_states: z.array(z.string().regex(/^[a-z-]+$/, { error: 'expected a state such as "running"' })).min(1)
    .optional().describe('Values of SubState that pass, such as ["running"]; default: any'),
  systemctl: z.tuple([z.string().min(1)], z.string()).default(["systemctl"])
    .describe("The program that asks systemd, and arguments that come first"),
});
type Options = z.output<typeof options>;

export const systemd = defineCheck({
  type: "systemd",
  summary: "Passes while a unit of systemd is active; the death of its main process is seen at once.",
  options,
  commands: ["systemctl"],
  probe,
  watch,
});

async function probe(context: CheckContext, options: Options, signal: AbortSignal): Promise<string> {
  for (let tries = 1;; tries++) {
    const unit = await show(context, options, signal);
    const main = unit.mainPid === 0 ? undefined : context.host.process(unit.mainPid);
    const isGone = unit.active === "active" && unit.mainPid !== 0 && main === undefined;
    // Where other processes are hidden from us all of them are gone.
    if (!isGone || tries >= lateness.tries) {
      mainOf(options).set(main);
      return judge(unit, options);
    }
    await sleep(lateness.pauseMs, signal);
    signal.throwIfAborted();
  }
}

/** What `systemctl show` says of a unit; 0 where it has no main process. */
interface Unit {
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  readonly result: string;
  readonly mainPid: number;
}

async function show(context: CheckContext, options: Options, signal: AbortSignal): Promise<Unit> {
  const { unit, systemctl } = options;
  const argv = [...systemctl, "show", "--no-pager", `--property=${properties.join()}`, unit];
  const result = await runAs(context, argv, signal);
  return result.code === 0 ? parseUnit(result.output) : fail(`systemctl: ${describeEnd(result)}`);
}

/** Lines of `Property=value`; `CheckFailed` when they do not tell the unit's state. */
export function parseUnit(output: string): Unit {
  const property = (name: string): string =>
    output.split("\n").findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1).trim() ?? "";
  const [load, active, sub, result] = properties.map(property) as [string, string, string, string];
  if (active === "") return fail("systemctl does not tell the unit's state");
  const pid = Number(property("MainPID"));
  return { load, active, sub, result, mainPid: Number.isSafeInteger(pid) && pid > 0 ? pid : 0 };
}

function judge({ load, active, sub, result }: Unit, { unit, states, sub_states }: Options): string {
  if (load === "not-found") return fail(`there is no unit ${unit}`);
  const said = `${unit} is ${active} (${sub})`;
  const why = result === "" || result === "success" ? "" : `: ${result}`;
  if (!(states as readonly string[]).includes(active)) return fail(`${said}${why}`);
  if (sub_states?.includes(sub) === false) return fail(`${said}, expected ${sub_states.join(" or ")}`);
  return said;
}

/** The main process that the last look saw, and who waits for one. */
class Main {
  process: Process | undefined;
  readonly #waiting = new Set<() => void>();

  set(process: Process | undefined): void {
    this.process = process;
    if (process === undefined) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  /** Until a look has seen one, or the abort. */
  async wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const resume = (): void => resolve();
    this.#waiting.add(resume);
    signal.addEventListener("abort", resume, { once: true });
    if (!signal.aborted) await promise;
    signal.removeEventListener("abort", resume);
    this.#waiting.delete(resume);
  }
}

const mains = new WeakMap<Options, Main>();

/** The same options come again with every look. */
function mainOf(options: Options): Main {
  const known = mains.get(options) ?? new Main();
  mains.set(options, known);
  return known;
}

/** The unit's state is not known from here: only that it has changed. */
async function watch(
  { host }: CheckContext,
  options: Options,
  signal: AbortSignal,
  report: Report,
): Promise<void> {
  const main = mainOf(options);
  while (!signal.aborted) {
    const { process } = main;
    if (process === undefined) {
      await main.wait(signal);
      continue;
    }
    await host.processExit(process, signal);
    if (main.process === process) main.process = undefined;
    if (!signal.aborted) report(undefined);
  }
}
