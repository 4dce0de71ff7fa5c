/*
 * Load for the punctuality bench. Every process ends by itself after SECONDS, whoever forgets it.
 *
 *   load spin SECONDS                                  one busy loop
 *   load http PORT PATH RATE CONNECTIONS SECONDS       RATE requests a second to 127.0.0.1, over connections that are kept
 *
 * http: stdout has {"answered":N,"seconds":S} after SIGTERM or SECONDS. A request goes out as soon as its time has come and a
 * connection is free; what a slow server leaves no room for is given up after a tenth of a second, so "answered" tells what was reached.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "common.h"

#define CONNECTIONS_MAX 512
#define HEAD_BYTES 4096
#define TICK_MS 1
#define BACKLOG_S 0.1

struct connection {
  int fd;
  int is_idle;
  size_t head_size;
  long body_left; /* -1 while the head is read */
  char head[HEAD_BYTES];
};

static struct connection connections[CONNECTIONS_MAX];

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void open_connection(struct connection *connection, int epoll, uint16_t port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int one = 1;
  connection->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connection->fd < 0 || connect(connection->fd, (struct sockaddr *)&to, sizeof to) < 0) die("connect");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0) die("epoll_ctl");
  connection->is_idle = 1;
}

/* The length of the body once the head is complete; -1 before. */
static long body_length(struct connection *connection, size_t *head_end) {
  char *end = memmem(connection->head, connection->head_size, "\r\n\r\n", 4);
  if (end == NULL) return -1;
  *head_end = (size_t)(end - connection->head) + 4;
  *end = '\0';
  char *length = strcasestr(connection->head, "\r\ncontent-length:");
  return length == NULL ? 0 : atol(length + 17);
}

/* Takes what has arrived; 1 when that completes an answer, -1 when the server has closed the connection. */
static int receive(struct connection *connection) {
  static char body[65536];
  int is_head = connection->body_left < 0;
  char *into = is_head ? connection->head + connection->head_size : body;
  ssize_t size = recv(connection->fd, into, is_head ? HEAD_BYTES - 1 - connection->head_size : sizeof body, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (size <= 0) return -1;
  if (is_head) {
    size_t head_end = 0;
    connection->head_size += (size_t)size;
    long length = body_length(connection, &head_end);
    if (length < 0) return 0;
    connection->body_left = length - (long)(connection->head_size - head_end);
  } else {
    connection->body_left -= size;
  }
  if (connection->body_left > 0) return 0;
  connection->is_idle = 1;
  return 1;
}

static void ask(struct connection *connection, const char *request, size_t size) {
  connection->is_idle = 0;
  connection->head_size = 0;
  connection->body_left = -1;
  /* A connection that the server has just closed: the next recv finds out. */
  if (send(connection->fd, request, size, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET) die("send");
}

static int load_http(char **argv) {
  uint16_t port = (uint16_t)atoi(argv[2]);
  double rate = atof(argv[4]);
  int count = atoi(argv[5]);
  char request[512];
  int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n", argv[3], port);
  if (count > CONNECTIONS_MAX) count = CONNECTIONS_MAX;
  signal(SIGTERM, on_signal);
  int epoll = epoll_create1(0);
  for (int i = 0; i < count; i++) open_connection(&connections[i], epoll, port);
  double began = now_s(), end = began + atof(argv[6]), last = began, owed = 0;
  long answered = 0;
  int next = 0;
  while (!stopping && now_s() < end) {
    double now = now_s();
    owed += (now - last) * rate;
    last = now;
    if (owed > rate * BACKLOG_S) owed = rate * BACKLOG_S;
    for (int i = 0; i < count && owed >= 1; i++) {
      struct connection *connection = &connections[next];
      next = (next + 1) % count;
      if (!connection->is_idle) continue;
      ask(connection, request, (size_t)size);
      owed -= 1;
    }
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, 64, TICK_MS);
    for (int i = 0; i < ready; i++) {
      struct connection *connection = events[i].data.ptr;
      int result = receive(connection);
      answered += result == 1;
      if (result >= 0) continue;
      close(connection->fd);
      open_connection(connection, epoll, port);
    }
  }
  printf("{\"answered\":%ld,\"seconds\":%.3f}\n", answered, now_s() - began);
  return 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "spin") == 0) {
    alarm((unsigned)atoi(argv[2]));
    for (volatile unsigned long i = 0;; i++) continue;
  }
  if (argc == 7 && strcmp(argv[1], "http") == 0) return load_http(argv);
  fprintf(stderr, "usage: load spin SECONDS | load http PORT PATH RATE CONNECTIONS SECONDS\n");
  return 2;
}
