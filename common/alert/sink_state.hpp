#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/stream/entry.hpp"

namespace hookfleet::alert {

/// How far a sink is, as it lies in hf:alerts:lease beside the lease: field `sink:<Sink::key>`. A value.
struct SinkState {
  stream::StreamId cursor;  ///< the last entry of hf:alerts that it was told, or that it never will
  unsigned tries = 0;       ///< that failed since it last took or refused one
  std::string name;         ///< Sink::name when it was last told something, or begun with
  std::string problem;      ///< why the last try failed; empty: it didn't

  std::string text() const;
  static std::optional<SinkState> parse(std::string_view text);
  bool operator==(const SinkState&) const = default;
};

/// "gone:<key>": since when (Unix ms of Redis) whoever delivers has no such sink in its settings. What waits for it is kept for a while:
/// the settings may be changing, worker by worker, or the sink got a new URL.
std::string gone_field(std::string_view key);
/// "sink:<key>"
std::string sink_field(std::string_view key);
/// The key in a name of a field; nothing for those of the lease.
std::optional<std::string_view> sink_of_field(std::string_view field);

}  // namespace hookfleet::alert
