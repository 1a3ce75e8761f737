#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "common/log/escape.hpp"
#include "common/log/logger.hpp"
#include "common/log/rate_limit.hpp"
#include "common/log/sampler.hpp"
#include "common/log/settings.hpp"
#include "tests/support/fake_clock.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::log {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

/// A logger whose lines land in a vector.
struct Captured {
  explicit Captured(Options options = {}) : log(options, "test", [this](std::string_view line) { lines.emplace_back(line); }) {}
  std::string only_line() const { return lines.size() == 1 ? lines[0] : "not one line but " + std::to_string(lines.size()); }
  std::vector<std::string> lines;
  Logger log;
};

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// What stands after "process":"test" in the record of one fact.
std::string fact(const Field& field) {
  Captured captured;
  captured.log.write(Level::kInfo, "e", "m", std::span(&field, 1));
  const std::string line = captured.only_line();
  const std::string head = R"("process":"test")";
  const std::size_t at = line.find(head);
  return at == std::string::npos ? line : line.substr(at + head.size(), line.size() - at - head.size() - 1);
}

TEST(Logger, WritesTimeLevelEventMessageProcessThenFactsAndNoBlanks) {
  Captured captured;
  captured.log.warn("redis.unavailable", "no answer", {{"instance", 1101000001}, {"text", "a b"}});
  EXPECT_THAT(
      captured.only_line(),
      testing::MatchesRegex(R"(\{"time":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z","level":"WARN",)"
                            R"("event":"redis\.unavailable","message":"no answer","process":"test","instance":1101000001,"text":"a b"\})"));
}

TEST(Logger, TimeIsTheWallClock) {
  const auto before = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
  Captured captured;
  captured.log.info("e", "m");
  const auto after = std::chrono::system_clock::now();
  const std::string text = json::parse(captured.only_line())["time"];
  std::tm utc{};
  std::istringstream stream(text);
  stream >> std::get_time(&utc, "%Y-%m-%dT%H:%M:%S");
  const auto time = std::chrono::system_clock::from_time_t(::timegm(&utc)) + std::chrono::microseconds(std::stoi(text.substr(20, 6)));
  EXPECT_GE(time, before);
  EXPECT_LE(time, after);
}

TEST(Logger, WritesEachKindOfFact) {
  EXPECT_EQ(fact({"n", std::string("owned")}), R"(,"n":"owned")");
  EXPECT_EQ(fact({"n", -5}), R"(,"n":-5)");
  EXPECT_EQ(fact({"n", std::numeric_limits<std::int64_t>::min()}), R"(,"n":-9223372036854775808)");
  EXPECT_EQ(fact({"n", std::numeric_limits<std::uint64_t>::max()}), R"(,"n":18446744073709551615)");
  EXPECT_EQ(fact({"n", true}), R"(,"n":true)");
  EXPECT_EQ(fact({"n", RawJson{R"({"a":[1,2],"b":"c\"d"})"}}), R"(,"n":{"a":[1,2],"b":"c\"d"})");
}

TEST(Logger, WritesDoublesInShortestFormThatReadsBackTheSame) {
  EXPECT_EQ(fact({"n", 0.1}), R"(,"n":0.1)");
  EXPECT_EQ(fact({"n", 1e300}), R"(,"n":1e+300)");
  EXPECT_EQ(fact({"n", 1.0 / 3}), R"(,"n":0.3333333333333333)");
  EXPECT_EQ(fact({"n", std::nan("")}), R"(,"n":null)");
  EXPECT_EQ(fact({"n", std::numeric_limits<double>::infinity()}), R"(,"n":null)");
}

TEST(Logger, OmitsEmptyTexts) {
  EXPECT_EQ(fact({"chatId", ""}), "");
  EXPECT_EQ(fact({"data", RawJson{""}}), "");
  EXPECT_EQ(fact({"attempt", 0}), R"(,"attempt":0)");
}

TEST(Logger, EscapesTheFieldsNameToo) { EXPECT_EQ(fact({"a\"b\n", 1}), R"(,"a\"b\n":1)"); }

TEST(Logger, KeepsEveryRecordOnOneLineWhateverTheTextsHold) {
  const std::vector<std::string> naughty = {"a\nb",
                                            "\r\n{\"level\":\"ERROR\"}",
                                            "\x1b[2J",
                                            std::string("nul\0!", 5),
                                            "\x7f",
                                            "\u2028",
                                            "\u2029",
                                            "\u009b31m",
                                            "a\u202egnp.exe",
                                            "\u061c\u200b\u200d\u200f\u202a\u2060\u2066\u2069\u00ad",
                                            "\ufeff",
                                            "\U000e0001\U000e0041\U000e01ef",
                                            "\xff\xfe",
                                            "\xc3",
                                            "\xed\xa0\x80",
                                            "\"}\n{\"",
                                            "\\"};
  for (const Format format : {Format::kJson, Format::kText}) {
    Options options;
    options.format = format;
    for (const std::string& text : naughty) {
      Captured captured(options);
      captured.log.info("e", text, {{"fact", text}, {"raw", RawJson{text}}});
      const std::string line = captured.only_line();
      for (const char* bad : {"\n",       "\r",     "\x1b",   "\x7f",   "\u2028",     "\u2029",     "\u009b",    "\xff",
                              "\xed\xa0", "\u202e", "\u061c", "\u200b", "\u200d",     "\u200f",     "\u202a",    "\u2060",
                              "\u2066",   "\u2069", "\u00ad", "\ufeff", "\U000e0001", "\U000e0041", "\U000e01ef"}) {
        EXPECT_EQ(line.find(bad), std::string::npos) << testing::PrintToString(text);
      }
      EXPECT_EQ(line.find('\0'), std::string::npos);
    }
  }
}

TEST(Logger, EverythingWrittenReadsBackAsTheSameText) {
  const std::string text = "tab\t quote\" back\\slash \x01 \x7f \u2028 \u0085 \u202e \u200d \ufeff \U000e0001 Привет 👋";
  Captured captured;
  captured.log.info("e", text, {{"fact", text}});
  const json record = json::parse(captured.only_line());
  EXPECT_EQ(record["message"], text);
  EXPECT_EQ(record["fact"], text);
}

TEST(Logger, NeighboursOfHiddenCharactersStayAsTheyAre) {
  const std::string text = "\u00a0\u00ac\u00ae\u061b\u200a\u2010\u2027\u202f\u205f\u2070\ufefe\uff00\U000e1000\U000dfffd";
  EXPECT_EQ(fact({"n", text}), R"(,"n":")" + text + "\"");
}

TEST(Logger, LevelDecidesAndCanChangeForAllCopies) {
  Captured captured;
  const Logger copy = captured.log;
  copy.debug("hidden", "m");
  EXPECT_FALSE(copy.enabled(Level::kDebug));
  captured.log.set_level(Level::kDebug);
  copy.debug("shown", "m");
  copy.set_level(Level::kError);
  captured.log.warn("hidden", "m");
  captured.log.error("shown too", "m");
  captured.log.set_level(Level::kOff);
  captured.log.error("hidden", "m");
  captured.log.write(Level::kOff, "hidden", "m", {});
  ASSERT_EQ(captured.lines.size(), 2U);
  EXPECT_EQ(json::parse(captured.lines[0])["event"], "shown");
  EXPECT_EQ(json::parse(captured.lines[1])["event"], "shown too");
}

TEST(Logger, TextFormatQuotesWhatNeedsIt) {
  Options options;
  options.format = Format::kText;
  Captured captured(options);
  captured.log.info("system.started", "ready to work",
                    {{"port", 9080}, {"plain", "a-b/c"}, {"blank", "a b"}, {"quote", "a\"b"}, {"name", "Оля"}, {"none", ""}});
  EXPECT_THAT(captured.only_line(),
              EndsWith(R"(Z INFO  system.started: ready to work process=test port=9080 plain=a-b/c blank="a b" quote="a\"b" name="Оля")"));
}

TEST(Logger, WritesWholeLinesToItsFileFromManyThreads) {
  support::TempDir dir;
  const std::string file = dir.path() + "/logs/made/here.log";
  constexpr int kThreads = 4, kRecords = 500;
  {
    Options options;
    options.file = file;
    const Logger log(options, "test");
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&log, thread] {
        for (int i = 0; i < kRecords; ++i)
          log.info("e", "m", {{"thread", thread}, {"i", i}, {"fill", std::string(static_cast<std::size_t>(i), 'x')}});
      });
    }
    threads.clear();
    EXPECT_EQ(log.dropped(), 0U);
  }
  std::vector<int> next(kThreads);
  for (const std::string& line : lines_of(file)) {
    const json record = json::parse(line);
    EXPECT_EQ(record["i"], next[record["thread"].get<std::size_t>()]++);
  }
  EXPECT_THAT(next, ElementsAre(kRecords, kRecords, kRecords, kRecords));
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
}

TEST(Logger, FlushWaitsUntilTheLineIsInTheFile) {
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  const Logger log(options, "test");
  for (int i = 1; i <= 20; ++i) {
    log.info("e", "m");
    log.flush();
    EXPECT_EQ(lines_of(options.file).size(), static_cast<std::size_t>(i));
  }
}

TEST(Logger, LinesReachTheFileByThemselves) {
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  const Logger log(options, "test");
  log.info("e", "m");
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return lines_of(options.file).size() == 1; }));
}

TEST(Logger, RotatesAndKeepsTheNumberOfFilesGiven) {
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  options.file_bytes_max = 1000;
  options.files_max = 3;
  {
    const Logger log(options, "test");
    for (int i = 0; i < 100; ++i) log.info("e", "m", {{"i", i}});
  }
  std::vector<std::string> lines;
  for (const char* suffix : {".2", ".1", ""}) {
    const std::string name = options.file + suffix;
    EXPECT_LE(std::filesystem::file_size(name), options.file_bytes_max);
    for (const std::string& line : lines_of(name)) lines.push_back(line);
  }
  EXPECT_FALSE(std::filesystem::exists(options.file + ".3"));
  int expected = 100 - static_cast<int>(lines.size());
  EXPECT_GT(lines.size(), 10U);
  for (const std::string& line : lines) EXPECT_EQ(json::parse(line)["i"], expected++);
}

TEST(Logger, GivesALineLongerThanAFileAFileOfItsOwn) {
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  options.file_bytes_max = 500;
  {
    const Logger log(options, "test");
    log.info("short", "m");
    log.info("long", std::string(2000, 'x'));
    log.info("short again", "m");
  }
  EXPECT_EQ(lines_of(options.file).size(), 1U);
  EXPECT_THAT(lines_of(options.file + ".1"), ElementsAre(HasSubstr("\"long\"")));
  EXPECT_THAT(lines_of(options.file + ".2"), ElementsAre(HasSubstr("\"short\"")));
}

TEST(Logger, ContinuesAFileThatIsThere) {
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  { Logger(options, "first").info("e", "m"); }
  { Logger(options, "second").info("e", "m"); }
  EXPECT_THAT(lines_of(options.file), ElementsAre(HasSubstr("first"), HasSubstr("second")));
}

TEST(Logger, MakesTheFileAnewAfterItWasMovedAway) {
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  const Logger log(options, "test");
  log.info("e", "m");
  log.flush();
  std::filesystem::rename(options.file, options.file + ".moved");
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] {
    log.info("e", "m");
    log.flush();
    return std::filesystem::exists(options.file);
  }));
  EXPECT_EQ(log.dropped(), 0U);
}

TEST(Logger, CountsEveryRecordThatAFullDiskRefuses) {
  Options options;
  options.file = "/dev/full";
  const Logger log(options, "test");
  for (int i = 0; i < 100; ++i) log.info("e", "m");
  log.flush();
  EXPECT_EQ(log.dropped(), 100U);
}

TEST(Logger, LeavesNoHalfLineWhenTheDiskFillsUp) {
  // given: room for a line and a half (the file size limit stands in for the full disk)
  support::TempDir dir;
  Options options;
  options.file = dir.path() + "/a.log";
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  std::size_t line_bytes = 0;
  {
    const Logger log(options, "test");
    log.info("e", "m");
    log.flush();
    line_bytes = read(options.file).size();
    rlimit tight = old;
    tight.rlim_cur = line_bytes * 3 / 2;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
    // when
    log.info("e", "m");
    log.info("e", "m");
    log.flush();
    // then
    EXPECT_EQ(log.dropped(), 2U);
    EXPECT_EQ(read(options.file).size(), line_bytes);
    // and with room again, a record tells of the loss
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &old), 0);
    log.info("again", "m");
  }
  const auto lines = lines_of(options.file);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(json::parse(lines[1])["event"], "again");
  EXPECT_EQ(json::parse(lines[2])["event"], "log.dropped");
  EXPECT_EQ(json::parse(lines[2])["dropped"], 2);
}

TEST(Logger, CountsWhatCannotBeOpenedAndGoesOn) {
  Options options;
  options.file = "/proc/no/such/folder.log";
  const Logger log(options, "test");
  log.info("e", "m");
  log.flush();
  EXPECT_EQ(log.dropped(), 1U);
}

/// stdout is a pipe that nobody reads until asked.
class StdoutPipe {
 public:
  StdoutPipe() {
    std::fflush(stdout);
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
    saved_ = ::dup(STDOUT_FILENO);
    ::dup2(ends_[1], STDOUT_FILENO);
    ::close(ends_[1]);
  }
  ~StdoutPipe() {
    restore();
    ::close(ends_[0]);
  }
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDOUT_FILENO);
    ::close(saved_);
    saved_ = -1;
  }
  /// All that was written, after restore().
  std::string read_all() const {
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(ends_[0], buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
  int saved_ = -1;
};

TEST(Logger, DropsTheOldestWhileItsReaderStandsStillAndTellsHowMany) {
  StdoutPipe pipe;
  constexpr std::uint64_t kRecords = 3000;
  std::uint64_t dropped = 0;
  std::string written;
  std::jthread reader;
  {
    Options options;
    options.queue_max = 100;
    const Logger log(options, "test");
    for (std::uint64_t i = 0; i < kRecords; ++i) log.info("e", "m", {{"i", i}});
    dropped = log.dropped();
    reader = std::jthread([&] { written = pipe.read_all(); });
    log.flush();
    EXPECT_EQ(log.dropped(), dropped);
  }
  pipe.restore();
  reader.join();
  std::uint64_t count = 0, told = 0, last = 0;
  std::istringstream lines(written);
  for (std::string line; std::getline(lines, line);) {
    const json record = json::parse(line);
    if (record["event"] == "log.dropped") {
      told += record["dropped"].get<std::uint64_t>();
    } else {
      const std::uint64_t i = record["i"];
      EXPECT_TRUE(count == 0 || i > last);
      last = i;
      ++count;
    }
  }
  EXPECT_GT(dropped, 1000U);
  EXPECT_EQ(count + dropped, kRecords);
  EXPECT_EQ(told, dropped);
  EXPECT_EQ(last, kRecords - 1);
}

TEST(Logger, ExitDoesNotWaitLongForAReaderThatStandsStill) {
  StdoutPipe pipe;
  const auto start = std::chrono::steady_clock::now();
  { Logger({}, "test").info("e", std::string(1'000'000, 'x')); }
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(Logger, BoundsWaitingBytesToo) {
  StdoutPipe pipe;
  Options options;
  options.queue_bytes_max = 100'000;
  const Logger log(options, "test");
  for (int i = 0; i < 100; ++i) log.info("e", std::string(50'000, 'x'));
  EXPECT_GT(log.dropped(), 50U);
}

TEST(Logger, WritesToStdoutWithoutAFile) {
  StdoutPipe pipe;
  { Logger({}, "test").info("e", "m"); }
  pipe.restore();
  EXPECT_THAT(pipe.read_all(), testing::AllOf(HasSubstr(R"("event":"e")"), EndsWith("}\n")));
}

// escape

TEST(Escape, KeepsPlainAndForeignTextAsItIs) {
  for (const std::string text :
       {"", "plain", "exactly8", "a longer text, of more than sixteen bytes!", "Привет", "日本語", "👋🏽", "a~"}) {
    std::string out = ">";
    append_escaped(out, text);
    EXPECT_EQ(out, ">" + text);
  }
}

TEST(Escape, FindsASpecialByteAtEveryPlaceOfALongText) {
  for (const auto& [special, escape] : std::vector<std::pair<std::string, std::string>>{{"\n", "\\n"},
                                                                                        {"\"", "\\\""},
                                                                                        {"\\", "\\\\"},
                                                                                        {"\x7f", "\\u007f"},
                                                                                        {std::string(1, '\0'), "\\u0000"},
                                                                                        {"\x1f", "\\u001f"},
                                                                                        {"\u2028", "\\u2028"},
                                                                                        {"\u2029", "\\u2029"},
                                                                                        {"\u009b", "\\u009b"},
                                                                                        {"\xff", "\uFFFD"},
                                                                                        {"\x80", "\uFFFD"}}) {
    for (std::size_t place = 0; place <= 24; ++place) {
      const std::string before(place, 'a'), after(24 - place, 'z');
      std::string out;
      append_escaped(out, before + special + after);
      EXPECT_EQ(out, before + escape + after) << place;
    }
  }
}

TEST(Escape, ReplacesWhatIsNotUtf8) {
  for (const std::string text : {"\xc0\xaf", "\xc1\xbf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
                                 "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xf0\x9f\x91", "\xc3", "\x80"}) {
    std::string out;
    append_escaped(out, text);
    std::string replaced;
    for (std::size_t i = 0; i < text.size(); ++i) replaced += "\uFFFD";
    EXPECT_EQ(out, replaced);
  }
  for (const std::string text : {"\xc2\xa0", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    std::string out;
    append_escaped(out, text);
    EXPECT_EQ(out, text);
  }
}

TEST(Escape, RawJsonKeepsItsValueWhileItsControlsAreEscaped) {
  const std::string raw = "{\n\t\"a\": \"\x7f\u2028\u009b b\\n\",\r\n \"c\": [1, 2]}";
  std::string out;
  append_raw_json(out, raw);
  EXPECT_EQ(out, R"({  "a": "\u007f\u2028\u009b b\n",   "c": [1, 2]})");
  EXPECT_EQ(json::parse(out), json::parse(raw));
}

TEST(Escape, WhateverTheBytesTheResultIsOneJsonStringWithoutControls) {
  std::mt19937 random(42);
  // Bytes that matter more often than others, so that sequences, cut ones and specials meet at all alignments.
  const std::string likely = "a\"\\\n\x1b\x7f\xc2\x9b\xe2\x80\xa8\xa9\xd0\x9f\xf0\x9f\x91\x8b\xed\xa0\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, '\0');
    for (char& byte : text) byte = random() % 4 == 0 ? static_cast<char>(random() % 256) : likely[random() % likely.size()];
    std::string out;
    append_escaped(out, text);
    const json parsed = json::parse("\"" + out + "\"", nullptr, false);  // checks UTF-8 too
    ASSERT_TRUE(parsed.is_string()) << testing::PrintToString(text);
    for (const char* bad : {"\n", "\x1b", "\x7f", "\u2028", "\u2029", "\u009b"}) ASSERT_EQ(out.find(bad), std::string::npos);
    if (out.find("\uFFFD") == std::string::npos) {
      ASSERT_EQ(parsed.get<std::string>(), text);  // nothing replaced: nothing lost
    } else {
      std::replace_if(
          text.begin(), text.end(), [](char byte) { return static_cast<unsigned char>(byte) < 0x80; }, 'a');
      ASSERT_FALSE(json::accept("\"" + text + "\"")) << testing::PrintToString(text);  // replaced only what is not UTF-8
    }
  }
}

// settings

TEST(LogSettings, FillTheOptions) {
  Options options;
  config::Settings settings;
  declare(settings, options);
  const auto problems = settings.load("", {{"HOOKFLEET_LOG__LEVEL", "debug"}, {"HOOKFLEET_LOG__FORMAT", "text"}},
                                      {{"log.file", "/var/log/a.log"}, {"log.payload", "off"}, {"log.identical_max", "3"}});
  EXPECT_EQ(problems.size(), 0U);
  EXPECT_EQ(options.level, Level::kDebug);
  EXPECT_EQ(options.format, Format::kText);
  EXPECT_EQ(options.file, "/var/log/a.log");
  EXPECT_EQ(options.payload, Payload::kOff);
  EXPECT_EQ(options.identical_max, 3U);
}

TEST(LogSettings, DefaultsAreInfoJsonStdoutFull) {
  Options options;
  config::Settings settings;
  declare(settings, options);
  EXPECT_EQ(settings.load("", {}, {}).size(), 0U);
  EXPECT_EQ(options.level, Level::kInfo);
  EXPECT_EQ(options.format, Format::kJson);
  EXPECT_EQ(options.file, "");
  EXPECT_EQ(options.payload, Payload::kFull);
}

TEST(LogSettings, RefuseUnknownNames) {
  Options options;
  config::Settings settings;
  declare(settings, options);
  EXPECT_EQ(settings.load("", {}, {{"log.level", "loud"}, {"log.payload", "some"}}).size(), 2U);
}

// rate limit

TEST(RateLimit, LetsOneThroughPerWindowAndCountsTheRest) {
  support::FakeClock clock;
  RateLimit limit(10s);
  EXPECT_EQ(limit.pass(clock.now()), 0U);
  EXPECT_EQ(limit.pass(clock.now()), std::nullopt);
  clock.advance(9s);
  EXPECT_EQ(limit.pass(clock.now()), std::nullopt);
  clock.advance(1s);
  EXPECT_EQ(limit.pass(clock.now()), 2U);
  clock.advance(10s);
  EXPECT_EQ(limit.pass(clock.now()), 0U);
}

// payload

TEST(Logger, PayloadIsSharedByCopiesAndChangesAtRunTime) {
  Options options;
  options.payload = Payload::kRedacted;
  Captured captured(options);
  const Logger copy = captured.log;
  EXPECT_EQ(copy.payload(), Payload::kRedacted);
  captured.log.set_payload(Payload::kOff);
  EXPECT_EQ(copy.payload(), Payload::kOff);
}

// sampling

class SamplerTest : public testing::Test {
 protected:
  /// How many of `times` records may be written.
  int passed(int times, const std::string& event, const std::string& text) {
    int passed = 0;
    for (int i = 0; i < times; ++i) passed += sampler.pass(Level::kError, event, text + std::to_string(i), clock.now()) ? 1 : 0;
    return passed;
  }
  /// `suppressed` of each record of the sampler's, by event and text.
  std::map<std::string, std::uint64_t> told() const {
    std::map<std::string, std::uint64_t> told;
    for (const auto& line : captured.lines) {
      const json record = json::parse(line);
      EXPECT_EQ(record["event"], "log.suppressed");
      EXPECT_EQ(record["level"], "ERROR");
      EXPECT_EQ(record["window_s"], 10);
      told[record["of"].get<std::string>() + "|" + record["alike"].get<std::string>()] += record["suppressed"].get<std::uint64_t>();
    }
    return told;
  }

  support::FakeClock clock;
  Captured captured;
  Sampler sampler{captured.log, 3};
};

TEST_F(SamplerTest, LetsTheFirstOfEachKindThroughAndTellsTheNumberOfTheRest) {
  EXPECT_EQ(passed(100, "a", "at byte "), 3);
  EXPECT_EQ(passed(100, "b", "at byte "), 3) << "another event";
  EXPECT_EQ(passed(2, "a", "another text "), 2);
  clock.advance(9s);
  sampler.tick(clock.now());
  EXPECT_EQ(told().size(), 0U) << "the windows have not ended";
  clock.advance(1s);
  sampler.tick(clock.now());
  EXPECT_EQ(told(), (std::map<std::string, std::uint64_t>{{"a|at byte #", 97}, {"b|at byte #", 97}}));
  EXPECT_EQ(passed(100, "a", "at byte "), 3) << "a new window";
}

TEST_F(SamplerTest, TellsAlsoWhenNobodyTicks) {
  passed(5, "a", "");
  clock.advance(10s);
  passed(1, "a", "");
  EXPECT_EQ(told(), (std::map<std::string, std::uint64_t>{{"a|#", 2}}));
}

TEST_F(SamplerTest, TellsAtItsEndWhatIsLeft) {
  {
    Sampler ends(captured.log, 1);
    ends.pass(Level::kError, "a", "", clock.now());
    ends.pass(Level::kError, "a", "", clock.now());
  }
  EXPECT_EQ(captured.lines.size(), 1U);
}

TEST_F(SamplerTest, BoundsTheKindsAndLosesNoneOfTheirNumbers) {
  std::uint64_t written = 0;
  constexpr std::uint64_t kFlood = 5000;
  for (std::uint64_t i = 0; i < kFlood; ++i) {
    const std::string text{static_cast<char>('a' + i % 26), static_cast<char>('a' + i / 26 % 26), static_cast<char>('a' + i / 676 % 26)};
    written += sampler.pass(Level::kError, "a", text, clock.now()) ? 1U : 0U;
  }
  EXPECT_LE(written, (Sampler::kKindsMax + 1) * 3);
  sampler.finish();
  const auto told = this->told();
  EXPECT_LE(told.size(), Sampler::kKindsMax + 1);
  std::uint64_t suppressed = 0;
  for (const auto& [kind, count] : told) suppressed += count;
  EXPECT_EQ(written + suppressed, kFlood);
  EXPECT_TRUE(told.contains("a|others"));
}

TEST_F(SamplerTest, WhatIsNotEnabledIsNeitherWrittenNorCounted) {
  captured.log.set_level(Level::kOff);
  EXPECT_EQ(passed(10, "a", ""), 0);
  captured.log.set_level(Level::kInfo);
  sampler.finish();
  EXPECT_TRUE(captured.lines.empty());
}

}  // namespace
}  // namespace hookfleet::log
