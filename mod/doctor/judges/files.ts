/** Files: who may read and write them, and whether there is room. PURE. */
import type { Facts, FileFacts } from "../facts.ts";
import { type Finding, problem, warning } from "../finding.ts";

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const GROUP_WRITE = 0o020;
const LEAST_BYTES = 1 << 20;

export function judgeFiles({ files }: Facts): Finding[] {
  return files.flatMap((file) => [...judgeModes(file), ...judgeRoom(file)]);
}

function judgeModes({ path, what, exists, mode, uid, secret }: FileFacts): Finding[] {
  if (!exists) {
    return what === "token"
      ? [problem(path, "the token file does not exist: nobody can give orders over TCP")]
      : [];
  }
  const octal = (mode & 0o7777).toString(8).padStart(4, "0");
  if ((mode & OTHERS_WRITE) !== 0 || ((mode & GROUP_WRITE) !== 0 && uid !== 0)) {
    const message = what === "configuration"
      ? "others may write the configuration, and with it run commands as vipd"
      : `others may write the ${what} file`;
    return [
      problem(path, message, [`mode ${octal}, user ${uid}`], [`chown root: ${path}`, `chmod go-w ${path}`]),
    ];
  }
  if (secret && (mode & OTHERS_READ) !== 0) {
    const message = what === "token"
      ? "everybody may read the token"
      : "everybody may read the passwords in it";
    return [warning(path, message, [`mode ${octal}`], [`chmod o-rwx ${path}`])];
  }
  return [];
}

function judgeRoom({ path, what, free }: FileFacts): Finding[] {
  if (what !== "state" || free === null || free >= LEAST_BYTES) return [];
  const message = "its file system is full: what an operator orders to last cannot be kept";
  return [problem(path, message, [`${free} bytes are free`], [`df -h ${path}`])];
}
