#include "ingress/http/kick.hpp"

#include <pistache/stream.h>
#include <pistache/transport.h>

#include <array>
#include <chrono>

#include "common/base/thread.hpp"

namespace hookfleet::http {
namespace {
using namespace std::chrono_literals;
constexpr std::array kPauses{5ms, 5ms, 25ms, 125ms};  // before each kick after the last answer; the self-probe does the rest
}  // namespace

Kick::Kick() {
  thread_ = base::start_thread("kick", [this] { run(); });
}

void Kick::after_send() noexcept {
  // Sequentially consistent with run(): either it sees this answer before it sleeps, or we see that it sleeps.
  sent_.fetch_add(1);
  if (!asleep_.load()) return;
  const base::MutexLock lock(mutex_);
  changed_.notify_one();
}

void Kick::stop() {
  {
    const base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Kick::run() {
  const base::MutexLock lock(mutex_);
  std::uint64_t seen = 0;
  while (!stopping_) {
    asleep_.store(true);
    while (!stopping_ && sent_.load() == seen) changed_.wait(mutex_);
    asleep_.store(false);
    seen = sent_.load();
    for (std::size_t kicks = 0; kicks < kPauses.size() && !stopping_;) {
      changed_.wait_for(mutex_, kPauses[kicks]);
      if (const std::uint64_t now = sent_.load(); now != seen) {
        seen = now;  // a later answer woke the library; its own wake-up is what may be lost now
        kicks = 0;
      } else {
        push();
        ++kicks;
      }
    }
  }
}

void Kick::push() noexcept {
  auto* const transport = transport_.load(std::memory_order_acquire);
  if (transport == nullptr) return;
  try {
    transport->asyncWrite(-1, Pistache::RawBuffer("x", 1));
  } catch (...) {  // no memory, or no room in the event counter: the next one, or the self-probe
  }
}

}  // namespace hookfleet::http
