#include "common/redis/script.hpp"

#include "common/digest/digest.hpp"

namespace hookfleet::redis {

Script::Script(std::string_view script_name, std::string_view script_source)
    : name(script_name), source(script_source), sha1(digest::sha1_hex(script_source)) {}

tl::expected<void, std::string> load(Connection& connection, std::span<const Script* const> scripts) {
  for (const Script* script : scripts) {
    const auto reply = connection.call({"SCRIPT", "LOAD", script->source});
    if (!reply) return tl::unexpected("script " + std::string(script->name) + ": " + reply.error().message);
    if (reply->view().text() != script->sha1) {
      return tl::unexpected("script " + std::string(script->name) + " was not loaded: " + std::string(reply->view().text()));
    }
  }
  return {};
}

}  // namespace hookfleet::redis
