/* What the helpers of the tests share: an orderly end, the clock, punctuality, and the names of the nodes that answer. */
#ifndef COMMON_H
#define COMMON_H
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define NODES_MAX 16
#define NAME_MAX_BYTES 32

static volatile sig_atomic_t stopping;

static inline void on_signal(int signal_number) {
  (void)signal_number;
  stopping = 1;
}

static inline void die(const char *what) {
  perror(what);
  exit(1);
}

static inline int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline double ms(int64_t ns) { return (double)ns / 1e6; }

static inline void be_punctual(void) {
  struct sched_param priority = {.sched_priority = 10};
  mlockall(MCL_CURRENT | MCL_FUTURE); /* first: to fill megabytes in real time would hold up those we measure */
  sched_setscheduler(0, SCHED_RR, &priority); /* best effort: without the privilege we are only less exact */
}

struct names {
  char text[NODES_MAX][NAME_MAX_BYTES];
  uint32_t count;
};

/* A place for each name; when there are too many, the last one takes the rest. */
static inline uint8_t name_index(struct names *names, const char *name) {
  for (uint32_t i = 0; i < names->count; i++) {
    if (strcmp(names->text[i], name) == 0) return (uint8_t)i;
  }
  if (names->count == NODES_MAX) return NODES_MAX - 1;
  snprintf(names->text[names->count], NAME_MAX_BYTES, "%s", name);
  return (uint8_t)names->count++;
}
#endif
