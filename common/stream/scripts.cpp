#include "common/stream/scripts.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/digest/digest.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/sources.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::size_t kDeathFields = 9;

std::string_view letter(Effect::Op op) {
  switch (op) {
    case Effect::Op::kIncrement: return "i";
    case Effect::Op::kSet: return "s";
    case Effect::Op::kAdvance: return "a";
    case Effect::Op::kAppend: return "x";
  }
  return "";
}

/// At most `max` bytes, without a torn UTF-8 character at the end.
std::string_view cut(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t size = max;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  return text.substr(0, size);
}

std::string actions_text(const std::vector<std::string>& names) {
  if (names.empty()) return {};
  Attempts attempts;
  for (const std::string& name : names) attempts.finished.push_back({name, {}});
  return attempts.text();
}

}  // namespace

Scripts::Scripts()
    : ack("ack", kAckSource),
      attempts("attempts", kAttemptsSource),
      hold("hold", kHoldSource),
      news("news", kNewsSource),
      redrive("redrive", kRedriveSource) {}

AckBatch::AckBatch(const Scripts& scripts, const Keys& keys, std::chrono::milliseconds keep)
    : scripts_(scripts), keys_(keys), keep_(std::to_string(keep.count())) {}

void AckBatch::start(const Fence& fence) {
  partition_ = fence.partition;
  entries_ = 0;
  key_names_.clear()
      .borrow(keys_.ctl(partition_))
      .borrow(keys_.stream(partition_))
      .borrow(keys_.att(partition_))
      .borrow(keys_.dlq(partition_));
  arguments_.clear().copy(fence.owner).copy(fence.epoch).borrow(keep_);
}

void AckBatch::add(StreamId id, const std::optional<Seen>& seen, std::span<const Effect> effects, const Death* death) {
  HOOKFLEET_CHECK(entries_ < kEntriesLimit);
  ++entries_;
  arguments_.copy(id.text());
  if (seen) {
    key_names_.copy(keys_.mark(partition_, digest::as_bytes(seen->identity)));
    arguments_.copy(Mark{seen->received_ms, std::string(seen->id), {seen->digest}}.text());
  } else {
    arguments_.borrow("");
  }
  if (effects.empty() && death == nullptr) {
    arguments_.borrow("");
    return;
  }
  arguments_.number(static_cast<std::int64_t>(effects.size()));
  for (const Effect& effect : effects) {
    switch (effect.on) {
      case Effect::On::kCounts: key_names_.borrow(keys_.cnt(partition_)); break;
      case Effect::On::kInstances: key_names_.borrow(keys_.inst(partition_)); break;
      case Effect::On::kMessage: key_names_.copy(keys_.of(partition_, "msg:" + effect.part)); break;
      case Effect::On::kChat: key_names_.copy(keys_.of(partition_, "chat:" + effect.part)); break;
      case Effect::On::kStream: key_names_.borrow(effect.part); break;
    }
    arguments_.borrow(letter(effect.op)).borrow(effect.field).borrow(effect.value).number(effect.expiry.count());
  }
  if (death == nullptr) {
    arguments_.borrow("0");
    return;
  }
  arguments_.number(2 * kDeathFields)
      .borrow("dead")
      .borrow("1")
      .borrow("orig")
      .copy(id.text())
      .borrow("class")
      .borrow(to_text(death->dead_class))
      .borrow("error")
      .copy(cut(death->error, Death::kErrorMax))
      .borrow("attempts")
      .number(death->attempts)
      .borrow("first")
      .number(death->first_ms)
      .borrow("last")
      .number(death->last_ms)
      .borrow("worker")
      .copy(death->worker)
      .borrow("actions")
      .copy(actions_text(death->actions));
}

redis::Argv AckBatch::argv() {
  return command_.clear().evalsha(scripts_.ack, key_names_.size()).append(key_names_).append(arguments_).argv();
}

AttemptsBatch::AttemptsBatch(const Scripts& scripts, const Keys& keys) : scripts_(scripts), keys_(keys) {}

void AttemptsBatch::start(const Fence& fence) {
  partition_ = fence.partition;
  entries_ = 0;
  arguments_.clear().copy(fence.owner).copy(fence.epoch);
}

void AttemptsBatch::write(StreamId id, const Attempts& attempts) {
  ++entries_;
  arguments_.copy(id.text()).copy(attempts.text());
}

void AttemptsBatch::forget(StreamId id) {
  ++entries_;
  arguments_.copy(id.text()).borrow("");
}

redis::Argv AttemptsBatch::argv() {
  command_.clear()
      .evalsha(scripts_.attempts, 3)
      .borrow(keys_.ctl(partition_))
      .borrow(keys_.stream(partition_))
      .borrow(keys_.att(partition_));
  return command_.append(arguments_).argv();
}

BatchAnswer::BatchAnswer(redis::ReplyView reply, std::size_t entries) : reply_(reply) {
  if (reply.is_error()) {
    error_ = reply.error();
    error_text_ = reply.text();
    return;
  }
  if (reply.is_integer() && reply.integer() == -1) {
    kind_ = Kind::kFenced;
    return;
  }
  written_ = reply.is_array() ? reply[0].text() : reply.text();
  const bool known = written_.find_first_not_of("wgr") == std::string_view::npos;
  if ((reply.is_text() || reply.is_array()) && written_.size() == entries && known) {
    kind_ = Kind::kAnswered;
  } else {
    error_text_ = "not an answer of this script";
  }
}

std::size_t BatchAnswer::count(Written written) const {
  return static_cast<std::size_t>(std::count(written_.begin(), written_.end(), static_cast<char>(written)));
}

std::string_view BatchAnswer::reason(std::size_t index) const {
  const auto refused_before = std::count(written_.begin(), written_.begin() + static_cast<std::ptrdiff_t>(index), 'r');
  return reply_[static_cast<std::size_t>(refused_before) + 1].text();
}

void redrive(redis::Command& command, const Scripts& scripts, const Keys& keys, unsigned partition, std::span<const StreamId> dead_letters,
             Source source) {
  HOOKFLEET_CHECK(dead_letters.size() <= kRedriveMax && is_redriven(source));
  command.clear().evalsha(scripts.redrive, 3).borrow(keys.stream(partition)).borrow(keys.dlq(partition)).borrow(keys.att(partition));
  command.borrow(to_text(source));
  for (const StreamId id : dead_letters) command.copy(id.text());
}

tl::expected<std::vector<std::optional<StreamId>>, redis::ReplyError> decode_redriven(redis::ReplyView reply) {
  if (!reply.is_array()) return tl::unexpected(reply.is_error() ? reply.error() : redis::ReplyError::kOther);
  std::vector<std::optional<StreamId>> ids;
  for (std::size_t i = 0; i < reply.size(); ++i) ids.push_back(StreamId::parse(reply[i].text()));
  return ids;
}

}  // namespace hookfleet::stream
