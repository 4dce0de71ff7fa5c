/*
 * A client-side outage probe of many addresses at once, for the bench.
 *
 *   sweep udp|icmp INTERVAL_US TIMEOUT_MS ADDRESS...    every address is asked once every interval
 *
 * "udp" asks the echo server of probe.c on port 7, which answers with the name of its node; "icmp" asks the kernel (name "-").
 * stdout, one JSON object a line: {"event":"node",...} whenever another node answers for an address, {"event":"result",...} after
 * SIGTERM. An outage of an address is a run of unanswered probes: from the sending of the last answered one before it to the sending
 * of the first answered one after it. Times are milliseconds of CLOCK_REALTIME. Runs under SCHED_RR with its memory locked where
 * permitted; "worst_send_gap_ms" says how punctual it was.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"

#define PROBES_MAX 3000000 /* of all addresses together */
#define SWEEPS_MAX 400000
#define TARGETS_MAX 1024
#define LIFETIME_S 390 /* a probe nobody stops ends by itself */
#define ECHO_PORT 7
#define UNANSWERED 255

struct probe {
  int64_t sent_ns;
  uint8_t node;
};

struct target {
  const char *text;
  struct sockaddr_storage address;
  socklen_t length;
  struct probe *probes;
  int last_node;
  uint32_t answered;
};

static struct target targets[TARGETS_MAX];
static uint32_t target_count;
static uint32_t sweep_count;
static uint32_t sweeps_max;
static struct names nodes;
static int64_t timeout_ns;
static int64_t worst_gap_ns;
static int icmp;

/* A probe's number says both its sweep and its target. */
static void answered(uint32_t number, const char *name, int64_t at_ns) {
  uint32_t sweep = number / target_count;
  struct target *target = &targets[number % target_count];
  if (sweep >= sweep_count) return;
  struct probe *probe = &target->probes[sweep];
  if (probe->node != UNANSWERED || at_ns - probe->sent_ns > timeout_ns) return;
  probe->node = name_index(&nodes, name);
  target->answered++;
  if (probe->node == target->last_node) return;
  target->last_node = probe->node;
  printf("{\"event\":\"node\",\"address\":\"%s\",\"node\":\"%s\",\"at_ms\":%.3f}\n", target->text, name, ms(probe->sent_ns));
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

/* Where the probe's number starts in what was received, -1 when it is no reply to this process. */
static long number_offset(const uint8_t *data, long size, int family) {
  if (!icmp) return size > 4 ? 0 : -1;
  long header = family == AF_INET ? (data[0] & 15) * 4 : 0; /* a raw IPv4 socket gives the IP header too */
  if (size < header + 12 || data[header] != (family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY)) return -1;
  uint16_t id;
  memcpy(&id, data + header + 4, 2);
  return id == htons((uint16_t)getpid()) ? header + 8 : -1;
}

static void receive_all(int fd, int family) {
  for (;;) {
    uint8_t data[128] = {0};
    char control[128];
    struct iovec vector = {.iov_base = data, .iov_len = sizeof data - 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);
    if (size < 0) return;
    long offset = number_offset(data, size, family);
    if (offset < 0) continue;
    uint32_t number;
    memcpy(&number, data + offset, 4);
    answered(number, icmp ? "-" : (char *)data + offset + 4, control_time_ns(&message));
  }
}

static uint16_t checksum(const uint8_t *data, size_t size) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < size; i += 2) sum += (uint32_t)(data[i] << 8 | data[i + 1]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return htons((uint16_t)~sum);
}

static void send_probe(int fd, struct target *target, uint32_t number) {
  uint8_t data[12] = {0};
  uint8_t *start = data + 8;
  size_t size = 4;
  memcpy(start, &number, 4);
  if (icmp) {
    int v4 = target->address.ss_family == AF_INET;
    uint16_t id = htons((uint16_t)getpid()), sum;
    data[0] = v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
    memcpy(data + 4, &id, 2);
    sum = v4 ? checksum(data, sizeof data) : 0; /* the kernel fills in ICMPv6's */
    memcpy(data + 2, &sum, 2);
    start = data;
    size = sizeof data;
  }
  sendto(fd, start, size, 0, (struct sockaddr *)&target->address, target->length); /* unreachable just now: stays unanswered */
}

static void send_sweep(int fd) {
  int64_t previous_ns = sweep_count > 0 ? targets[0].probes[sweep_count - 1].sent_ns : 0;
  for (uint32_t i = 0; i < target_count; i++) {
    struct probe *probe = &targets[i].probes[sweep_count];
    *probe = (struct probe){.sent_ns = now_ns(), .node = UNANSWERED};
    send_probe(fd, &targets[i], sweep_count * target_count + i);
  }
  int64_t gap_ns = previous_ns == 0 ? 0 : targets[0].probes[sweep_count].sent_ns - previous_ns;
  if (gap_ns > worst_gap_ns) worst_gap_ns = gap_ns;
  sweep_count++;
}

/* The next multiple of the interval that is still to come: after a stall the missed probes are not sent in a burst. */
static int64_t next_slot(int64_t slot_ns, int64_t interval_ns) {
  int64_t late_ns = now_ns() - slot_ns;
  return late_ns < interval_ns ? slot_ns + interval_ns : slot_ns + (late_ns / interval_ns + 1) * interval_ns;
}

static void run(int64_t interval_ns) {
  int family = targets[0].address.ss_family;
  int protocol = family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  int fd = icmp ? socket(family, SOCK_RAW, protocol) : socket(family, SOCK_DGRAM, 0);
  int on = 1, bytes = 4 << 20;
  if (fd < 0) die("socket");
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  int64_t slot_ns = now_ns() + interval_ns;
  int64_t end_ns = INT64_MAX;
  while (now_ns() < end_ns) {
    if (stopping && end_ns == INT64_MAX) end_ns = now_ns() + timeout_ns;
    int64_t left_ns = slot_ns - now_ns();
    if (left_ns < 0) left_ns = 0;
    struct timespec wait = {.tv_sec = left_ns / 1000000000, .tv_nsec = left_ns % 1000000000};
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    if (ppoll(&waiting, 1, &wait, NULL) > 0) receive_all(fd, family);
    if (now_ns() < slot_ns) continue;
    slot_ns = next_slot(slot_ns, interval_ns);
    if (sweep_count == sweeps_max) stopping = 1;
    if (!stopping) send_sweep(fd);
  }
  close(fd);
}

/* A run of lost probes as a JSON object; after is NULL when nothing was answered since. */
static void print_outage(const struct probe *before, const struct probe *after, uint32_t lost, int64_t end_ns, int first) {
  int64_t until_ns = after == NULL ? end_ns : after->sent_ns;
  printf("%s{\"start_ms\":%.3f,\"length_ms\":%.3f,\"lost\":%u,\"from\":\"%s\",\"to\":", first ? "" : ",", ms(before->sent_ns),
         ms(until_ns - before->sent_ns), lost, nodes.text[before->node]);
  if (after == NULL) printf("null}");
  else printf("\"%s\"}", nodes.text[after->node]);
}

static void print_target(const struct target *target, int first) {
  const struct probe *before = NULL;
  uint32_t lost = 0;
  int first_outage = 1;
  int64_t end_ns = sweep_count == 0 ? 0 : target->probes[sweep_count - 1].sent_ns;
  printf("%s{\"address\":\"%s\",\"sent\":%u,\"answered\":%u,\"outages\":[", first ? "" : ",", target->text, sweep_count, target->answered);
  for (uint32_t i = 0; i < sweep_count; i++) {
    const struct probe *probe = &target->probes[i];
    if (probe->node == UNANSWERED) {
      lost++;
      continue;
    }
    if (before != NULL && lost > 0) {
      print_outage(before, probe, lost, end_ns, first_outage);
      first_outage = 0;
    }
    before = probe;
    lost = 0;
  }
  if (before != NULL && lost > 0) print_outage(before, NULL, lost, end_ns, first_outage);
  printf("]}");
}

static void add_target(const char *text) {
  struct target *target = &targets[target_count++];
  struct sockaddr_in *v4 = (struct sockaddr_in *)&target->address;
  struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&target->address;
  uint16_t port = icmp ? 0 : htons(ECHO_PORT);
  target->text = text;
  target->last_node = -1;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    target->length = sizeof *v4;
  } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    target->length = sizeof *v6;
  } else {
    fprintf(stderr, "not an address: %s\n", text);
    exit(2);
  }
}

int main(int argc, char **argv) {
  struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: a blocked call ends */
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGALRM, &action, NULL);
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (argc < 5 || argc > TARGETS_MAX + 4 || (strcmp(argv[1], "udp") != 0 && strcmp(argv[1], "icmp") != 0)) {
    fprintf(stderr, "usage: sweep udp|icmp INTERVAL_US TIMEOUT_MS ADDRESS...\n");
    return 2;
  }
  icmp = strcmp(argv[1], "icmp") == 0;
  timeout_ns = atoll(argv[3]) * 1000000;
  for (int i = 4; i < argc; i++) add_target(argv[i]);
  sweeps_max = PROBES_MAX / target_count < SWEEPS_MAX ? PROBES_MAX / target_count : SWEEPS_MAX;
  for (uint32_t i = 0; i < target_count; i++) {
    targets[i].probes = calloc(sweeps_max, sizeof *targets[i].probes);
    if (targets[i].probes == NULL) die("calloc");
  }
  alarm(LIFETIME_S);
  be_punctual();
  run(atoll(argv[2]) * 1000);
  printf("{\"event\":\"result\",\"worst_send_gap_ms\":%.3f,\"targets\":[", ms(worst_gap_ns));
  for (uint32_t i = 0; i < target_count; i++) print_target(&targets[i], i == 0);
  printf("]}\n");
  return 0;
}
