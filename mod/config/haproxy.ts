/** `[haproxy]` of vipd.toml and the `options` of a virtual server whose engine it is. */

/** The haproxy that vipd writes the configuration of, and runs. */
export interface HaproxyConfig {
  /** Absolute path; absent: looked for in a fixed PATH. */
  readonly binary?: string;
  /** vipd's own files: haproxy.cfg, sockets. */
  readonly directory: string;
  /** Lines added to the section `global`, and to `defaults`. */
  readonly global: readonly string[];
  readonly defaults: readonly string[];
}

/** What only haproxy can do for a virtual server. */
export interface HaproxyOptions {
  /** PEM file, or directory of these: TLS ends here. */
  readonly certificate?: string;
  /** X-Forwarded-For and X-Forwarded-Proto tell the real server who asked. */
  readonly forwarded?: boolean;
  /** A cookie of this name keeps a client on its real server. */
  readonly cookie?: string;
  /** In haproxy's words, in place of what the scheduler says. */
  readonly balance?: string;
  /** Lines added to the sections `frontend` and `backend`. */
  readonly frontend?: readonly string[];
  readonly backend?: readonly string[];
}
