/**
 * Plays what a document shows on two machines: once under the daemon that its configuration is written for,
 * once under vipd with what `vipd convert` makes of the same files. Both have to hold the same addresses
 * after every step.
 */
import { assertEquals } from "@std/assert";
import { createLab, type Lab, type LabOptions } from "../lab.ts";
import type { Child } from "../lab/child.ts";
import { startKeepalived } from "../lab/keepalived.ts";
import { Machine, type MachineFiles } from "../lab/machine.ts";
import { replayed } from "../lab/meter.ts";
import { launchVipd, type Vipd, vipdCommand } from "../lab/vipd.ts";
import { waitFor } from "../lab/wait.ts";

const DIRECTORY = new URL("./", import.meta.url).pathname;
const KEEPALIVED_CONF = "/etc/keepalived/keepalived.conf";
/** Advertisements come every second or five, scripts run every two. */
const PATIENCE_MS = 40_000;
const LOG_CHARACTERS_MAX = 12_000;

export type Daemon = "keepalived" | "vipd";

export interface Scenario {
  /** Directory of its files; n1.conf and n2.conf are the machines' keepalived.conf. */
  readonly name: string;
  readonly lab: LabOptions;
  /** Path on both machines -> file of the directory. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly addresses: readonly string[];
}

/** Two machines with their daemons, and who holds which address. */
export class Stage {
  readonly #daemons = new Map<string, Child>();

  constructor(
    readonly scenario: Scenario,
    readonly lab: Lab,
    readonly n1: Machine,
    readonly n2: Machine,
  ) {}

  /** Starts a daemon with the machine's own keepalived.conf, converted where it is vipd. */
  async start(machine: Machine, daemon: Daemon): Promise<Vipd | undefined> {
    if (daemon === "keepalived") {
      const text = await readFile(this.scenario, `${machine.name}.conf`);
      this.#daemons.set(machine.name, await startKeepalived(machine, text));
      return undefined;
    }
    const vipd = await launchVipd(machine, await converted(machine));
    this.#daemons.set(machine.name, vipd.child);
    return vipd;
  }

  /** An orderly stop, or nothing where a script has stopped it already. */
  async stop(machine: Machine): Promise<void> {
    await this.#daemons.get(machine.name)?.stop("SIGTERM");
  }

  isRunning(machine: Machine): boolean {
    return this.#daemons.get(machine.name)?.running === true;
  }

  /** Who holds each address: "n1", "n2", "" or "n1+n2". */
  async holders(): Promise<string[]> {
    const machines = [this.n1, this.n2];
    const held = await Promise.all(machines.map((machine) => machine.addresses()));
    return this.scenario.addresses.map((address) =>
      machines.filter((_, i) => held[i]!.includes(address)).map(({ name }) => name).join("+")
    );
  }

  /** Waits until the addresses are where they belong, and a client gets them from there. */
  async holds(step: string, expected: readonly string[]): Promise<void> {
    const seen = async (): Promise<string[]> => [...await this.holders(), ...await this.pages()];
    const wanted = [...expected, ...expected];
    let last: string[] = [];
    await waitFor(step, async () => (last = await seen()).join() === wanted.join(), PATIENCE_MS, 100).catch(
      () => assertEquals(last, wanted, `${step}: holders and pages of ${this.scenario.addresses.join(", ")}`),
    );
  }

  /** The page that a client gets from each address. */
  pages(): Promise<string[]> {
    return Promise.all(this.scenario.addresses.map((address) => page(this.lab, `http://${address}/`)));
  }
}

/** The text of a page, "" without an answer within two seconds. */
export async function page(lab: Lab, url: string): Promise<string> {
  return (await lab.client.exec(["curl", "-s", "-m", "2", url], { mayFail: true })).trim();
}

/** `vipd convert`, as an operator runs it on the machine; nothing is edited. */
export async function converted(machine: Machine): Promise<string> {
  const file = "/run/vipd/vipd.toml";
  await machine.exec([...vipdCommand(), "convert", KEEPALIVED_CONF, "-o", file, "--force"]);
  await machine.exec([...vipdCommand(), "validate", file]);
  return await machine.exec(["cat", file]);
}

export function readFile({ name }: Scenario, file: string): Promise<string> {
  return Deno.readTextFile(`${DIRECTORY}${name}/${file}`);
}

/** A fresh pair of machines for the body; an error carries what its processes said. */
export function onStage(scenario: Scenario, body: (stage: Stage) => Promise<void>): Promise<void> {
  return replayed(() => playOnce(scenario, body));
}

async function playOnce(scenario: Scenario, body: (stage: Stage) => Promise<void>): Promise<void> {
  const lab = await createLab(scenario.lab);
  const machines: Machine[] = [];
  try {
    const [n1, n2] = await Promise.all(["n1", "n2"].map((name) => boot(scenario, lab, name)));
    machines.push(n1!, n2!);
    await Promise.all(machines.map((machine) => machine.startNginx()));
    await body(new Stage(scenario, lab, n1!, n2!));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const logs = machines.map((machine) => machine.logs()).join("\n").slice(-LOG_CHARACTERS_MAX);
    throw new Error(`${message}\n\nwhat the machines said:\n${logs}`, { cause: error });
  } finally {
    await lab[Symbol.asyncDispose]();
    await Promise.all(machines.map((machine) => machine.closed()));
  }
}

async function boot(scenario: Scenario, lab: Lab, name: string): Promise<Machine> {
  const scripts = Object.entries(scenario.scripts).map(async ([path, file]) => [
    path,
    await readFile(scenario, file),
  ]);
  const files: MachineFiles = {
    ...Object.fromEntries(await Promise.all(scripts)),
    [KEEPALIVED_CONF]: await readFile(scenario, `${name}.conf`),
  };
  return await Machine.of(lab, name, files);
}
