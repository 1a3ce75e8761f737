#include "cli/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace hookfleet::cli {
namespace {

using testing::HasSubstr;

/// No byte of it acts on a terminal, and it is one line.
bool harmless(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return false;
    if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) return false;
    if (text.compare(i, 3, "\u202e") == 0 || text.compare(i, 3, "\u2028") == 0 || text.compare(i, 3, "\u200b") == 0) return false;
  }
  return true;
}

// Escape sequences by C0 and C1, a bell, a line end, a turn of the direction, U+2028, a zero-width blank, DEL, no UTF-8, NUL.
const std::string kNasty = std::string("a\x1b[2Jb\rc\nd\x07 \xc2\x9b") + "31m \xe2\x80\xaegnirts\xe2\x80\xa8 \xe2\x80\x8b\x7f\xff\xc3(" +
                           std::string(1, '\0') + "z";

TEST(Shown, NothingActsOnATerminal) {
  const std::string safe = shown(kNasty);
  EXPECT_TRUE(harmless(safe)) << safe;
  EXPECT_THAT(safe, HasSubstr("\\u001b[2J"));
  EXPECT_THAT(safe, HasSubstr("\\u009b31m"));
  EXPECT_THAT(safe, HasSubstr("\\u202e"));
  EXPECT_THAT(safe, HasSubstr("\\xff"));
  EXPECT_THAT(safe, HasSubstr("\\u0000"));
}

TEST(Shown, TextOfPeopleStaysAsItIs) {
  EXPECT_EQ(shown("Привет, 世界 🙂"), "Привет, 世界 🙂");
  EXPECT_EQ(shown("C:\\x"), "C:\\\\x") << "an escape can't be imitated";
}

TEST(Shown, IsCutByCharactersAndSaysSo) {
  EXPECT_EQ(shown("Привет", 6), "Привет");
  EXPECT_EQ(shown("Привет!", 6), "Приве…");
}

TEST(JsonText, ValueStaysTheSameAndNothingActsOnATerminal) {
  const std::string text = "\x1b[31m \xc2\x9b \x7f \xe2\x80\xae Привет";
  const std::string json = json_text(Json{{"text", text}});
  EXPECT_TRUE(harmless(json)) << json;
  EXPECT_EQ(Json::parse(json)["text"], text);
  EXPECT_TRUE(harmless(json_text(Json{{"text", kNasty}})));
}

TEST(PrettyBody, IndentsJsonAndEscapesTheRest) {
  EXPECT_EQ(pretty_body(R"({"b":1,"a":[2]})"), "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}\n");
  EXPECT_EQ(pretty_body("{broken\x1b[2J"), "{broken\\u001b[2J\n");
  EXPECT_EQ(pretty_body(""), "");
  EXPECT_EQ(pretty_body(R"({"a":1,"a":2})"), "{\"a\":1,\"a\":2}\n") << "a key given twice must be seen";
}

TEST(PrettyBody, ADeepBodyCostsNoStack) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  EXPECT_EQ(pretty_body(deep), deep + '\n');
}

TEST(TimeText, IsRfc3339) {
  EXPECT_EQ(time_text(1'764'113'835'123), "2025-11-25T23:37:15.123Z");
  EXPECT_EQ(time_text(0), "-");
  EXPECT_EQ(time_text(INT64_MAX), "-");
}

TEST(AgeText, HasTwoUnitsAtMost) {
  EXPECT_EQ(age_text(1'250), "1.2s");
  EXPECT_EQ(age_text(185'000), "3m05s");
  EXPECT_EQ(age_text(15'120'000), "4h12m");
  EXPECT_EQ(age_text(183'600'000), "2d03h");
  EXPECT_EQ(age_text(-1), "-");
}

TEST(ParseTime, TakesMomentsAndDurations) {
  const base::WallTime now = base::from_unix_ms(1'764'113'835'123);
  EXPECT_EQ(parse_time("2025-11-25T23:37:15Z", now), 1'764'113'835'000);
  EXPECT_EQ(parse_time("2025-11-25T23:37:15.5Z", now), 1'764'113'835'500);
  EXPECT_EQ(parse_time("2025-11-26T02:37:15+03:00", now), 1'764'113'835'000);
  EXPECT_EQ(parse_time("2025-11-25", now), 1'764'028'800'000);
  EXPECT_EQ(parse_time("1764113835", now), 1'764'113'835'000);
  EXPECT_EQ(parse_time("1764113835123", now), 1'764'113'835'123);
  EXPECT_EQ(parse_time("2h", now), 1'764'106'635'123);
  for (const char* wrong :
       {"", "yesterday", "2025-13-01", "2025-02-30", "2025-11-25T24:00:00Z", "2025-11-25T23:37:15+3", "-5", "2025-11-25T23:37:15Zx"}) {
    const auto parsed = parse_time(wrong, now);
    ASSERT_FALSE(parsed) << wrong;
    EXPECT_THAT(parsed.error(), HasSubstr("is no time; write"));
  }
}

TEST(ParseRate, IsASecond) {
  EXPECT_EQ(parse_rate("100/s"), 100);
  EXPECT_EQ(parse_rate("30/min"), 0.5);
  EXPECT_EQ(parse_rate("100"), 100);
  for (const char* wrong : {"", "0", "-1", "fast", "1/day", "1e9/s", "nan"}) EXPECT_FALSE(parse_rate(wrong)) << wrong;
}

TEST(ParseRate, ARateBelowOnceADayIsRefused) {
  for (const char* slow : {"1e-12/h", "1e-300", "0.04/h"}) {
    const auto rate = parse_rate(slow);
    ASSERT_FALSE(rate) << slow;
    EXPECT_THAT(rate.error(), HasSubstr("less than once a day"));
  }
  EXPECT_TRUE(parse_rate("0.05/h"));
}

TEST(Table, AlignsByCharactersAndEscapesCells) {
  Table table({"NAME", ">N"});
  table.row({"Привет", "1"});
  table.row({"a\nb", "12"});
  EXPECT_EQ(table.text(),
            "NAME       N\n"
            "Привет     1\n"
            "a\\u000ab  12\n");
}

}  // namespace
}  // namespace hookfleet::cli
