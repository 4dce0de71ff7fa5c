/**
 * vipd on a kernel with IPVS: the scenarios of this directory, each in a guest that QEMU emulates, two guests
 * at a time.
 */
import { type Guests, prepareGuests } from "./guests.ts";
import { SCENARIOS } from "./scenarios.ts";

const GUESTS_AT_ONCE = 2;
/** Steps at the same time cannot tell whose resource is whose; the test around them checks for leaks. */
const TOGETHER = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

Deno.test("in a guest with IPVS", async (t) => {
  await using guests = await prepareGuests();
  const waiting = Object.keys(SCENARIOS);
  const worker = async (): Promise<void> => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
      const scenario = name;
      await t.step({ name, fn: (t) => playScenario(t, guests, scenario), ...TOGETHER });
    }
  };
  await Promise.all(Array.from({ length: GUESTS_AT_ONCE }, worker));
});

/** Boots the guest; its steps pass and fail here as they do there. */
async function playScenario(t: Deno.TestContext, guests: Guests, scenario: string): Promise<void> {
  const steps = Object.keys(SCENARIOS[scenario] ?? {}).map((step) => ({
    step,
    ...Promise.withResolvers<string | undefined>(),
  }));
  const played = guests.run(scenario, ({ step, error }) => {
    steps.find((one) => one.step === step)?.resolve(error);
  }).catch((error: Error) => error.message);
  // A step that has no result when the guest is gone has failed by that.
  const ended = played.then((why) =>
    steps.forEach(({ resolve }) => resolve(why ?? "The guest ended before"))
  );
  for (const { step, promise } of steps) {
    const fn = async (): Promise<void> => {
      const error = await promise;
      if (error !== undefined) throw new Error(error);
    };
    await t.step({ name: step, fn, ...TOGETHER });
  }
  await ended;
}
