// hookfleet-worker with a handler for messages that does what the message's text says, so that a test can have it misbehave:
//   throw | fail | reject | abort | hang | unavailable [FILE]      as long as FILE isn't there; then, and for any other text: done
// HOOKFLEET_TEST_JOURNAL names a file that takes a line when a handling begins and one when it returns, in the order in which they
// happen over all processes and whole even when a process is killed: `begin|end <pid> <ms since boot> <instance>/<chat> <idMessage>`.
// HOOKFLEET_TEST_WORK_MS is how long each handling takes. With HOOKFLEET_TEST_IDLE all handlers do nothing instead.
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "common/base/clock.hpp"
#include "worker/handlers/shipped.hpp"
#include "worker/program.hpp"

namespace {

using namespace hookfleet;
using handlers::Handled;
using notification::Notification;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

class ObedientHandler final : public handlers::Handler {
 public:
  ObedientHandler()
      : journal_(::open(environment("HOOKFLEET_TEST_JOURNAL").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)),
        work_(std::atoi(environment("HOOKFLEET_TEST_WORK_MS").c_str())) {}

  Handled handle(const Notification& notification, const std::stop_token& cancel) override {
    static_cast<void>(cancel);  // a handler that hangs is one that doesn't look
    write("begin", notification);
    if (work_.count() > 0) std::this_thread::sleep_for(work_);
    Handled handled = obey(notification);
    write("end", notification);
    return handled;
  }

 private:
  static Handled obey(const Notification& notification) {
    const std::string said = notification.json().value("/messageData/textMessageData/textMessage"_json_pointer, std::string());
    std::istringstream words(said);
    std::string verb, file;
    words >> verb >> file;
    const auto mended = [&] { return !file.empty() && ::access(file.c_str(), F_OK) == 0; };
    if (!mended()) {
      if (verb == "throw") throw std::runtime_error("as it was told");
      if (verb == "fail") return Handled::retry("as it was told");
      if (verb == "reject") return Handled::reject("as it was told");
      if (verb == "unavailable") return Handled::unavailable("as it was told");
      if (verb == "abort") std::abort();
      while (verb == "hang" && !mended()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return Handled::done({handlers::count(notification)});
  }

  void write(const char* what, const Notification& notification) const {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(base::BootClock::now().time_since_epoch()).count();
    const std::string line = std::string(what) + " " + std::to_string(::getpid()) + " " + std::to_string(ms) + " " +
                             std::to_string(notification.id_instance) + "/" + notification.chat + " " + notification.id_message + "\n";
    // One write to a file opened for appending is one piece, whoever else writes.
    static_cast<void>(::write(journal_, line.data(), line.size()) + 1);
  }

  const int journal_;
  const std::chrono::milliseconds work_;
};

class IdleHandler final : public handlers::Handler {
 public:
  Handled handle(const Notification& /*notification*/, const std::stop_token& /*cancel*/) override { return Handled::done({}); }
};

}  // namespace

int main(int argc, char** argv) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  handlers::Handlers handlers;
  if (!environment("HOOKFLEET_TEST_IDLE").empty()) {
    for (const char* name : {"message", "message_status", "instance_state", "call", "quota", "device"}) {
      handlers.add(name, std::make_unique<IdleHandler>());
    }
  } else {
    handlers.add("message", std::make_unique<ObedientHandler>());
  }
  handlers::add_shipped(handlers);
  return worker::run(argc, argv, handlers);
}
