#pragma once

#include <array>
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

/// How stream.partitions or stream.partition_by is changed: the steps in their order, for people.
inline constexpr std::array<std::string_view, 6> kLayoutProcedure{
    "stop all ingresses and pollers (senders keep their notifications for 24 h)",
    "wait until `hookfleet status` shows backlog 0, the workers still running with the old settings",
    "redrive, or export and drop, all dead letters (`hookfleet dead-letters list`)",
    "stop all workers",
    "run `hookfleet layout clear`, which refuses while anything of this is missing",
    "start everything with the new settings",
};
/// What it costs.
inline constexpr std::string_view kLayoutProcedureCost =
    "Marks of the old layout are not read any more: a repeat of what was handled before the change is handled again";
/// The steps, numbered, with `between` in front of each but the first.
std::string layout_procedure(std::string_view between);

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
