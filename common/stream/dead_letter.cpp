#include "common/stream/dead_letter.hpp"

#include <array>
#include <optional>

#include "common/stream/attempts.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::string_view kFormat = "1";

}  // namespace

std::string_view to_text(DeadClass dead_class) {
  switch (dead_class) {
    case DeadClass::kMalformed: return "malformed";
    case DeadClass::kInvalid: return "invalid";
    case DeadClass::kFailed: return "failed";
    case DeadClass::kRejected: return "rejected";
    case DeadClass::kCrash: return "crash";
    case DeadClass::kExpired: return "expired";
  }
  return "";
}

std::optional<DeadClass> find_dead_class(std::string_view text) {
  for (const DeadClass dead_class : kDeadClasses) {
    if (text == to_text(dead_class)) return dead_class;
  }
  return std::nullopt;
}

tl::expected<DeadLetter, std::string> decode_dead_letter(redis::ReplyView fields) {
  // The entry's own fields come first and may, in a foreign entry, have any name: what the death added begins with the last `dead`.
  std::size_t at = fields.size() / 2 * 2;
  while (at > 0 && fields[at - 2].text() != "dead") at -= 2;
  if (at == 0) return tl::unexpected(std::string("no field dead"));
  if (fields[at - 1].text() != kFormat)
    return tl::unexpected("format " + std::string(fields[at - 1].text().substr(0, 16)) + " is not known");

  std::optional<StreamId> original;
  std::optional<DeadClass> dead_class;
  Death death;
  for (; at + 1 < fields.size(); at += 2) {
    const std::string_view name = fields[at].text();
    const redis::ReplyView value = fields[at + 1];
    if (name == "orig") original = StreamId::parse(value.text());
    if (name == "class") dead_class = find_dead_class(value.text());
    if (name == "error") death.error = value.text();
    if (name == "attempts") death.attempts = static_cast<unsigned>(value.integer());
    if (name == "first") death.first_ms = value.integer();
    if (name == "last") death.last_ms = value.integer();
    if (name == "worker") death.worker = value.text();
    if (name == "actions") {
      const auto finished = Attempts::parse(value.text());
      if (finished) {
        for (const FinishedAction& action : finished->finished) death.actions.push_back(action.name);
      }
    }
  }
  if (!original) return tl::unexpected(std::string("no field orig with a stream id"));
  if (!dead_class) return tl::unexpected(std::string("no field class with a known class"));
  death.dead_class = *dead_class;
  return DeadLetter{*original, std::move(death), decode(fields)};
}

}  // namespace hookfleet::stream
