/** The API's bearer token: read from a file, so that it stands in no configuration and in no process list. */
import { ConfigError } from "../errors.ts";

/** Enough that nobody guesses it, and no empty file opens the door. */
export const MIN_TOKEN_LENGTH = 16;

/**
 * The trimmed content of the file; null when none is configured. Throws a ConfigError that never shows the
 * token.
 */
export function readToken(path: string | undefined): string | null {
  if (path === undefined) return null;
  const token = readText(path).trim();
  if (token.length >= MIN_TOKEN_LENGTH) return token;
  throw tokenError(path, `expected a token of at least ${MIN_TOKEN_LENGTH} characters, got ${token.length}`);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw tokenError(path, `cannot read the token: ${error.message}`);
  }
}

function tokenError(file: string, message: string): ConfigError {
  return new ConfigError([{ file, line: 0, column: 0, path: "api.token_file", message }]);
}
