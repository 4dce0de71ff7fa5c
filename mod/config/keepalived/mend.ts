/**
 * keepalived.conf as web pages and chats show it: line breaks are lost, and a comment swallows the statement
 * that stood below it. Puts them back before every keyword that has its value behind it.
 */

/** Part of a line of a file that is a line by itself. */
export interface Part {
  readonly text: string;
  /** 1-based, in the file. */
  readonly line: number;
  /** Characters before it in that line. */
  readonly offset: number;
}

/** Blocks, by what stands between their keyword and the brace. */
const BLOCKS = [
  "(?:vrrp_instance|vrrp_script|vrrp_sync_group|vrrp_track_process|track_file)\\s+[\\w.-]+\\s*(?=\\{)",
  "(?:virtual_server|real_server)\\s+[0-9a-fA-F.:]+\\s+\\d+\\s*(?=\\{)",
  "(?:global_defs|authentication|virtual_ipaddress_excluded|virtual_ipaddress|notification_email|group" +
  "|unicast_peer|track_script|track_interface|track_process|[A-Z]+_CHECK|HTTP_GET|SSL_GET|url)\\s*(?=\\{)",
];

/** Keywords, by what their value looks like. */
const VALUES: readonly (readonly [value: string, keywords: string])[] = [
  [
    "-?\\d",
    "virtual_router_id priority advert_int interval weight fall rise timeout preempt_delay version delay_loop " +
    "persistence_timeout connect_timeout connect_port nb_get_retry retry delay_before_retry smtp_connect_timeout " +
    "quorum garp_master_delay garp_master_repeat garp_master_refresh vrrp_garp_interval vrrp_gna_interval " +
    "status_code misc_timeout",
  ],
  ["(?:MASTER|BACKUP)", "state"],
  ["(?:PASS|AH)", "auth_type"],
  ["(?:TCP|UDP|SCTP)", "protocol"],
  ["(?:DR|NAT|TUN)", "lb_kind lvs_method"],
  ["(?:rr|wrr|lc|wlc|sh|dh|mh|sed|nq|lblc|lblcr)", "lb_algo lvs_sched"],
  ["[0-9a-fA-F]+[.:][0-9a-fA-F.:]+", "unicast_src_ip mcast_src_ip smtp_server sorry_server"],
  ["[\\w.@-]", "interface auth_pass router_id notification_email_from"],
  ['["/]', "script notify notify_master notify_backup notify_fault notify_stop misc_path path"],
];

const STATEMENTS = VALUES.flatMap(([value, keywords]) =>
  // The longest first: notify_master is not notify.
  `(?:${keywords.split(" ").toSorted((a, b) => b.length - a.length).join("|")})[ \\t]+(?=${value})`
);

const START = [...BLOCKS, ...STATEMENTS, "nopreempt\\b"].join("|");
/** A word that is glued to what is not ASCII, and the brace behind it. */
const LAST_NAME = "(?<=[^\\x00-\\x7f])[A-Za-z_][\\w.-]*\\s*(?=\\})";
const TOKENS = new RegExp(`"[^"]*"|[#!]|(?<start>${START})|(?<end>${LAST_NAME}|\\})`, "g");
/** A statement that has been commented out. */
const COMMENTED_OUT = new RegExp(`^[#!\\s]*(?:${START})`);

/** The lines, with those that had been lost; a file that has lost none comes back as it is. */
export function mend(text: string): Part[] {
  return text.split("\n").flatMap((line, i) => mendLine(line).map((part) => ({ ...part, line: i + 1 })));
}

function mendLine(line: string): { text: string; offset: number }[] {
  const parts: { text: string; offset: number }[] = [];
  const isWhole = /^\s*[#!]/.test(line);
  let from = 0;
  let comment: "none" | "words" | "statement" = "none";
  const breakAt = (index: number): void => {
    const piece = line.slice(from, index);
    // Braces end a line anyway.
    if (piece.trim() !== "" && (comment !== "none" || !/[{}]\s*$/.test(piece))) {
      parts.push({ text: piece, offset: from });
      from = index;
    }
    comment = "none";
  };
  for (const match of line.matchAll(TOKENS)) {
    const { start, end } = match.groups ?? {};
    if (comment === "none" && (match[0] === "#" || match[0] === "!")) {
      comment = COMMENTED_OUT.test(line.slice(match.index)) ? "statement" : "words";
    } else if (comment === "statement") continue;
    else if (start !== undefined) breakAt(match.index);
    // In a comment of its own line a brace is most likely part of the comment.
    else if (end !== undefined && comment === "words" && !(isWhole && parts.length === 0)) {
      breakAt(match.index);
    }
  }
  return [...parts, { text: line.slice(from), offset: from }];
}
