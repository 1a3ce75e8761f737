#include "common/config/nearest.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace hookfleet::config {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t kCompared = 100;
  a = a.substr(0, kCompared);
  b = b.substr(0, kCompared);
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view name, std::span<const std::string> known) {
  const auto last_part = [](std::string_view text) { return text.substr(text.rfind('.') + 1); };
  std::string best;
  std::size_t least = std::string::npos;
  for (const std::string& candidate : known) {
    // A key in the wrong section costs as much as two letters.
    const std::size_t distance = std::min(edit_distance(name, candidate), edit_distance(last_part(name), last_part(candidate)) + 2);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

}  // namespace hookfleet::config
