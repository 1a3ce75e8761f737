#include "common/lifecycle/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "common/base/check.hpp"

namespace hookfleet::lifecycle {
namespace {

sigset_t taken() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

Signals::Signals() {
  const sigset_t set = taken();
  HOOKFLEET_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  // A caller that ignores one (nohup) would hide it from the descriptor. An ignored SIGINT stays so: a shell's background job.
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (const int number : {SIGTERM, SIGHUP}) ::sigaction(number, &action, nullptr);
  action.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &action, nullptr);
  signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  HOOKFLEET_CHECK(signal_fd_ >= 0);
}

Signals::~Signals() { ::close(signal_fd_); }

void Signals::wait_for_stop(const std::function<void()>& on_reload, std::chrono::milliseconds every, const std::function<void()>& look) {
  using Clock = std::chrono::steady_clock;
  auto due = Clock::now() + every;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    pollfd polled[] = {{stop_.fd(), POLLIN, 0}, {signal_fd_, POLLIN, 0}};
    const int ready = ::poll(polled, 2, static_cast<int>(std::max(left, std::chrono::milliseconds(0)).count()));
    if (ready < 0) continue;  // EINTR
    if (ready == 0 || Clock::now() >= due) {
      if (look) look();
      due = Clock::now() + every;  // not `+=`: after a pause there is nothing to catch up with
    }
    if (ready == 0) continue;
    if (polled[0].revents != 0) return;
    signalfd_siginfo info;
    while (::read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      if (info.ssi_signo != SIGHUP) return;
      if (on_reload) on_reload();
    }
  }
}

void Signals::request_stop() noexcept { stop_.signal(); }

}  // namespace hookfleet::lifecycle
