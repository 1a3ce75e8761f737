#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/redis/command.hpp"
#include "common/redis/reply.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/scripts.hpp"

/// `hf:news`: what the fleet saw that nobody has described, each with the first notification that showed it. One field a kind.
namespace hookfleet::stream {

inline constexpr std::size_t kNewsMax = 256;          ///< kinds that are kept; the fleet tells of no more until some are forgotten
inline constexpr std::size_t kNewsSampleMax = 8'192;  ///< bytes kept of a notification
inline constexpr std::size_t kNewsNameMax = 128;      ///< bytes of a name; a longer one is cut and told apart by a hash

/// Something that isn't described anywhere.
struct Kind {
  enum class What : std::uint8_t {
    kTypeWebhook,  ///< name: the typeWebhook
    kTypeMessage,  ///< name: the typeMessage
    kField,        ///< name: `<typeWebhook>[/<typeMessage>]:<JSON pointer>`
  };
  What what = What::kTypeWebhook;
  std::string name;  ///< any bytes, at most kNewsNameMax

  /// Cuts the name.
  static Kind of(What what, std::string_view name);
  /// The field of hf:news: `typeWebhook:<name>`, `typeMessage:<name>`, `field:<name>`.
  std::string field() const;
  static std::optional<Kind> parse(std::string_view field);
  bool operator==(const Kind&) const = default;
};
std::string_view to_text(Kind::What what);

/// The first sight of a kind.
struct News {
  std::int64_t first_ms = 0;  ///< receipt of that notification, Unix ms
  std::string worker;         ///< which told of it
  std::string id;             ///< ours, of the notification
  std::uint64_t id_instance = 0;
  std::string type_webhook;    ///< cut like a name
  std::size_t body_bytes = 0;  ///< size of the notification
  std::string sample;          ///< its first bytes, at most kNewsSampleMax

  /// Format digit 1, then netstrings of the fields.
  std::string text() const;
  /// Nothing for what is not of a format we know.
  static std::optional<News> parse(std::string_view text);
  bool operator==(const News&) const = default;
};

/// Claims a kind for the fleet: whoever writes it first tells the operator. `news`: News::text(); a repeat with the same text is answered
/// as the first was. Not at maxmemory (an error reply, nothing is written).
void claim_news(redis::Command& command, const Scripts& scripts, const Keys& keys, const Kind& kind, std::string_view news);

struct NewsAnswer {
  enum class Claimed {
    kFirst,  ///< ours: to be told
    kKnown,  ///< somebody told of it before
    kFull,   ///< kNewsMax kinds are there
  };
  Claimed claimed = Claimed::kKnown;
  std::size_t kinds = 0;  ///< in hf:news by now
};
/// Nothing: Redis answered with an error.
std::optional<NewsAnswer> decode_claimed(redis::ReplyView reply);

}  // namespace hookfleet::stream
