#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/config/arguments.hpp"
#include "common/config/command_line.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::config {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ConfigCommandLine : public testing::Test {
 protected:
  ConfigCommandLine() {
    settings_.duration("append.linger", linger_, {0ms, 50ms}, "How long a batch waits for company");
    settings_.flag("append.eager", eager_, "Don't wait");
    settings_.texts("server.trusted_proxies", proxies_, "Networks");
    settings_.text("log.file", file_, "File to write to");
    settings_.secret("redis.url", url_, "Where Redis is");
    settings_.foreign_section("worker");
  }
  std::variant<CommandLine, Exit> read(std::vector<const char*> arguments, const std::map<std::string, std::string>& environment = {}) {
    arguments.insert(arguments.begin(), "hookfleet-test");
    return config::read("hookfleet-test", "Tests.", settings_, static_cast<int>(arguments.size()), arguments.data(), environment);
  }
  /// The output, which must come with `code`.
  std::string exits(int code, const std::vector<const char*>& arguments, const std::map<std::string, std::string>& environment = {}) {
    const auto result = read(arguments, environment);
    const Exit* exit = std::get_if<Exit>(&result);
    if (exit == nullptr) return "no exit";
    EXPECT_EQ(exit->code, code);
    return exit->output;
  }

  std::chrono::milliseconds linger_{0};
  bool eager_ = false;
  std::vector<std::string> proxies_;
  std::string file_;
  Secret url_;
  Settings settings_;
  support::TempDir directory_;
};

TEST_F(ConfigCommandLine, ReadsFilePidFileAndSettings) {
  std::ofstream(directory_ / "f.yaml") << "append: {linger: 1ms}\nlog: {file: x}\n";
  const std::string file = directory_ / "f.yaml";
  const auto result = read({"--config", file.c_str(), "--pid-file=p", "--append.linger=2ms", "--server.trusted_proxies", "a,b",
                            "--server.trusted_proxies", "c", "--healthcheck"});
  const auto* line = std::get_if<CommandLine>(&result);
  ASSERT_NE(line, nullptr) << std::get<Exit>(result).output;
  EXPECT_EQ(line->config_file, file);
  EXPECT_EQ(line->pid_file, "p");
  EXPECT_TRUE(line->healthcheck);
  EXPECT_EQ(linger_, 2ms);
  EXPECT_EQ(file_, "x");
  EXPECT_THAT(proxies_, testing::ElementsAre("a", "b", "c"));
}

TEST_F(ConfigCommandLine, AFlagMayStandAlone) {
  const auto result = read({"--append.eager", "--log.file", "y"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(result)) << std::get<Exit>(result).output;
  EXPECT_TRUE(eager_);
  EXPECT_EQ(file_, "y");
}

TEST_F(ConfigCommandLine, AFlagMayHaveAValue) {
  eager_ = true;
  const auto result = read({"--append.eager", "false"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(result)) << std::get<Exit>(result).output;
  EXPECT_FALSE(eager_);
}

TEST_F(ConfigCommandLine, AnEmptyValueIsAValue) {
  file_ = "default";
  const auto result = read({"--log.file=", "--append.linger=3ms"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(result)) << std::get<Exit>(result).output;
  EXPECT_EQ(file_, "");
  EXPECT_EQ(linger_, 3ms);
}

TEST_F(ConfigCommandLine, ValuesWithBracketsAndDashesStayWhole) {
  const auto result = read({"--log.file", "[a,b]", "--redis.url=-x=y"});
  ASSERT_TRUE(std::holds_alternative<CommandLine>(result)) << std::get<Exit>(result).output;
  EXPECT_EQ(file_, "[a,b]");
  EXPECT_EQ(url_.reveal(), "-x=y");
}

TEST_F(ConfigCommandLine, CheckAnswersOkOrEveryProblem) { EXPECT_EQ(exits(0, {"--check-config"}), "ok\n"); }

TEST_F(ConfigCommandLine, CheckSaysWhatMayBeAMistakeAndIsFineWithIt) {
  std::vector<std::string> types;
  settings_.texts("append.types", types, "Types", {}, [](const std::string& text) -> std::optional<std::string> {
    return text == "calls" ? std::optional<std::string>("is nearly call") : std::nullopt;
  });
  std::ofstream(directory_ / "f.yaml") << "append: {types: [call, calls]}\n";
  const std::string file = directory_ / "f.yaml";
  const std::string output = exits(0, {"--check-config", "--config", file.c_str()});
  EXPECT_THAT(output, StartsWith("warning: " + file + ":1:24: append.types[1]: "));
  EXPECT_THAT(output, testing::EndsWith("\nok\n"));
}

TEST_F(ConfigCommandLine, ProblemsOfAllSourcesComeTogetherWithExitTwo) {
  std::ofstream(directory_ / "f.yaml") << "append: {linger: soon}\n";
  const std::string file = directory_ / "f.yaml";
  EXPECT_EQ(
      exits(2, {"--config", file.c_str(), "--cofig", "x", "--append.lingr=1ms", "--worker.threads", "4", "stray", "--append.eager=maybe"},
            {{"HOOKFLEET_LOG__FIEL", "x"}}),
      file +
          ":1:18: append.linger: \"soon\" is not a duration; write a duration from 0ms to 50ms with its unit (ms, s, min, h, d)\n"
          "environment HOOKFLEET_LOG__FIEL: is not a known setting; the nearest known one is HOOKFLEET_LOG__FILE\n"
          "--append.lingr: is not a known setting; the nearest known one is --append.linger\n"
          "--worker.threads: is a setting of another program of the fleet\n"
          "--append.eager: \"maybe\" is neither true nor false; write true or false\n"
          "--cofig: is not a known flag; the nearest known one is --config\n"
          "\"stray\": is an argument nobody expects; see --help\n");
}

TEST_F(ConfigCommandLine, AMissingValueIsAProblem) {
  EXPECT_THAT(exits(2, {"--append.linger"}), HasSubstr("--append.linger"));
  EXPECT_THAT(exits(2, {"--config="}), StartsWith("--config: is empty"));
  EXPECT_THAT(exits(2, {"--config", "/does/not/exist.yaml", "--pid-file", "a", "--pid-file", "b"}),
              AllOf(HasSubstr("/does/not/exist.yaml: can't be read"), HasSubstr("--pid-file: is given more than once")));
}

TEST_F(ConfigCommandLine, PrintsTheSettingsThatCount) {
  EXPECT_EQ(exits(0, {"--print-config", "--redis.url", "hunter2"}, {{"HOOKFLEET_APPEND__LINGER", "4ms"}}),
            "append:\n  linger: 4ms\n  eager: false\nserver:\n  trusted_proxies: []\nlog:\n  file: \"\"\nredis:\n  url: \"***\"\n");
}

TEST_F(ConfigCommandLine, VersionAndHelpNeedNoRightSettings) {
  EXPECT_EQ(exits(0, {"--version", "--config", "/does/not/exist"}), "hookfleet-test " + version() + "\n");
}

TEST_F(ConfigCommandLine, HelpGroupsBySectionWithDefaultsAndRanges) {
  const std::string help = exits(0, {"--help"}, {{"HOOKFLEET_NO__SUCH", "x"}});
  EXPECT_THAT(help, AllOf(StartsWith("Usage: hookfleet-test [--config FILE]"), HasSubstr("\nappend:\n  --append.linger DURATION"),
                          HasSubstr("[0ms to 50ms; default 0ms]"), HasSubstr("--append.eager [true|false]"),
                          HasSubstr("\nredis:\n  --redis.url SECRET"), HasSubstr("--redis.url_file FILE"), HasSubstr("Exit codes"),
                          Not(HasSubstr("worker"))));
}

TEST(ConfigArguments, PositionalsAreAllNeededAndNoMoreTaken) {
  const auto parse = [](const std::vector<std::string>& arguments) {
    std::string verb;
    std::string file;
    bool yes = false;
    Arguments declared("tool VERB", "A tool.");
    declared.positional("VERB", verb, "What to do");
    declared.option("--file", file, "FILE", "Which");
    declared.flag("--yes", yes, "Don't ask");
    const std::string problems = lines(declared.parse(arguments));
    return problems + verb + '|' + file + '|' + (yes ? "yes" : "no");
  };
  EXPECT_EQ(parse({"go", "--file", "a", "--yes"}), "go|a|yes");
  EXPECT_EQ(parse({"--file=a", "go"}), "go|a|no");
  EXPECT_EQ(parse({}), "VERB: is missing; see --help\n||no");
  EXPECT_EQ(parse({"go", "on"}), "\"on\": is an argument nobody expects; see --help\ngo||no");
  EXPECT_EQ(parse({"--yse", "go"}), "--yse: is not a known flag; the nearest known one is --yes\ngo||no");
}

}  // namespace
}  // namespace hookfleet::config
