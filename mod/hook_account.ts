/** Whom a program that is told of something runs as: one rule for who judges it and for who runs it. PURE. */

/** Names of a user and a group; the daemon's own when absent. */
interface Names {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
}

/** What its own table says, or else `[notify]`; who names a user does not get the group of another one. */
export function hookAccount(
  own: Names,
  defaults: Names,
): { readonly user?: string; readonly group?: string } {
  const { user, group } = own.user === undefined
    ? { user: defaults.user, group: own.group ?? defaults.group }
    : own;
  return { ...(user === undefined ? {} : { user }), ...(group === undefined ? {} : { group }) };
}
