#include "common/stream/type_hold.hpp"

#include <utility>

#include "common/stream/netstring.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::string_view kField = "hold:";

}  // namespace

std::string TypeHold::text() const {
  std::string out = "1";
  put(out, since_ms);
  for (const Crash& crash : crashes) {
    put(out, crash.entry.text());
    put(out, crash.at_ms);
  }
  return out;
}

std::optional<TypeHold> TypeHold::parse(std::string_view text) {
  if (!text.starts_with('1')) return std::nullopt;
  NetstringReader in(text.substr(1));
  TypeHold hold;
  hold.since_ms = in.number<std::int64_t>();
  while (in.ok() && !in.at_end()) {
    const auto entry = StreamId::parse(in.text());
    const auto at_ms = in.number<std::int64_t>();
    if (!entry || !in.ok()) return std::nullopt;
    hold.crashes.push_back({*entry, at_ms});
  }
  return in.ok() ? std::optional(std::move(hold)) : std::nullopt;
}

std::string hold_field(std::string_view type_webhook) { return std::string(kField).append(type_webhook); }

std::optional<std::string_view> held_type(std::string_view ctl_field) {
  if (!ctl_field.starts_with(kField)) return std::nullopt;
  return ctl_field.substr(kField.size());
}

void write_hold(redis::Command& command, const Scripts& scripts, const Keys& keys, const Fence& fence, std::string_view type_webhook,
                const TypeHold& hold) {
  command.clear()
      .evalsha(scripts.hold, 1)
      .borrow(keys.ctl(fence.partition))
      .copy(fence.owner)
      .copy(fence.epoch)
      .copy(hold_field(type_webhook))
      .copy(hold.text());
}

std::vector<std::pair<std::string, TypeHold>> decode_holds(redis::ReplyView ctl) {
  std::vector<std::pair<std::string, TypeHold>> holds;
  for (std::size_t i = 0; i + 1 < ctl.size(); i += 2) {
    const auto type = held_type(ctl[i].text());
    if (!type) continue;
    if (auto hold = TypeHold::parse(ctl[i + 1].text())) holds.emplace_back(*type, *std::move(hold));
  }
  return holds;
}

}  // namespace hookfleet::stream
