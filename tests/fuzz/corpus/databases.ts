/** Sessions of servers that are kept: what one that is none, or means harm, must not be able to do. */
import type { Corpus } from "../target.ts";

/** Outcome; then the check's type, what the server says (a part behind each `|`), octets a read. */
export const DATABASES: Corpus = [
  [
    "PostgreSQL: an error message without an end",
    "postgres: fails",
    "postgres",
    "|E\u0000\u0000\u0000\u0004",
    "64",
  ],
  [
    "PostgreSQL: more columns than there are",
    "postgres: fails",
    "postgres",
    "|R\u0000\u0000\u0000\b\u0000\u0000\u0000\u0000Z\u0000\u0000\u0000\u0005I|D\u0000\u0000\u0000\u0006\xff|",
    "64",
  ],
  [
    "PostgreSQL: a copy nobody asked for",
    "postgres: fails",
    "postgres",
    "|R\u0000\u0000\u0000\b\u0000\u0000\u0000\u0000Z\u0000\u0000\u0000\u0005I|G\u0000\u0000\u0000\u0007\u0000\u0000\u0000|",
    "64",
  ],
  [
    "MySQL: too many connections",
    "mysql: fails",
    "mysql",
    "\u0017\u0000\u0000\u0000\xff\u0010\u0004Too many connections",
    "1",
  ],
  ["Redis: an answer that is none", "redis: fails", "redis", "|HTTP/1.1 400 Bad Request\r\n\r\n", "64"],
  ["Redis: a length beyond everything", "redis: is aborted", "redis", "|$99999999999999\r\nx|", "64"],
  ["Redis: loading", "redis: fails", "redis", "|-LOADING Redis is loading the dataset in memory\r\n|", "64"],
  [
    "haproxy: a table without its end",
    "haproxy: fails",
    "haproxy",
    "|Name: HAProxy\nVersion: 2.6.12\nStopping: 0\n\n# pxname,svname,status\nweb,FRONTEND,OPEN\n",
    "64",
  ],
  ["MySQL: nothing but zeros", "mysql: fails", "mysql", "\0".repeat(64), "5"],
  ["Redis: lists within lists", "redis: fails", "redis", `|${"*1\r\n".repeat(200)}$1\r\n1\r\n`, "64"],
];
