#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/notification/identity.hpp"

namespace hookfleet::stream {

/// What is remembered of an identity after its notification ended: the dedup mark, hf:{t}:m:<identity>.
/// As text: `1`, greatest r (13 digits), the first id (16 bytes), the last digests (8 bytes each, oldest first).
struct Mark {
  std::int64_t received_ms = 0;                   ///< greatest `r` of a handled version
  std::string first_id;                           ///< entry field `id` of the first version handled
  std::vector<notification::BodyDigest> digests;  ///< of the versions handled last, oldest first; at most kDigestsMax

  static constexpr std::size_t kDigestsMax = 4;
  bool knows(const notification::BodyDigest& digest) const;
  std::string text() const;
  /// Nothing for what is no mark of a format we know.
  static std::optional<Mark> parse(std::string_view text);
  bool operator==(const Mark&) const = default;
};

}  // namespace hookfleet::stream
