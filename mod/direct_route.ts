/** How to reach a daemon's API by its URL. */

/**
 * Always said outright, so that the environment's http_proxy neither gets between us and a daemon, maybe of
 * this very machine, nor gets to see its token.
 */
export function directRoute(url: string): Deno.Proxy {
  const { protocol, hostname, port } = new URL(url);
  const defaultPort = protocol === "https:" ? 443 : 80;
  return {
    transport: "tcp",
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? defaultPort : Number(port),
  };
}
