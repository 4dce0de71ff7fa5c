/** Files in memory for what reads keepalived.conf. */
import type { Files } from "../../../mod/config/keepalived/expand.ts";
import { expandGlob } from "../../../mod/config/glob.ts";

/** `texts` by path. */
export function filesOf(texts: Readonly<Record<string, string>>): Files {
  const paths = Object.keys(texts);
  return {
    read(path): ReturnType<Files["read"]> {
      const text = Object.hasOwn(texts, path) ? texts[path] : undefined;
      return text === undefined ? { problem: "no such file or directory" } : { text };
    },
    glob: (pattern) =>
      expandGlob(
        pattern,
        (directory) =>
          paths.filter((path) => path.startsWith(directory === "." ? "" : `${directory}/`))
            .map((path) => (directory === "." ? path : path.slice(directory.length + 1)).split("/")[0]!),
      ),
  };
}
