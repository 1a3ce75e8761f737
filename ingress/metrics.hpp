#pragma once

#include <algorithm>
#include <array>

#include "common/lifecycle/metrics.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/http/metrics.hpp"

namespace hookfleet::ingress {

/// Everything that hookfleet-ingress exports, besides hookfleet_build_info and process_*.
inline constexpr auto kTable = [] {
  std::array<metrics::Spec, std::size(http::kTable) + std::size(append::kTable) + std::size(lifecycle::kTable)> table{};
  auto* end = std::copy(std::begin(http::kTable), std::end(http::kTable), table.begin());
  end = std::copy(std::begin(append::kTable), std::end(append::kTable), end);
  std::copy(std::begin(lifecycle::kTable), std::end(lifecycle::kTable), end);
  return table;
}();

}  // namespace hookfleet::ingress
