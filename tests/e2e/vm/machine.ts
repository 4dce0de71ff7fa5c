/**
 * A machine of QEMU's, emulated in software: boots the tests' kernel with one disk of ours, passes on what
 * its console says, and ends with the exit status of what ran in it.
 */
import type { Image } from "./image.ts";
import { run } from "../lab/command.ts";

const MEMORY_MIB = 1536;
const MEBIBYTE = 1024 * 1024;
/** What the guest's first process prints when it is done. */
const EXIT_LINE = /^@@exit (\d+)$/;

/** A disk of the files of a directory, which the guest sees as /job; removed with the directory around it. */
export async function makeDisk(directory: string, disk: string): Promise<void> {
  let octets = 0;
  for await (const { name } of Deno.readDir(directory)) {
    octets += (await Deno.stat(`${directory}/${name}`)).size;
  }
  const mebibytes = Math.ceil((octets * 1.1) / MEBIBYTE) + 16;
  await run([
    "mke2fs",
    "-q",
    "-t",
    "ext4",
    "-O",
    "^has_journal",
    "-m",
    "0",
    "-d",
    directory,
    disk,
    `${mebibytes}M`,
  ]);
}

/** What the guest's kernel command line says, besides the scenario to run. */
const KERNEL_ARGUMENTS =
  "console=ttyS0,115200 quiet loglevel=3 panic=-1 mitigations=off nokaslr tsc=unstable";

function command(image: Image, disk: string, scenario: string): string[] {
  const drive = (file: string): string[] => ["-drive", `file=${file},if=virtio,format=raw,readonly=on`];
  return [
    "qemu-system-x86_64",
    // One processor: a second one makes a guest no quicker, and another guest may use it.
    ...["-machine", "q35", "-accel", "tcg", "-cpu", "qemu64", "-smp", "1", "-m", `${MEMORY_MIB}`],
    ...["-nodefaults", "-display", "none", "-nic", "none", "-serial", "stdio", "-no-reboot"],
    ...["-kernel", image.kernel, "-initrd", image.initrd],
    ...["-append", `${KERNEL_ARGUMENTS} scenario=${scenario}`],
    ...drive(image.rootfs),
    ...drive(disk),
  ];
}

/**
 * Boots, calls `onLine` with every line of the console, and returns the exit status of the scenario. Throws
 * when the guest ends without one: it panicked, hung until `timeoutS`, or QEMU could not start it.
 */
export async function boot(
  image: Image,
  disk: string,
  scenario: string,
  timeoutS: number,
  onLine: (line: string) => void,
): Promise<number> {
  // It ends with us, even if we are killed, and in time.
  const limits = ["--pdeathsig", "TERM", "timeout", "--kill-after=2", `${timeoutS}`];
  const args = [...limits, ...command(image, disk, scenario)];
  const qemu = new Deno.Command("setpriv", { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  let exit: number | undefined;
  const [{ code }, complaint] = await Promise.all([
    qemu.status,
    new Response(qemu.stderr).text(),
    eachLine(qemu.stdout, (line) => {
      exit = EXIT_LINE.test(line) ? Number(EXIT_LINE.exec(line)?.[1]) : exit;
      onLine(line);
    }),
  ]);
  if (exit !== undefined) return exit;
  const why = code === 124 ? `it was stopped after ${timeoutS} s` : `QEMU ended with ${code}`;
  throw new Error(`The guest "${scenario}" did not finish: ${why}. ${complaint.trim()}`);
}

async function eachLine(stream: ReadableStream<Uint8Array>, onLine: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).replaceAll("\r", "").split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  }
  if (rest !== "") onLine(rest);
}
