/*
 * Trouble for a running process, for the crash tests: one thread held still, a kernel call that does not return, no memory left.
 *
 *   trouble hold TID MS                  this thread alone stands still, the others run on
 *   trouble call TID MS netlink|any N    the same, but inside its Nth system call on a netlink socket, or on anything
 *   trouble hog MIB                      takes so much memory, and is the last that the kernel would kill for it
 *
 * stdout: {"event":"held"} and {"event":"released"} with the time in milliseconds of CLOCK_REALTIME, {"event":"gone"} when the thread has
 * ended meanwhile, {"event":"never"} when the call did not come. A tracer that is killed lets go: nothing stays held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALL_WAIT_MS 4000 /* a renewal comes at least every 2 s */

static double now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void tell(const char *event) { printf("{\"event\":\"%s\",\"at_ms\":%.3f}\n", event, now_ms()); }

static void gone(void) {
  tell("gone");
  exit(0);
}

/* False when nothing happened until then. The thread's end, whoever caused it, ends us. */
static int wait_for_stop(pid_t tid, int *status, double until_ms) {
  for (;;) {
    pid_t result = waitpid(tid, status, __WALL | WNOHANG);
    if (result < 0 || (result == tid && !WIFSTOPPED(*status))) gone();
    if (result == tid) return 1;
    if (now_ms() >= until_ms) return 0;
    usleep(200);
  }
}

static int is_netlink(pid_t tid, uint64_t fd) {
  char path[64], target[64], line[256], inode[32];
  snprintf(path, sizeof path, "/proc/%d/fd/%llu", tid, (unsigned long long)fd);
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length <= 0) return 0;
  target[length] = 0;
  if (sscanf(target, "socket:[%31[0-9]]", inode) != 1) return 0;
  snprintf(path, sizeof path, "/proc/%d/net/netlink", tid);
  FILE *table = fopen(path, "r");
  int found = 0;
  while (table != NULL && !found && fgets(line, sizeof line, table) != NULL) {
    char *last = NULL;
    for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) last = word;
    found = last != NULL && strcmp(last, inode) == 0;
  }
  if (table != NULL) fclose(table);
  return found;
}

static int is_entry_of_wanted(pid_t tid, int netlink_only) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) < 0) return 0;
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return 0;
  return !netlink_only || is_netlink(tid, info.entry.args[0]);
}

/* Lets the thread run until it enters the Nth wanted call; false when that takes too long, and the thread is then running. */
static int run_to_call(pid_t tid, int netlink_only, int count) {
  double until_ms = now_ms() + CALL_WAIT_MS;
  long signal_number = 0;
  for (;;) {
    int status;
    if (ptrace(PTRACE_SYSCALL, tid, 0, signal_number) < 0) gone();
    if (!wait_for_stop(tid, &status, until_ms)) return 0;
    signal_number = 0;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      if (is_entry_of_wanted(tid, netlink_only) && --count <= 0) return 1;
    } else if (status >> 16 == 0) {
      signal_number = WSTOPSIG(status);
    }
  }
}

static void hold(pid_t tid, double ms, const char *call, int count) {
  int status;
  if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) < 0) gone();
  if (ptrace(PTRACE_INTERRUPT, tid, 0, 0) < 0) gone();
  wait_for_stop(tid, &status, 1e300);
  if (call != NULL && !run_to_call(tid, strcmp(call, "netlink") == 0, count)) {
    tell("never"); /* our end lets it go */
    return;
  }
  tell("held");
  double until_ms = now_ms() + ms;
  while (now_ms() < until_ms) {
    if (waitpid(tid, &status, __WALL | WNOHANG) == tid && !WIFSTOPPED(status)) gone();
    usleep(1000);
  }
  tell("released");
  ptrace(PTRACE_DETACH, tid, 0, 0);
}

static void hog(long mib) {
  FILE *score = fopen("/proc/self/oom_score_adj", "w");
  if (score != NULL) {
    fputs("-1000", score);
    fclose(score);
  }
  for (long i = 0; i < mib; i++) {
    char *block = malloc(1 << 20);
    if (block == NULL) break;
    memset(block, 1, 1 << 20);
  }
  tell("released");
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  alarm(60); /* nobody is held for longer, whatever becomes of us */
  if (argc == 4 && strcmp(argv[1], "hold") == 0) hold(atoi(argv[2]), atof(argv[3]), NULL, 0);
  else if (argc == 6 && strcmp(argv[1], "call") == 0) hold(atoi(argv[2]), atof(argv[3]), argv[4], atoi(argv[5]));
  else if (argc == 3 && strcmp(argv[1], "hog") == 0) hog(atol(argv[2]));
  else {
    fprintf(stderr, "usage: trouble hold TID MS | trouble call TID MS netlink|any N | trouble hog MIB\n");
    return 2;
  }
  return 0;
}
