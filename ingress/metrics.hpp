#pragma once

#include <algorithm>
#include <array>

#include "common/metrics/registry.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/http/metrics.hpp"

namespace hookfleet::ingress {

/// Everything that hookfleet-ingress exports, besides hookfleet_build_info and process_*.
inline constexpr auto kTable = [] {
  std::array<metrics::Spec, std::size(http::kTable) + std::size(append::kTable)> table{};
  std::copy(std::begin(append::kTable), std::end(append::kTable),
            std::copy(std::begin(http::kTable), std::end(http::kTable), table.begin()));
  return table;
}();

}  // namespace hookfleet::ingress
