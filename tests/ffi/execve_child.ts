/**
 * The child of process_test.ts: enters the namespace named by its argument and becomes a shell that says
 * where it is.
 */

import { execve, openNamespace, setns } from "../../ffi/process.ts";

const [path = ""] = Deno.args;
setns(openNamespace(path));
const script = 'echo $$; readlink /proc/self/ns/net; echo "$1"; echo "$2"; env | grep MARK';
execve("/bin/sh", ["sh", "-c", script, "sh", "one", "two words, ü"], ["MARK=set", "PATH=/usr/bin:/bin"]);
