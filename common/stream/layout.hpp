#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/redis/connection.hpp"
#include "common/stream/keys.hpp"

namespace hookfleet::stream {

/// What `hf:meta` holds in its field `layout`: version, partitions, partition_by, e.g. "1 32 chat".
std::string to_text(const Layout& layout);
std::string_view to_text(PartitionBy partition_by);

/// The layout that `stored` names; nothing when it isn't one that this program knows.
std::optional<Layout> parse_layout(std::string_view stored, std::string prefix);

/// Nothing when `stored` is the layout's text; otherwise what differs and how K is changed: a process that gets it must not go on.
std::optional<std::string> difference(const Layout& layout, std::string_view stored);

struct LayoutCheck {
  enum class Verdict {
    kSame,       ///< also when it was missing: then it has been written
    kDifferent,  ///< refuse to start, or exit
    kUnknown,    ///< Redis could not tell: try again
  };
  Verdict verdict = Verdict::kUnknown;
  std::string text;  ///< for people, unless kSame
};

/// Reads hf:meta, writes it (HSETNX) when it is missing: to be called on every new connection, and again every 5 s (FLUSHALL, another
/// fleet).
LayoutCheck check_layout(redis::Connection& connection, const Layout& layout);

}  // namespace hookfleet::stream
