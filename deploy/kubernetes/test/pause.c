// Holds a pod's namespaces: waits to be told to end and reaps what is orphaned.
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) {
  (void)signal;
  _exit(0);
}

int main(void) {
  signal(SIGTERM, end);
  signal(SIGINT, end);
  for (;;) {
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    sleep(1);
  }
}
