#include "worker/routes/settings.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>
#include <utility>

#include "common/base/ascii.hpp"
#include "common/config/nearest.hpp"
#include "common/notification/types.hpp"
#include "worker/forward/settings.hpp"

namespace hookfleet::routes {
namespace {

using Check = config::Settings::Check;

std::vector<std::string> texts_of(std::span<const std::string_view> names) { return {names.begin(), names.end()}; }

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// Of an open list of names. Real names lie as near as stateInstanceChanged and statusInstanceChanged, and new ones must be routable before
/// we know them, so that a near miss is only a warning.
Check near_miss(std::vector<std::string> known) {
  return [known = std::move(known)](const std::string& text) -> std::optional<std::string> {
    constexpr std::size_t kNear = 2;
    if (std::find(known.begin(), known.end(), text) != known.end()) return std::nullopt;
    const std::string nearest = config::nearest(text, known);
    if (config::edit_distance(text, nearest) > kNear && base::lower(text) != base::lower(nearest)) return std::nullopt;
    return "is not documented, but nearly " + nearest + "; if that is meant, write it";
  };
}

std::optional<std::string> check_not_empty(const std::string& text) {
  if (text.empty()) return "is empty";
  return std::nullopt;
}

std::optional<std::string> check_instance(const std::string& text) {
  std::uint64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error == std::errc() && end == text.data() + text.size() && !text.starts_with('0')) return std::nullopt;
  return "is not the number of an instance; write one such as 1101000001";
}

std::optional<std::string> check_chat(const std::string& text) {
  const auto kinds = texts_of(notification::chat_kind_names());
  if (std::find(kinds.begin(), kinds.end(), text) != kinds.end()) return std::nullopt;
  return "is no kind of chat; the nearest is " + config::nearest(text, kinds) + "; write some of " + joined(kinds);
}

std::vector<std::string> statuses() {
  std::vector<std::string> known = texts_of(notification::message_statuses());
  for (const std::string_view status : notification::call_statuses()) known.emplace_back(status);
  return known;
}

Check handler_check(std::vector<std::string> handlers) {
  return [handlers = std::move(handlers)](const std::string& text) -> std::optional<std::string> {
    if (std::find(handlers.begin(), handlers.end(), text) != handlers.end()) return std::nullopt;
    if (handlers.empty()) return "is not there: this program has no handlers";
    return "is not among the handlers of this program; the nearest is " + config::nearest(text, handlers) + "; there are " +
           joined(handlers);
  };
}

void declare_stream(config::Settings& settings, StreamOptions& options, const std::string& prefix) {
  settings.text("key", options.key, "The stream's key in the fleet's Redis",
                [&prefix](const std::string& text) -> std::optional<std::string> {
                  if (text.empty()) return "is empty; write the key of the stream";
                  if (text.starts_with(prefix + ':')) return "begins as the fleet's own keys do (redis.prefix); write another key";
                  return std::nullopt;
                });
  settings.required("key");
  settings.count("maxlen", options.maxlen, {1, 1'000'000'000},
                 "Entries that are kept; older ones go, read or not. Redis cuts in blocks, so some hundred more may stand");
  settings.required("maxlen");
}

void declare_action(config::Settings& settings, ActionOptions& options, const std::vector<std::string>& handlers,
                    const std::string& prefix) {
  settings.one_of();
  settings.word("log", options.log, "Nothing but the record that every notification leaves in the log, with it in `data`, at level info");
  settings.word("ignore", options.ignore, "Nothing: it is acknowledged as ignored, its record has level debug. Stands alone");
  settings.text("handler", options.handler, "The name of a handler that is compiled in", handler_check(handlers));
  settings.map(
      "stream", options.stream, [&prefix](config::Settings& item, StreamOptions& stream) { declare_stream(item, stream, prefix); },
      "Republished on a Redis stream, once each, for consumers in other languages");
  settings.map("forward", options.forward, forward::declare, "Posted to a service of yours");
}

void declare_route(config::Settings& settings, RouteOptions& options, const std::vector<std::string>& handlers, const std::string& prefix) {
  settings.word("shipped", options.shipped,
                "Stands for the routes that hold without any in the settings: each documented type to its handler");
  Criteria& match = options.match;
  settings.texts("match.typeWebhook", match.type_webhook, "Takes these types; empty: all, here and in the others", check_not_empty,
                 near_miss(texts_of(notification::type_webhook_names())));
  settings.texts("match.typeMessage", match.type_message, "Takes messages of these types", check_not_empty,
                 near_miss(texts_of(notification::type_message_names())));
  settings.texts("match.idInstance", match.id_instance, "Takes what comes of these instances", check_instance);
  settings.texts("match.chat", match.chat,
                 "Takes what belongs to chats of these kinds: private, group, other. What belongs to no chat has none of them", check_chat);
  settings.texts("match.status", match.status, "Takes these statuses, of sent messages and of calls", check_not_empty,
                 near_miss(statuses()));
  settings.list(
      "actions", options.actions,
      [handlers, &prefix](config::Settings& item, ActionOptions& action) { declare_action(item, action, handlers, prefix); },
      "What is done, side by side; each is tried again by itself until it is done");
  settings.required("actions");
  settings.rule(
      [&options]() -> std::optional<std::string> {
        const std::size_t count = options.actions.size();
        if (count == 0) return "actions: is empty; write what is to be done, or [ignore]";
        if (count > kActionsMax) return "actions: has " + std::to_string(count) + " items; write at most " + std::to_string(kActionsMax);
        const bool ignores = std::any_of(options.actions.begin(), options.actions.end(), [](const auto& action) { return action.ignore; });
        if (ignores && count > 1) return "actions: ignore stands alone; leave it out where something is done";
        return std::nullopt;
      },
      {"actions"});
}

}  // namespace

void declare(config::Settings& settings, Options& options, std::vector<std::string> handlers, const std::string& prefix) {
  std::sort(handlers.begin(), handlers.end());
  settings.list(
      "routes", options.routes,
      [handlers = std::move(handlers), &prefix](config::Settings& item, RouteOptions& route) {
        declare_route(item, route, handlers, prefix);
      },
      "What is done with which notifications; the first that fits decides, what fits none is ignored");
}

}  // namespace hookfleet::routes
