/*
 * A library for LD_PRELOAD under which keepalived takes the kernel for one with IPVS: every request is acknowledged and nothing is done.
 * keepalived checks no real server where it finds no IPVS; what its checks cost has nothing to do with it.
 */
#include <stddef.h>

struct nl_sock;
struct nl_msg;
typedef int callback(struct nl_msg *message, void *argument);

enum { NL_CB_FINISH = 1, NL_CB_ACK = 4, NL_CB_TYPES = 16, FAMILY = 32 };

static callback *callbacks[NL_CB_TYPES];
static void *arguments[NL_CB_TYPES];

int nl_socket_modify_cb(struct nl_sock *socket, int type, int kind, callback *function, void *argument) {
  (void)socket, (void)kind;
  if (type < 0 || type >= NL_CB_TYPES) return 0;
  callbacks[type] = function;
  arguments[type] = argument;
  return 0;
}

int genl_ctrl_resolve(struct nl_sock *socket, const char *name) {
  (void)socket, (void)name;
  return FAMILY;
}

int nl_send_auto(struct nl_sock *socket, struct nl_msg *message) {
  (void)socket, (void)message;
  return 1;
}

int nl_recvmsgs_default(struct nl_sock *socket) {
  static const int acknowledging[] = {NL_CB_FINISH, NL_CB_ACK};
  (void)socket;
  for (size_t i = 0; i < sizeof acknowledging / sizeof *acknowledging; i++) {
    int type = acknowledging[i];
    if (callbacks[type] != NULL) callbacks[type](NULL, arguments[type]);
  }
  return 0;
}
