/*
 * How long the machine kept everybody waiting while a test ran, on any processor: those above all that is tested, and ordinary processes.
 *
 *   meter        until SIGTERM; then {"machine_ms":...,"ordinary_ms":...}, the longest wait of each kind
 *
 * It says {"event":"watching"} when it has begun, and ends with its parent.
 */
#define _GNU_SOURCE
#include <sys/prctl.h>
#include <unistd.h>
#include "standstill.h"

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGTERM, &action, NULL);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  mlockall(MCL_CURRENT | MCL_FUTURE);
  watch_standstill(ABOVE_ALL);
  watch_standstill(ORDINARY);
  setvbuf(stdout, NULL, _IOLBF, 0);
  printf("{\"event\":\"watching\"}\n");
  while (!stopping && getppid() != 1) usleep(20000);
  printf("{\"machine_ms\":%.3f,\"ordinary_ms\":%.3f}\n", ms(longest_wait_ns[ABOVE_ALL]), ms(longest_wait_ns[ORDINARY]));
  return 0;
}
