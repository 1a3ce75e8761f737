#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "common/redis/reply.hpp"

namespace hookfleet::stream {

/// A Redis stream id `<ms>-<seq>`.
struct StreamId {
  std::uint64_t ms = 0;
  std::uint64_t seq = 0;
  auto operator<=>(const StreamId&) const = default;
  /// The greatest id below this one; that of 0-0 is itself.
  StreamId before() const;
  std::string text() const;
  static std::optional<StreamId> parse(std::string_view text);
};

enum class Source {
  kWebhook,
  kPoll,
  kRedrive,  ///< a dead letter put back by an operator
  kForced,   ///< the same with --force: handled although a later version has been (the stale rule doesn't hold it back)
};
std::string_view to_text(Source source);
/// Put back from the dead letters, forced or not.
constexpr bool is_redriven(Source source) { return source == Source::kRedrive || source == Source::kForced; }

/// One notification in its partition's stream: the contract between the programs, version 1.
struct Entry {
  std::string id;                 ///< ours: UUIDv7
  std::uint64_t id_instance = 0;  ///< 0: the notification named none and none could be told from path or token
  std::string chat;               ///< without `:device`; empty if none
  std::string type_webhook;       ///< empty if none; at most kTypeWebhookMax bytes
  std::int64_t received_ms = 0;   ///< when the request arrived, Unix ms
  Source source = Source::kWebhook;
  std::string trace;  ///< traceparent or request id
  std::string body;   ///< bytes as received

  bool operator==(const Entry&) const = default;
};

/// XADD of an entry: views into `entry` and into itself; both must outlive its use. Fields always all, in the order v id i c t r s q b.
class XaddCommand {
 public:
  XaddCommand(const std::string& stream_key, const Entry& entry);
  XaddCommand(const XaddCommand&) = delete;
  XaddCommand& operator=(const XaddCommand&) = delete;
  std::span<const std::string_view> argv() const { return argv_; }

 private:
  std::string instance_, received_;
  std::array<std::string_view, 21> argv_;
};

/// Decodes the field list of one stream entry (the second element of an XREAD/XRANGE record). Fields it doesn't know are ignored.
/// An error names what is missing or of another version: such an entry is foreign, not malformed.
tl::expected<Entry, std::string> decode(redis::ReplyView fields);

}  // namespace hookfleet::stream
