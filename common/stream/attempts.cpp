#include "common/stream/attempts.hpp"

#include "common/stream/netstring.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::string_view kOps = "isax";      // in the order of Effect::Op
constexpr std::string_view kHashes = "nimck";  // in the order of Effect::On

std::optional<Trouble> find_trouble(std::string_view text) {
  for (const Trouble trouble : {Trouble::kNone, Trouble::kUnavailable, Trouble::kFailed}) {
    if (text == to_text(trouble)) return trouble;
  }
  return std::nullopt;
}

void put_effect(std::string& out, const Effect& effect) {
  put(out, kOps.substr(static_cast<std::size_t>(effect.op), 1));
  put(out, kHashes.substr(static_cast<std::size_t>(effect.on), 1));
  put(out, effect.part);
  put(out, effect.field);
  put(out, effect.value);
  put(out, effect.expiry.count());
}

std::optional<Effect> read_effect(NetstringReader& in) {
  const std::size_t op = kOps.find(in.text());
  const std::size_t on = kHashes.find(in.text());
  Effect effect;
  effect.part = in.text();
  effect.field = in.text();
  effect.value = in.text();
  effect.expiry = std::chrono::milliseconds(in.number<std::int64_t>());
  if (!in.ok() || op == std::string_view::npos || on == std::string_view::npos) return std::nullopt;
  effect.op = static_cast<Effect::Op>(op);
  effect.on = static_cast<Effect::On>(on);
  return effect;
}

}  // namespace

std::string_view to_text(Trouble trouble) {
  switch (trouble) {
    case Trouble::kNone: return "none";
    case Trouble::kUnavailable: return "unavailable";
    case Trouble::kFailed: return "failed";
  }
  return "";
}

std::string Attempts::text() const {
  std::string out = "1";
  put(out, failed);
  put(out, begun);
  put(out, to_text(trouble));
  put(out, due_ms);
  put(out, first_ms);
  put(out, blocked_since_ms);
  for (const FinishedAction& action : finished) {
    put(out, action.name);
    put(out, action.effects.size());
    for (const Effect& effect : action.effects) put_effect(out, effect);
  }
  return out;
}

std::optional<Attempts> Attempts::parse(std::string_view text) {
  if (!text.starts_with('1')) return std::nullopt;
  NetstringReader in(text.substr(1));
  Attempts attempts;
  attempts.failed = in.number<unsigned>();
  attempts.begun = in.number<unsigned>();
  const auto trouble = find_trouble(in.text());
  attempts.due_ms = in.number<std::int64_t>();
  attempts.first_ms = in.number<std::int64_t>();
  attempts.blocked_since_ms = in.number<std::int64_t>();
  if (!in.ok() || !trouble) return std::nullopt;
  attempts.trouble = *trouble;
  while (!in.at_end()) {
    FinishedAction action;
    action.name = in.text();
    const auto effects = in.number<std::size_t>();
    for (std::size_t i = 0; i < effects && in.ok(); ++i) {
      auto effect = read_effect(in);
      if (!effect) return std::nullopt;
      action.effects.push_back(*std::move(effect));
    }
    if (!in.ok()) return std::nullopt;
    attempts.finished.push_back(std::move(action));
  }
  return attempts;
}

}  // namespace hookfleet::stream
