/** interface: a network interface is up and running, learnt from netlink the moment it changes. */
import * as z from "zod";
import { type CheckContext, defineCheck, fail } from "./check.ts";

const options = z.strictObject({
  interface: z.string().min(1).max(15).describe("Name of the interface, such as eth1"),
});
type Options = z.output<typeof options>;

export const networkInterface = defineCheck({
  type: "interface",
  summary: "Passes while the network interface is up and has carrier; a change is seen at once.",
  options,
  probe,
  watch: ({ host }, options, signal, report) =>
    host.watchLink(
      options.interface,
      () => report(host.link(options.interface)?.running === true),
      signal,
    ),
});

function probe({ host }: CheckContext, options: Options): string {
  const link = host.link(options.interface);
  if (link === undefined) return fail(`there is no interface ${options.interface}`);
  if (!link.up) return fail(`${options.interface} is administratively down`);
  return link.running ? "up and running" : fail(`${options.interface} has no carrier`);
}
