/**
 * What happened, in keepalived's words: the arguments of its scripts, the lines of its FIFOs, the subjects of
 * its mails. PURE.
 */
import type { RouterState } from "../snapshot.ts";

/** A virtual router, or a sync group, whose priority is 0 for everybody. */
export interface Subject {
  readonly kind: "virtual_router" | "sync_group";
  readonly name: string;
  readonly priority: number;
}

/** Who takes no part is stopped. */
export const KEEPALIVED_STATES: Readonly<Record<RouterState, KeepalivedState>> = {
  ACTIVE: "MASTER",
  BACKUP: "BACKUP",
  FAULT: "FAULT",
  INIT: "STOP",
};
export type KeepalivedState = "MASTER" | "BACKUP" | "FAULT" | "STOP" | "DELETED";

/** What only FIFOs are told. */
export type KeepalivedEvent = "MASTER_RX_LOWER_PRI" | "MASTER_PRIORITY" | "BACKUP_PRIORITY";

/** Appended to what the operator wrote: `INSTANCE VI_1 MASTER 100`. */
export function argumentsOf(subject: Subject, state: KeepalivedState): string[] {
  return [typeOf(subject), subject.name, state, String(priorityOf(subject))];
}

/** `INSTANCE "VI_1" MASTER 100`, without the line break. */
export function stateLine(subject: Subject, word: KeepalivedState | KeepalivedEvent): string {
  return `${typeOf(subject)} "${subject.name}" ${word} ${priorityOf(subject)}`;
}

/** `VS [192.0.2.10]:tcp:80 UP`, without the line break. */
export function virtualServerLine(service: string, isUp: boolean): string {
  return `VS ${service} ${upOrDown(isUp)}`;
}

/** `RS [192.0.2.21]:tcp:80 [192.0.2.10]:tcp:80 DOWN`, without the line break. */
export function realServerLine(server: string, service: string, isUp: boolean): string {
  return `RS ${server} ${service} ${upOrDown(isUp)}`;
}

/** `[192.0.2.10]:tcp:80` */
export function serviceName(address: string, protocol: string, port: number): string {
  return `[${address}]:${protocol}:${port}`;
}

export interface Text {
  readonly subject: string;
  /** keepalived's sentence. */
  readonly body: string;
}

/** Below keepalived's sentence: why, and when (RFC 3339). */
export function withReason({ subject, body }: Text, reason: string, at: string): Text {
  return { subject, body: [body, "", reason, at].join("\n") };
}

/** Null: keepalived has no mail for that. */
export function stateMail(node: string, subject: Subject, state: KeepalivedState): Text | null {
  const isGroup = subject.kind === "sync_group";
  const head = `[${node}] VRRP ${isGroup ? "Group" : "Instance"} ${subject.name}`;
  switch (state) {
    case "MASTER":
    case "BACKUP":
    case "FAULT": {
      const owns = state === "MASTER" ? "now" : "no longer";
      const sentence = isGroup
        ? `All VRRP group instances are now in ${state} state`
        : `VRRP Instance is ${owns} owning VRRP VIPs`;
      return { subject: `${head} - Entering ${state} state`, body: `=> ${sentence} <=` };
    }
    case "STOP": {
      const sentence = isGroup ? "All VRRP group instances are now stopping" : "VRRP Instance stopping";
      return { subject: `${head} - Stopping`, body: `=> ${sentence} <=` };
    }
    case "DELETED":
      return { subject: `${head} - Deleted`, body: "=> Removed from the configuration <=" };
  }
}

export function virtualServerMail(node: string, service: string, isUp: boolean): Text {
  const body = isUp ? "=> Gained quorum <=" : "=> Lost quorum <=";
  return { subject: `[${node}] Virtualserver ${service} - ${upOrDown(isUp)}`, body };
}

export function realServerMail(node: string, server: string, service: string, isUp: boolean): Text {
  const subject = `[${node}] Realserver ${server} of virtual server ${service} - ${upOrDown(isUp)}`;
  return { subject, body: isUp ? "=> Checks pass <=" : "=> Checks fail <=" };
}

function typeOf({ kind }: Subject): "INSTANCE" | "GROUP" {
  return kind === "sync_group" ? "GROUP" : "INSTANCE";
}

function priorityOf({ kind, priority }: Subject): number {
  return kind === "sync_group" ? 0 : priority;
}

function upOrDown(isUp: boolean): "UP" | "DOWN" {
  return isUp ? "UP" : "DOWN";
}
