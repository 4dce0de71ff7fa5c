/*
 * How long the machine itself stood still: on each processor a thread above all that is measured wakes up every two milliseconds and writes
 * down when it is late. What keeps it waiting is not vipd: the host of a virtual machine, mostly. Ordinary threads beside them, where wanted,
 * tell how long an ordinary process has to wait on a busy machine.
 */
#ifndef STANDSTILL_H
#define STANDSTILL_H
#include <pthread.h>
#include "common.h"

#define STANDSTILL_PERIOD_NS 2000000
#define STANDSTILL_MIN_NS 2000000 /* a processor that slept deeply is late by less */
#define STANDSTILLS_MAX 65536
#define STANDSTILL_STACK_BYTES 65536

enum watcher { ABOVE_ALL, ORDINARY };

struct standstill {
  int64_t from_ns;
  int64_t until_ns;
};

static struct standstill standstills[STANDSTILLS_MAX];
static uint32_t standstill_count;
static int64_t longest_wait_ns[2]; /* by enum watcher */

static void *standstill_watch(void *kind) {
  enum watcher watcher = kind == NULL ? ABOVE_ALL : ORDINARY;
  for (int64_t before_ns = now_ns();;) {
    struct timespec period = {.tv_nsec = STANDSTILL_PERIOD_NS};
    nanosleep(&period, NULL);
    int64_t after_ns = now_ns();
    int64_t due_ns = before_ns + STANDSTILL_PERIOD_NS;
    before_ns = after_ns;
    if (after_ns - due_ns > longest_wait_ns[watcher]) longest_wait_ns[watcher] = after_ns - due_ns; /* that two are lost is no matter */
    if (watcher == ORDINARY || after_ns - due_ns < STANDSTILL_MIN_NS) continue;
    uint32_t place = __atomic_fetch_add(&standstill_count, 1, __ATOMIC_RELAXED);
    if (place < STANDSTILLS_MAX) standstills[place] = (struct standstill){.from_ns = due_ns, .until_ns = after_ns};
  }
  return NULL;
}

/* From now on. Signals stay with the threads that are there already. */
static inline void watch_standstill(enum watcher watcher) {
  cpu_set_t allowed;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (sched_getaffinity(0, sizeof allowed, &allowed) < 0) die("sched_getaffinity");
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    pthread_attr_t attributes;
    pthread_t thread;
    cpu_set_t here;
    struct sched_param priority = {.sched_priority = 90};
    CPU_ZERO(&here);
    CPU_SET(cpu, &here);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STANDSTILL_STACK_BYTES);
    pthread_attr_setaffinity_np(&attributes, sizeof here, &here);
    if (pthread_create(&thread, &attributes, standstill_watch, watcher == ORDINARY ? &longest_wait_ns : NULL) != 0) die("pthread_create");
    if (watcher == ABOVE_ALL) pthread_setschedparam(thread, SCHED_RR, &priority); /* best effort, as be_punctual() */
    pthread_attr_destroy(&attributes);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static int standstill_order(const void *a, const void *b) {
  int64_t x = ((const struct standstill *)a)->from_ns, y = ((const struct standstill *)b)->from_ns;
  return (x > y) - (x < y);
}

/* To be called once, after which what is asked for does not change any more: in order, and how many. */
static inline uint32_t sort_standstills(void) {
  uint32_t count = __atomic_load_n(&standstill_count, __ATOMIC_RELAXED);
  if (count > STANDSTILLS_MAX) count = STANDSTILLS_MAX;
  qsort(standstills, count, sizeof standstills[0], standstill_order);
  return count;
}

/* How much of this time some processor stood still, of the first `count`, which are in order. */
static inline int64_t stood_still_ns(uint32_t count, int64_t from_ns, int64_t until_ns) {
  int64_t sum_ns = 0;
  for (uint32_t i = 0; i < count && standstills[i].from_ns < until_ns; i++) {
    int64_t begin_ns = standstills[i].from_ns > from_ns ? standstills[i].from_ns : from_ns;
    int64_t end_ns = standstills[i].until_ns < until_ns ? standstills[i].until_ns : until_ns;
    if (end_ns <= begin_ns) continue;
    sum_ns += end_ns - begin_ns;
    from_ns = end_ns;
  }
  return sum_ns;
}
#endif
