/** The frame of an end-to-end test: a lab, a body, and on failure what the daemons said. */
import { createLab, type Lab, type LabOptions } from "../lab.ts";
import { replayed } from "./meter.ts";
import { router, type Vipd } from "./vipd.ts";
import { PATIENCE_MS, waitFor } from "./wait.ts";

const LOG_CHARACTERS_MAX = 20_000;

/** Runs the body in a fresh lab, see {@link replayed}; an error carries what was said in it. */
export function inLab(options: LabOptions, body: (lab: Lab) => Promise<void>): Promise<void> {
  return replayed(() => playOnce(options, body));
}

/** An error carries the end of every process's output. */
async function playOnce(options: LabOptions, body: (lab: Lab) => Promise<void>): Promise<void> {
  await using lab = await createLab(options);
  try {
    await body(lab);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(
      `${message}\n\nwhat the lab's processes said:\n${lab.logs().slice(-LOG_CHARACTERS_MAX)}`,
      { cause: error },
    );
  }
}

export interface Case {
  readonly name: string;
  readonly body: () => Promise<void>;
}

/**
 * One test of several steps that run at the same time, `width` of them at once: they mostly wait for timers.
 */
export function testTogether(name: string, cases: readonly Case[], width = 4): void {
  Deno.test(name, async (t) => {
    const waiting = [...cases];
    const worker = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        // Steps at the same time cannot tell whose resource is whose; the test around them still checks for
        // leaks.
        await t.step({
          name: next.name,
          fn: next.body,
          sanitizeOps: false,
          sanitizeResources: false,
          sanitizeExit: false,
        });
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
  });
}

/** Waits until the first is ACTIVE and all others are BACKUP for this virtual router. */
export async function settled(
  name: string,
  active: Vipd,
  backups: readonly Vipd[],
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  const states = (): Promise<string[]> =>
    Promise.all([active, ...backups].map(async (vipd) => (await router(vipd, name)).state));
  const expected = ["ACTIVE", ...backups.map(() => "BACKUP")].join();
  await waitFor(
    `${name} to be active on ${active.node.name} only`,
    async () => (await states()).join() === expected,
    timeoutMs,
  );
}

/** The page that the client gets from an address: the name of the node that served it. */
export async function page(lab: Lab, address: string): Promise<string> {
  const host = address.includes(":") ? `[${address}]` : address;
  return (await lab.client.exec(["curl", "-s", "-m", "20", `http://${host}/`], { mayFail: true })).trim();
}
