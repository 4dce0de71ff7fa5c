/*
 * A library for LD_PRELOAD that opens sockets of the kernel's process connector in the network namespace whose file CONNECTOR_NETNS
 * names: the initial one is the only one whose connector speaks. So keepalived's own process tracking works in the namespaces of the
 * bench as it does on a host.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

typedef int socket_function(int domain, int type, int protocol);

int socket(int domain, int type, int protocol) {
  socket_function *real = (socket_function *)dlsym(RTLD_NEXT, "socket");
  if (domain != AF_NETLINK || protocol != NETLINK_CONNECTOR) return real(domain, type, protocol);
  const char *path = getenv("CONNECTOR_NETNS");
  int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  int initial = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  int entered = own >= 0 && initial >= 0 && setns(initial, CLONE_NEWNET) == 0;
  int fd = real(domain, type, protocol);
  if (entered && setns(own, CLONE_NEWNET) != 0) _exit(1);
  if (own >= 0) close(own);
  if (initial >= 0) close(initial);
  return fd;
}
