#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "common/config/nearest.hpp"
#include "common/config/value.hpp"

namespace hookfleet::config {
namespace {

using namespace std::chrono_literals;

struct DurationRow {
  const char* text;
  std::optional<std::chrono::milliseconds> value;
};

TEST(ConfigValue, ReadsDurationsWithTheirUnitOnly) {
  const DurationRow rows[] = {
      {"250ms", 250ms},
      {"20s", 20s},
      {"10min", 10min},
      {"25h", 25h},
      {"30d", 720h},
      {"0ms", 0ms},
      {"5 s", 5s},
      {"20", std::nullopt},
      {"", std::nullopt},
      {"s", std::nullopt},
      {"1.5s", std::nullopt},
      {"-5s", std::nullopt},
      {"5m", std::nullopt},
      {"5S", std::nullopt},
      {"5s ", std::nullopt},
      {" 5s", std::nullopt},
      {"99999999999999999999s", std::nullopt},
      {"9223372036854775807s", std::nullopt},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_duration(row.text);
    ASSERT_EQ(parsed.has_value(), row.value.has_value()) << row.text;
    if (parsed) {
      EXPECT_EQ(*parsed, *row.value) << row.text;
    }
  }
}

struct BytesRow {
  const char* text;
  std::optional<std::uint64_t> value;
};

TEST(ConfigValue, ReadsSizesInPowersOfTwo) {
  const BytesRow rows[] = {
      {"512", 512U},
      {"512B", 512U},
      {"64KiB", 65536U},
      {"4MiB", 4U << 20U},
      {"1 GiB", 1U << 30U},
      {"0", 0U},
      {"4MB", std::nullopt},
      {"4M", std::nullopt},
      {"MiB", std::nullopt},
      {"-1", std::nullopt},
      {"0x10", std::nullopt},
      {"1e3", std::nullopt},
      {"17179869184GiB", std::nullopt},
      {"18446744073709551616", std::nullopt},
  };
  for (const auto& row : rows) {
    const auto parsed = parse_bytes(row.text);
    ASSERT_EQ(parsed.has_value(), row.value.has_value()) << row.text;
    if (parsed) {
      EXPECT_EQ(*parsed, *row.value) << row.text;
    }
  }
}

TEST(ConfigValue, ReadsWholeNumbersUpTo64Bits) {
  EXPECT_EQ(parse_count("18446744073709551615").value(), 18446744073709551615U);
  for (const char* wrong : {"18446744073709551616", "-1", "+1", "1.0", "1s", "", "one", "1 "}) EXPECT_FALSE(parse_count(wrong)) << wrong;
}

TEST(ConfigValue, ReadsSharesWithTheirSign) {
  EXPECT_EQ(parse_percent("80%").value(), 80U);
  for (const char* wrong : {"80", "0.8", "%", "80 percent", "-1%"}) EXPECT_FALSE(parse_percent(wrong)) << wrong;
}

TEST(ConfigValue, WritesWhatItReadsInTheLargestWholeUnit) {
  EXPECT_EQ(format_duration(0ms), "0ms");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(25h), "25h");
  EXPECT_EQ(format_duration(48h), "2d");
  EXPECT_EQ(format_bytes(0), "0");
  EXPECT_EQ(format_bytes(1536), "1536");
  EXPECT_EQ(format_bytes(4U << 20U), "4MiB");
}

TEST(ConfigValue, ExpandsVariablesOnceAndKeepsEscapedOnes) {
  const std::map<std::string, std::string> variables{{"A", "1"}, {"B", "${A}"}, {"EMPTY", ""}};
  const auto variable = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  EXPECT_EQ(expand("x${A}y${A}", variable).value(), "x1y1");
  EXPECT_EQ(expand("${B}", variable).value(), "${A}");
  EXPECT_EQ(expand("${EMPTY}", variable).value(), "");
  EXPECT_EQ(expand("$${A} $A $$", variable).value(), "${A} $A $$");
  EXPECT_NE(expand("${GONE}", variable).error().find("GONE"), std::string::npos);
  for (const char* wrong : {"${", "${}", "${A", "${A:-x}", "${A B}"}) EXPECT_FALSE(expand(wrong, variable)) << wrong;
}

TEST(ConfigValue, QuotesForOneLine) {
  EXPECT_EQ(in_quotes("a\n\x1b[31m"), "\"a\\x0a\\x1b[31m\"");
  EXPECT_EQ(in_quotes(std::string(59, 'a') + "éé"), '"' + std::string(59, 'a') + "…\"");
}

TEST(ConfigNearest, CountsSwappedNeighboursAsOne) {
  EXPECT_EQ(edit_distance("linger", "linger"), 0U);
  EXPECT_EQ(edit_distance("lniger", "linger"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(ConfigNearest, KnowsAKeyInTheWrongSection) {
  const std::vector<std::string> known{"append.linger", "server.body_max", "log.level"};
  EXPECT_EQ(nearest("append.body_max", known), "server.body_max");
  EXPECT_EQ(nearest("apend.lingr", known), "append.linger");
  EXPECT_EQ(nearest("anything", {}), "");
}

}  // namespace
}  // namespace hookfleet::config
