/** Run where nobody has more than one group: tells the ids that programs run with. */
import { LinuxHost } from "../../mod/health/host.ts";

const host = new LinuxHost();
const argv = ["/bin/sh", "-c", "echo $(id -u) $(id -g) $(id -G) $USER"];
for (
  const runAs of [{ user: "nobody" }, { user: "nobody", group: "audio" }, { user: "65534", group: "1" }, {
    group: "29",
  }]
) {
  const { output } = await host.run({ argv, ...runAs }, new AbortController().signal);
  await Deno.stdout.write(new TextEncoder().encode(output));
}
