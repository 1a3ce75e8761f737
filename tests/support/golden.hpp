#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace hookfleet::support {

/// Holds `text` against tests/unit/golden/`name`. A wanted change is taken over by running the test with UPDATE_GOLDEN=1 in the
/// environment, which rewrites the file.
///   EXPECT_TRUE(support::matches_golden("ingress_metrics.txt", metrics::describe(ingress::kTable)));
inline testing::AssertionResult matches_golden(const std::string& name, const std::string& text) {
  const std::string path = std::filesystem::path(HOOKFLEET_SOURCE_DIR) / "tests" / "unit" / "golden" / name;
  if (const char* update = std::getenv("UPDATE_GOLDEN"); update != nullptr && std::string(update) == "1") {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << text;
    if (!file.flush()) return testing::AssertionFailure() << path << " cannot be written";
    return testing::AssertionSuccess();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return testing::AssertionFailure() << path << " is missing; UPDATE_GOLDEN=1 writes it:\n" << text;
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  if (golden == text) return testing::AssertionSuccess();
  const auto differs = [&](std::size_t at) { return at >= golden.size() || at >= text.size() || golden[at] != text[at]; };
  std::size_t at = 0, line = 1, line_start = 0;
  for (; !differs(at); ++at) {
    if (text[at] == '\n') {
      ++line;
      line_start = at + 1;
    }
  }
  const auto line_of = [&](const std::string& whole) { return whole.substr(line_start, whole.find('\n', line_start) - line_start); };
  return testing::AssertionFailure() << path << ":" << line << " differs\n  golden: " << line_of(golden) << "\n  now:    " << line_of(text)
                                     << "\nIf the change is wanted: UPDATE_GOLDEN=1";
}

}  // namespace hookfleet::support
