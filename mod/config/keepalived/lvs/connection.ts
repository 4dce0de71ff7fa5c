/** Keywords of all checkers that open a connection: where to, and where from. */
import { addressAt, wholeNumberAt, wordAt } from "../arguments.ts";
import type { Keywords } from "../table.ts";
import type { Checker } from "./checkers.ts";

export const CONNECTION: Keywords<Checker> = [
  {
    keyword: "connect_ip",
    outcome: "converted",
    why: "check.address, of http check.connect_to",
    convert: (statement, { target }, tell) => {
      const address = addressAt(statement, 0, tell);
      if (address !== undefined) target.address = address;
    },
  },
  {
    keyword: "connect_port",
    outcome: "converted",
    why: "check.connect_port",
    convert: (statement, { target }, tell) => {
      const port = wholeNumberAt(statement, 0, [1, 65_535], tell);
      if (port !== undefined) target.port = port;
    },
  },
  {
    keyword: "bindto",
    outcome: "converted",
    why: "check.bind_address",
    convert: (statement, { options }, tell) => {
      const address = addressAt(statement, 0, tell);
      if (address !== undefined) options["bind_address"] = address;
    },
  },
  {
    keyword: "bind_if",
    outcome: "converted",
    why: "check.bind_interface",
    convert: (statement, { options }, tell) => {
      const name = wordAt(statement, 0, tell);
      if (name !== undefined) options["bind_interface"] = name.text;
    },
  },
  {
    keyword: "bind_port",
    outcome: "refused",
    why: "the kernel chooses the port that a check comes from; a filter has to let them all pass",
    optional: true,
  },
  {
    keyword: "fwmark",
    outcome: "converted",
    why: "check.fwmark",
    convert: (statement, { options }, tell) => {
      const mark = wholeNumberAt(statement, 0, [1, 0xffff_ffff], tell);
      if (mark !== undefined) options["fwmark"] = mark;
    },
  },
  {
    keyword: "log_all_failures",
    outcome: "nothing to do",
    why: "each failure is counted, and the last one is in `vipd status`",
  },
  {
    keyword: "nb_get_retry",
    outcome: "obsolete",
    why: "retry; but for HTTP_GET and SSL_GET keepalived 2 passes over it and retries once",
    convert: (statement, { timing, statement: checker }, tell) => {
      const retries = wholeNumberAt(statement, 0, [0, 99], tell);
      if (retries !== undefined) timing.retries = retries;
      const heeded = ["HTTP_GET", "SSL_GET"].includes(checker.keyword.text);
      tell.obsolete(
        heeded
          ? "the word is retry"
          : `the word is retry: keepalived 2 passes over this one and retries once; here it is ${
            retries ?? 1
          }, as it says`,
      );
    },
  },
];
