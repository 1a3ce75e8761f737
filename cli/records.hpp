#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tl/expected.hpp>

#include "cli/text.hpp"
#include "common/config/arguments.hpp"
#include "common/notification/identity.hpp"
#include "common/redis/reply.hpp"
#include "common/stream/dead_letter.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/keys.hpp"

/// Entries and dead letters as the verbs see them: where they lie, what they hold, whether a filter wants them, as JSON.
namespace hookfleet::cli {

/// Where a record lies: `7/1764113835123-0`, partition and stream id. The dead letters of a partition have ids of their own.
struct Ref {
  unsigned partition = 0;
  stream::StreamId id;
  auto operator<=>(const Ref&) const = default;
  std::string text() const;
  static std::optional<Ref> parse(std::string_view text);
};

/// One record of a stream or of the dead letters.
struct Found {
  Ref ref;
  bool dead = false;
  tl::expected<stream::Entry, std::string> entry = tl::unexpected(std::string());
  std::optional<stream::StreamId> original;                ///< of a dead letter: its id in the stream
  std::optional<stream::Death> death;                      ///< of a dead letter that can be read
  std::string foreign;                                     ///< of a dead letter: why it can't be read as one
  std::vector<std::pair<std::string, std::string>> raw{};  ///< all fields, of what can't be read as an entry
};

/// `record`: one of XRANGE's (id, fields). Never throws: what can't be read says so.
Found read_record(unsigned partition, bool dead, redis::ReplyView record);

/// The notification's names, as the worker computes them.
struct Names {
  notification::Identity identity;
  notification::BodyDigest digest;
  std::string id_message, type_message;
};
Names names_of(const stream::Entry& entry);

/// `with_body`: body (UTF-8) or body_base64, exact. All that an import needs stands in it: v, id, i, c, t, r, s, q and the body.
Json to_json(const Found& found, bool with_body);

/// Which notifications a verb is about: what isn't given holds for all.
class Filter {
 public:
  /// --type, --instance, --chat; with `dead` also --class, --since, --until.
  void declare(config::Arguments& arguments, bool dead);
  /// Once, after parsing: checks the texts. The error is for people.
  tl::expected<void, std::string> prepare(base::WallTime now);
  bool matches(const Found& found) const;
  /// Nothing was given.
  bool all() const;
  /// The only partition that can hold a match, if it is known.
  std::optional<unsigned> partition(const stream::Layout& layout) const;
  /// Bounds of the death's time as XRANGE takes them: "-" or ms.
  std::string from() const { return since_ms_ ? std::to_string(*since_ms_) : "-"; }
  std::string to() const { return until_ms_ ? std::to_string(*until_ms_) : "+"; }
  /// For the audit record: "class=failed since=…"; empty: all().
  std::string text() const;

  std::string type, instance, chat, dead_class, since, until;

 private:
  std::optional<std::uint64_t> id_instance_;
  std::optional<stream::DeadClass> class_;
  std::optional<std::int64_t> since_ms_, until_ms_;
};

}  // namespace hookfleet::cli
