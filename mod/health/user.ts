/** Accounts that commands run as, from /etc/passwd. */
import { CheckFailed } from "../../checks/check.ts";

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * The account of that name or uid. A uid that has no account stands for itself, with a group of the same
 * number.
 */
export function findUser(nameOrUid: string): Account {
  for (const line of Deno.readTextFileSync("/etc/passwd").split("\n")) {
    const [name, , uid, gid, , home] = line.split(":");
    if (home !== undefined && (name === nameOrUid || uid === nameOrUid)) {
      return { uid: Number(uid), gid: Number(gid), home };
    }
  }
  if (!/^\d{1,10}$/.test(nameOrUid)) throw new CheckFailed(`there is no user ${nameOrUid}`);
  return { uid: Number(nameOrUid), gid: Number(nameOrUid), home: "/" };
}
