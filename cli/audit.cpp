#include "cli/audit.hpp"

#include <unistd.h>

#include <array>

#include "cli/text.hpp"

namespace hookfleet::cli {

std::string who(const Environment& environment) {
  std::string user = "uid " + std::to_string(::getuid());
  for (const char* name : {"LOGNAME", "USER", "SUDO_USER"}) {
    if (const auto found = environment.find(name); found != environment.end() && !found->second.empty()) user = found->second;
  }
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return user + '@' + host.data();
}

void audit(Fleet& fleet, Console& console, const Environment& environment, const std::string& verb, const Facts& facts) {
  const std::string& key = fleet.keys().audit();
  const std::string now = time_text(fleet.now_ms());
  const std::string user = who(environment);
  std::vector<std::string_view> argv{"XADD", key, "MAXLEN", "~", "10000", "*", "v", "1", "when", now, "who", user, "verb", verb};
  for (const auto& [name, value] : facts) {
    argv.push_back(name);
    argv.push_back(value);
  }
  const redis::Reply reply = fleet.ask(redis::Argv(argv));
  if (!reply.view().is_error()) return;
  if (reply.view().error() == redis::ReplyError::kOom) {
    console.err("Redis is at maxmemory: no audit record could be written\n");
    return;
  }
  throw Failed{"the audit record could not be written, so nothing more is done: XADD " + shown(key) + ": " +
               shown(reply.view().text(), 200)};
}

}  // namespace hookfleet::cli
