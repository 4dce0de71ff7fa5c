/**
 * What vipd.toml will hold one day but this version does not do yet: refused by name, never taken for a
 * typing error.
 */

/** Tables and keys; `*` stands for any name. An entry goes when its feature comes. */
const UNSUPPORTED_KEYS: readonly string[] = [
  "virtual_router.*.authentication",
  "virtual_router.*.routes",
  "virtual_router.*.rules",
];

/** Check types to come; one that the registry already has is never looked up here. */
const UNSUPPORTED_CHECK_TYPES: readonly string[] = [
  "bfd",
];

export const UNSUPPORTED = "not supported by this version of vipd";

/** Whether the key at this path is one of a later version. */
export function isUnsupportedKey(path: readonly (string | number)[]): boolean {
  return UNSUPPORTED_KEYS.some((pattern) => {
    const parts = pattern.split(".");
    return parts.length === path.length && parts.every((part, i) => part === "*" || part === path[i]);
  });
}

export function isUnsupportedCheckType(type: string): boolean {
  return UNSUPPORTED_CHECK_TYPES.includes(type);
}
