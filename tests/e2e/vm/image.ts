/**
 * The guest's kernel, initrd and root file system: made once per version of their recipe, and kept in the
 * user's cache, where runs share them.
 */
import { run } from "../lab/command.ts";
import { exists } from "../lab/files.ts";

const RECIPE = new URL("./image/", import.meta.url).pathname;
const RECIPE_FILES = ["build", "early_init", "init"];
const TOOLS = ["qemu-system-x86_64", "mmdebstrap", "mke2fs", "cpio", "depmod"];
const BUILD_TIMEOUT_S = 300;
const DAY_MS = 86_400_000;
/** Images of other recipes go when nobody has used them for so long. */
const UNUSED_MS = 7 * DAY_MS;

export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  readonly rootfs: string;
}

/** The image of today's recipe, built if need be; an error with the reason where that is not possible. */
export async function provideImage(): Promise<Image> {
  await requireTools();
  const cache = await cacheDirectory();
  const name = `guest-${await recipeHash()}`;
  // Two runs do not build the same thing at once, nor does one sweep what the other makes.
  using lock = await Deno.open(`${cache}/guest.lock`, { create: true, write: true });
  await lock.lock(true);
  if (!exists(`${cache}/${name}`)) await build(`${cache}/${name}`);
  await Deno.utime(`${cache}/${name}`, new Date(), new Date());
  await sweep(cache, name);
  const at = (file: string): string => `${cache}/${name}/${file}`;
  return { kernel: at("vmlinuz"), initrd: at("initrd.gz"), rootfs: at("rootfs.ext4") };
}

async function requireTools(): Promise<void> {
  if (Deno.build.arch !== "x86_64") {
    throw new Error(`The guest is an x86_64 one, this host ${Deno.build.arch}`);
  }
  const script = `PATH=$PATH:/usr/sbin:/sbin; for one; do command -v "$one" >/dev/null || echo "$one"; done`;
  const missing = (await run(["sh", "-c", script, "which", ...TOOLS])).trim().split("\n").join(" ");
  if (missing !== "") {
    throw new Error(`The guest cannot be built here: no ${missing} (tests/run installs what is needed)`);
  }
}

async function cacheDirectory(): Promise<string> {
  const base = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/var"}/.cache`;
  await Deno.mkdir(`${base}/vipd`, { recursive: true });
  return `${base}/vipd`;
}

/** Of the recipe and of what it reads of the host: the release whose packages it takes. */
async function recipeHash(): Promise<string> {
  const files = [...RECIPE_FILES.map((name) => RECIPE + name), "/etc/os-release"];
  const texts = await Promise.all(files.map((file) => Deno.readTextFile(file)));
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(texts.join("\0")));
  return new Uint8Array(hash).toHex().slice(0, 16);
}

/** Builds under another name first: a directory of the right name is complete. */
async function build(directory: string): Promise<void> {
  const unfinished = `${directory}.unfinished`;
  await removeTree(unfinished);
  await run(["timeout", "--kill-after=5", `${BUILD_TIMEOUT_S}`, `${RECIPE}build`, unfinished]);
  await Deno.rename(unfinished, directory);
}

async function sweep(cache: string, current: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(cache)) {
    if (!isDirectory || !name.startsWith("guest-") || name === current) continue;
    const { mtime } = await Deno.stat(`${cache}/${name}`);
    if (mtime !== null && mtime.getTime() < Date.now() - UNUSED_MS) await removeTree(`${cache}/${name}`);
  }
}

async function removeTree(path: string): Promise<void> {
  if (exists(path)) await Deno.remove(path, { recursive: true });
}
