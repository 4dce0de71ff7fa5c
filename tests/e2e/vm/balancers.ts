/**
 * One description of virtual servers, written as vipd.toml and as keepalived.conf, so both daemons fill the
 * same table.
 */

export interface ServerSpec {
  readonly address: string;
  readonly weight: number;
  /** Lines of the real server's table, such as `initial = "down"`, as an inline table has them. */
  readonly vipd?: string;
  /** Lines of keepalived's real_server block. */
  readonly keepalived?: string;
}

/** Virtual servers of a lab: NAT, TCP, checked by connecting every second unless it says otherwise. */
export interface BalancerSpec {
  readonly name: string;
  /** vipd's line of what it is: `address = "192.0.2.1:80"`; and its other settings. */
  readonly vipd: string;
  /** keepalived's words between `virtual_server` and the block, and the block's lines. */
  readonly keepalived: readonly [what: string, lines: string];
  readonly servers: readonly ServerSpec[];
  /** The check; connecting unless another is given, null for none. */
  readonly check?: { readonly vipd: string; readonly keepalived: string } | null;
}

const TIMING = 'interval = "1s", timeout = "5s", retries = 1, retry_delay = "1s", warmup = "0s"';
const KEEPALIVED_TIMING = "connect_timeout 5\nretry 1\ndelay_before_retry 1\nwarmup 0";

const CONNECTING = { vipd: 'type = "tcp"', keepalived: `TCP_CHECK {\n${KEEPALIVED_TIMING}\n}` };
/** The page, and its status. */
export const PAGE = {
  vipd: 'type = "http", path = "/"',
  keepalived: `HTTP_GET {\nurl {\npath /\nstatus_code 200\n}\n${KEEPALIVED_TIMING}\n}`,
};

/** A program whose exit code is the weight. */
export function weighing(program: string): { readonly vipd: string; readonly keepalived: string } {
  return {
    vipd: `type = "exec", command = ["${program}"], weight_from_exit = true`,
    keepalived: `MISC_CHECK {\nmisc_path "${program}"\nmisc_timeout 5\nmisc_dynamic\nwarmup 0\nretry 0\n}`,
  };
}

export function vipdBalancers(specs: readonly BalancerSpec[]): string {
  return specs.map(({ name, vipd, servers, check = CONNECTING }) => {
    const list = servers.map((one) =>
      `{ address = "${one.address}", weight = ${one.weight}${one.vipd === undefined ? "" : `, ${one.vipd}`} }`
    );
    const looks = check === null ? "" : `check = { ${check.vipd}, ${TIMING} }\n`;
    return `[virtual_server.${name}]\n${vipd}\n${looks}real_server = [${list.join(", ")}]\n`;
  }).join("\n");
}

export function keepalivedBalancers(specs: readonly BalancerSpec[]): string {
  const blocks = specs.map(({ keepalived: [what, lines], servers, check = CONNECTING }) => {
    const list = servers.map(({ address, weight, keepalived = "" }) =>
      `real_server ${address.replace(":", " ")} {\nweight ${weight}\n${keepalived}\n${
        check?.keepalived ?? ""
      }\n}`
    );
    return `virtual_server ${what} {\ndelay_loop 1\nprotocol TCP\nlb_kind NAT\n${lines}\n${
      list.join("\n")
    }\n}\n`;
  });
  return `global_defs {\nenable_script_security\nscript_user root\n}\n${blocks.join("\n")}`;
}
