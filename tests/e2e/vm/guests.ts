/** The host's side of a guest: what it needs on its disk, and its results as they come. */
import { boot, makeDisk } from "./machine.ts";
import { run } from "../lab/command.ts";
import { vipdCommand } from "../lab/vipd.ts";
import { parseResult, type Result } from "./report.ts";
import { type Image, provideImage } from "./image.ts";
import { stepsOf } from "./scenarios.ts";

/** Configurations of tutorials: at /job/tutorials in the guest. */
const TUTORIALS = new URL("../scenarios/", import.meta.url).pathname;
const TIMEOUT_S = 600;
const CONSOLE_CHARACTERS_MAX = 20_000;

/** All that guests share: the image, and one disk with vipd, Deno and the bundled scenarios. */
export interface Guests extends AsyncDisposable {
  /**
   * Boots a guest for one scenario and returns when it has ended; throws when it did not come to its end.
   * Every line of its console goes to `onLine`.
   */
  run(scenario: string, onResult: (result: Result) => void, onLine?: (line: string) => void): Promise<void>;
}

export async function prepareGuests(): Promise<Guests> {
  const directory = await Deno.makeTempDir({ prefix: "vipd-guests-" });
  const remove = (): Promise<void> => Deno.remove(directory, { recursive: true });
  try {
    const image = await provideImage();
    const disk = `${directory}/job.ext4`;
    await fillDisk(`${directory}/job`, disk);
    return {
      run: (scenario, onResult, onLine) => runScenario(image, disk, scenario, onResult, onLine),
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function fillDisk(directory: string, disk: string): Promise<void> {
  await Deno.mkdir(directory);
  const entry = new URL("./guest.ts", import.meta.url).pathname;
  await run([Deno.execPath(), "bundle", "--quiet", "--output", `${directory}/guest.js`, entry]);
  const [vipd = ""] = vipdCommand();
  await Deno.copyFile(vipd, `${directory}/vipd`);
  await Deno.copyFile(Deno.execPath(), `${directory}/deno`);
  await run(["cp", "-r", TUTORIALS, `${directory}/tutorials`]);
  await makeDisk(directory, disk);
  await Deno.remove(directory, { recursive: true });
}

async function runScenario(
  image: Image,
  disk: string,
  scenario: string,
  onResult: (result: Result) => void,
  onLine: (line: string) => void = () => {},
): Promise<void> {
  let said = "";
  let told = 0;
  let failed = false;
  const listen = (line: string): void => {
    said = `${said}${line}\n`.slice(-CONSOLE_CHARACTERS_MAX);
    onLine(line);
    const result = parseResult(line);
    if (result === undefined) return;
    told++;
    failed ||= result.error !== undefined;
    onResult(result);
  };
  try {
    const exit = await boot(image, disk, scenario, TIMEOUT_S, listen);
    const steps = Object.keys(stepsOf(scenario) ?? {}).length;
    if (told !== steps || (exit !== 0) !== failed) {
      throw new Error(`The guest told ${told} results of ${steps} and ended with ${exit}`);
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(`${message}\nits console:\n${said}`, { cause: error });
  }
}
