/*
 * A client-side outage probe and the echo server it talks to, for the end-to-end tests and the bench.
 *
 *   probe echo NAME PORT                               answer UDP on every local address, from the address asked, with NAME
 *   probe udp  ADDRESS PORT INTERVAL_US TIMEOUT_MS     one datagram every interval
 *   probe http ADDRESS PORT INTERVAL_US TIMEOUT_MS     one fresh connection every interval: GET /, 200, the body names the node
 *
 * stdout, one JSON object a line: {"event":"node",...} whenever another node answers, {"event":"result",...} after SIGTERM.
 * An outage is a run of unanswered probes: from the sending of the last answered one before it to the sending of the first answered one
 * after it. Times are milliseconds of CLOCK_REALTIME. Runs under SCHED_RR with its memory locked where permitted, so that load on
 * the machine is not mistaken for an outage; "worst_send_gap_ms" says how well that went, and "stood_still_ms" for how much of an outage
 * the machine itself stood still.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"
#include "standstill.h"

#define PROBES_MAX 400000
#define CONNECTIONS_MAX 1024 /* ring of open connections: interval x this must exceed the timeout */
#define LIFETIME_S 390 /* a probe nobody stops ends by itself */
#define UNANSWERED 255

struct probe {
  int64_t sent_ns;
  int64_t answered_ns;
  uint8_t node;
};

static struct probe *probes;
static uint32_t probe_count;
static struct names nodes;
static int last_node = -1;
static int64_t timeout_ns;
static uint32_t standstills_seen;

static void answered(uint32_t sequence, const char *name, int64_t at_ns) {
  if (sequence >= probe_count) return;
  struct probe *probe = &probes[sequence];
  if (probe->node != UNANSWERED || at_ns - probe->sent_ns > timeout_ns) return;
  probe->node = name_index(&nodes, name);
  probe->answered_ns = at_ns;
  if (probe->node == last_node) return;
  last_node = probe->node;
  printf("{\"event\":\"node\",\"node\":\"%s\",\"at_ms\":%.3f}\n", name, ms(probe->sent_ns));
}

static struct probe *new_probe(void) {
  if (probe_count == PROBES_MAX) {
    stopping = 1;
    return NULL;
  }
  struct probe *probe = &probes[probe_count++];
  probe->node = UNANSWERED;
  probe->sent_ns = now_ns();
  return probe;
}

/* A run of lost probes as a JSON object; after is NULL when nothing was answered since. */
static void print_outage(const struct probe *before, const struct probe *after, uint32_t lost, int64_t end_ns, int first) {
  int64_t until_ns = after == NULL ? end_ns : after->sent_ns;
  printf("%s{\"start_ms\":%.3f,\"length_ms\":%.3f,\"stood_still_ms\":%.3f,\"lost\":%u,\"from\":\"%s\",\"to\":", first ? "" : ",",
         ms(before->sent_ns), ms(until_ns - before->sent_ns), ms(stood_still_ns(standstills_seen, before->sent_ns, until_ns)), lost,
         nodes.text[before->node]);
  if (after == NULL) printf("null}");
  else printf("\"%s\"}", nodes.text[after->node]);
}

static void print_outages(int64_t end_ns) {
  const struct probe *before = NULL;
  uint32_t lost = 0;
  int first = 1;
  printf("\"outages\":[");
  for (uint32_t i = 0; i < probe_count; i++) {
    const struct probe *probe = &probes[i];
    if (probe->node == UNANSWERED) {
      lost++;
      continue;
    }
    if (before != NULL && lost > 0) {
      print_outage(before, probe, lost, end_ns, first);
      first = 0;
    }
    before = probe;
    lost = 0;
  }
  if (before != NULL && lost > 0) print_outage(before, NULL, lost, end_ns, first);
  printf("]");
}

static void print_result(void) {
  uint32_t per_node[NODES_MAX] = {0};
  uint32_t answered_count = 0;
  int64_t gap_ns = 0;
  int64_t slowest_ns = 0;
  standstills_seen = sort_standstills();
  for (uint32_t i = 0; i < probe_count; i++) {
    const struct probe *probe = &probes[i];
    if (i > 0 && probe->sent_ns - probes[i - 1].sent_ns > gap_ns) gap_ns = probe->sent_ns - probes[i - 1].sent_ns;
    if (probe->node == UNANSWERED) continue;
    answered_count++;
    per_node[probe->node]++;
    if (probe->answered_ns - probe->sent_ns > slowest_ns) slowest_ns = probe->answered_ns - probe->sent_ns;
  }
  printf("{\"event\":\"result\",\"sent\":%u,\"answered\":%u,\"worst_send_gap_ms\":%.3f,\"slowest_answer_ms\":%.3f,\"stood_still_ms\":%.3f,", probe_count,
         answered_count, ms(gap_ns), ms(slowest_ns), ms(stood_still_ns(standstills_seen, 0, now_ns())));
  printf("\"by_node\":{");
  for (uint32_t i = 0; i < nodes.count; i++) printf("%s\"%s\":%u", i == 0 ? "" : ",", nodes.text[i], per_node[i]);
  printf("},");
  print_outages(probe_count == 0 ? 0 : probes[probe_count - 1].sent_ns);
  printf("}\n");
}

static struct sockaddr_storage parse_address(const char *host, const char *port, socklen_t *length) {
  struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_DGRAM};
  struct addrinfo *info;
  if (getaddrinfo(host, port, &hints, &info) != 0) {
    fprintf(stderr, "not an address: %s\n", host);
    exit(2);
  }
  struct sockaddr_storage address = {0};
  memcpy(&address, info->ai_addr, info->ai_addrlen);
  *length = info->ai_addrlen;
  freeaddrinfo(info);
  return address;
}

static int64_t control_time_ns(struct msghdr *message) {
  for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL; control = CMSG_NXTHDR(message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_TIMESTAMPNS) continue;
    struct timespec at;
    memcpy(&at, CMSG_DATA(control), sizeof at);
    return (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
  }
  return now_ns();
}

static void receive_udp(int fd) {
  for (;;) {
    char data[64] = {0};
    char control[128];
    struct iovec vector = {.iov_base = data, .iov_len = sizeof data - 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 4) continue; /* an ICMP error reported on the socket: the probe stays unanswered */
    uint32_t sequence;
    memcpy(&sequence, data, 4);
    answered(sequence, data + 4, control_time_ns(&message));
  }
}

/* The next multiple of the interval that is still to come: after a stall the missed probes are not sent in a burst. */
static int64_t next_slot(int64_t slot_ns, int64_t interval_ns) {
  int64_t late_ns = now_ns() - slot_ns;
  return late_ns < interval_ns ? slot_ns + interval_ns : slot_ns + (late_ns / interval_ns + 1) * interval_ns;
}

static struct timespec until(int64_t at_ns) {
  int64_t left_ns = at_ns - now_ns();
  if (left_ns < 0) left_ns = 0;
  return (struct timespec){.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
}

static void run_udp(const char *host, const char *port, int64_t interval_ns) {
  socklen_t length;
  struct sockaddr_storage address = parse_address(host, port, &length);
  int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
  int on = 1;
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (connect(fd, (struct sockaddr *)&address, length) < 0) die("connect");
  int64_t slot_ns = now_ns() + interval_ns;
  int64_t end_ns = INT64_MAX;
  while (now_ns() < end_ns) {
    if (stopping && end_ns == INT64_MAX) end_ns = now_ns() + timeout_ns;
    struct timespec wait = until(slot_ns);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (ppoll(&waiting, 1, &wait, NULL) > 0) receive_udp(fd);
    if (now_ns() < slot_ns) continue;
    slot_ns = next_slot(slot_ns, interval_ns);
    if (stopping || new_probe() == NULL) continue;
    uint32_t sequence = probe_count - 1;
    if (send(fd, &sequence, sizeof sequence, 0) < 0) continue; /* unreachable just now: stays unanswered */
  }
  close(fd);
}

struct connection {
  int fd; /* -1 = done */
  size_t size;
  char data[512];
};
static struct connection connections[CONNECTIONS_MAX];

static struct connection *connection_of(uint32_t sequence) { return &connections[sequence % CONNECTIONS_MAX]; }

static void finish(uint32_t sequence) {
  struct connection *connection = connection_of(sequence);
  if (connection->fd < 0) return;
  close(connection->fd);
  connection->fd = -1;
}

static void read_response(uint32_t sequence) {
  struct connection *connection = connection_of(sequence);
  ssize_t size = recv(connection->fd, connection->data + connection->size, sizeof connection->data - 1 - connection->size, 0);
  if (size < 0 && errno == EAGAIN) return;
  if (size > 0) {
    connection->size += (size_t)size;
    if (connection->size < sizeof connection->data - 1) return;
  }
  int64_t at_ns = now_ns();
  char *body = strstr(connection->data, "\r\n\r\n");
  if (body != NULL && (memcmp(connection->data, "HTTP/1.1 200", 12) == 0 || memcmp(connection->data, "HTTP/1.0 200", 12) == 0)) {
    body += 4;
    body[strcspn(body, "\r\n \"\\")] = 0;
    if (body[0] != 0) answered(sequence, body, at_ns);
  }
  finish(sequence);
}

static void on_http_event(const struct epoll_event *event, int poller, const char *request) {
  uint32_t sequence = event->data.u32;
  struct connection *connection = connection_of(sequence);
  if (connection->fd < 0) return;
  if ((event->events & EPOLLOUT) != 0) {
    if (send(connection->fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
      finish(sequence);
      return;
    }
    struct epoll_event reading = {.events = EPOLLIN, .data.u32 = sequence};
    epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &reading);
    return;
  }
  read_response(sequence);
}

static void open_connection(int poller, const struct sockaddr_storage *address, socklen_t length) {
  if (new_probe() == NULL) return;
  uint32_t sequence = probe_count - 1;
  int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (fd < 0) die("socket");
  struct linger reset = {.l_onoff = 1, .l_linger = 0}; /* no TIME_WAIT: ports last for a long run */
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  *connection_of(sequence) = (struct connection){.fd = fd};
  if (connect(fd, (const struct sockaddr *)address, length) < 0 && errno != EINPROGRESS) {
    finish(sequence);
    return;
  }
  struct epoll_event writing = {.events = EPOLLOUT, .data.u32 = sequence};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &writing) < 0) die("epoll_ctl");
}

static void run_http(const char *host, const char *port, int64_t interval_ns) {
  socklen_t length;
  struct sockaddr_storage address = parse_address(host, port, &length);
  const char *request = "GET / HTTP/1.0\r\nHost: probe\r\nConnection: close\r\n\r\n";
  uint32_t oldest = 0;
  int poller = epoll_create1(0);
  if (poller < 0) die("epoll_create1");
  int64_t slot_ns = now_ns() + interval_ns;
  int64_t end_ns = INT64_MAX;
  while (now_ns() < end_ns) {
    if (stopping && end_ns == INT64_MAX) end_ns = now_ns() + timeout_ns;
    struct epoll_event events[32];
    struct timespec wait = until(slot_ns);
    int count = epoll_pwait2(poller, events, 32, &wait, NULL);
    for (int i = 0; i < count; i++) on_http_event(&events[i], poller, request);
    while (oldest < probe_count && now_ns() - probes[oldest].sent_ns > timeout_ns) finish(oldest++);
    if (now_ns() < slot_ns) continue;
    slot_ns = next_slot(slot_ns, interval_ns);
    if (!stopping) open_connection(poller, &address, length);
  }
  close(poller);
}

/* One dual-stack socket; the reply leaves from the address that was asked, so a connected client accepts it. */
static void run_echo(const char *name, const char *port) {
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  int on = 1, off = 0;
  struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
  if (fd < 0) die("socket");
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) die("bind");
  while (!stopping) {
    char data[64], control[128];
    struct sockaddr_storage peer;
    struct iovec vector = {.iov_base = data, .iov_len = sizeof data};
    struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &vector, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(fd, &message, 0) < 4) continue;
    struct cmsghdr *info = CMSG_FIRSTHDR(&message);
    if (info != NULL) { /* answer by the routing table, not by the interface it came in on */
      struct in6_pktinfo packet;
      memcpy(&packet, CMSG_DATA(info), sizeof packet);
      packet.ipi6_ifindex = IN6_IS_ADDR_LINKLOCAL(&packet.ipi6_addr) ? packet.ipi6_ifindex : 0;
      memcpy(CMSG_DATA(info), &packet, sizeof packet);
    }
    size_t length = strlen(name);
    if (length > sizeof data - 5) length = sizeof data - 5;
    memcpy(data + 4, name, length);
    vector.iov_len = 4 + length;
    message.msg_flags = 0;
    sendmsg(fd, &message, 0); /* the address may have just gone: the client counts that */
  }
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a blocked call ends */
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc == 4 && strcmp(argv[1], "echo") == 0) {
    be_punctual();
    run_echo(argv[2], argv[3]);
    return 0;
  }
  if (argc != 6 || (strcmp(argv[1], "udp") != 0 && strcmp(argv[1], "http") != 0)) {
    fprintf(stderr, "usage: probe echo NAME PORT | probe udp|http ADDRESS PORT INTERVAL_US TIMEOUT_MS\n");
    return 2;
  }
  probes = calloc(PROBES_MAX, sizeof *probes);
  if (probes == NULL) die("calloc");
  int64_t interval_ns = atoll(argv[4]) * 1000;
  timeout_ns = atoll(argv[5]) * 1000000;
  alarm(LIFETIME_S);
  be_punctual();
  watch_standstill(ABOVE_ALL);
  if (strcmp(argv[1], "udp") == 0) run_udp(argv[2], argv[3], interval_ns);
  else run_http(argv[2], argv[3], interval_ns);
  print_result();
  return 0;
}
