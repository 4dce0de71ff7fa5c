/** `SSL` of keepalived.conf: the certificate that SSL_GET shows to real servers. */
import { wordAt } from "../arguments.ts";
import type { Conversion } from "../conversion.ts";
import type { Tell } from "../report.ts";
import { type Keywords, walk } from "../table.ts";
import type { Statement } from "../tree.ts";

const path = (keyword: string, key: "cert" | "key"): Keywords<Conversion>[number] => ({
  keyword,
  outcome: "converted",
  why: `tls.${key} of the checks of SSL_GET`,
  convert: (statement, { clientCertificate }, tell) => {
    const file = wordAt(statement, 0, tell)?.text;
    if (file !== undefined) clientCertificate[key] = file;
  },
});

export const SSL: Keywords<Conversion> = [
  path("certificate", "cert"),
  path("key", "key"),
  {
    keyword: "ca",
    outcome: "nothing to do",
    why:
      "keepalived verifies no certificate, whatever it is given; here it would be tls.ca, without verify = false",
  },
  {
    keyword: "password",
    outcome: "refused",
    why: "a key with a passphrase: store it without one, readable by vipd only (openssl pkey)",
  },
];

export function readSsl(statement: Statement, conversion: Conversion, tell: Tell): void {
  walk("SSL", SSL, statement.block ?? [], conversion, conversion);
  const { cert, key } = conversion.clientCertificate;
  if (cert === undefined && key !== undefined) tell.refuse("a key without a certificate");
  // A file that holds both.
  if (cert !== undefined && key === undefined) conversion.clientCertificate.key = cert;
}
