#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/support/called.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

std::string read(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

class ConfigVerb : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ / name) << content;
    return directory_ / name;
  }
  support::TempDir directory_;
};

TEST_F(ConfigVerb, TheSettingsPageIsTheOneInTheRepository) {
  const auto made = called({"config", "reference"});
  EXPECT_EQ(made.code, 0);
  EXPECT_EQ(made.output, read(HOOKFLEET_SOURCE_DIR "/docs/settings.md")) << "write it anew: hookfleet config reference > docs/settings.md";
}

TEST_F(ConfigVerb, TheShippedSettingsAreRightForEveryProgram) {
  const auto checked =
      called({"config", "check", "--config", HOOKFLEET_SOURCE_DIR "/deploy/hookfleet.yaml"}, {{"HOOKFLEET_AUTH__TOKENS", "t"}});
  EXPECT_EQ(checked.output, "ok\n");
  EXPECT_EQ(checked.code, 0);
}

// A setting that one program knows and another neither knows nor declares foreign would keep the other from starting.
TEST_F(ConfigVerb, EveryProgramAcceptsTheSettingsOfAllOthers) {
  const auto printed = called({"config", "print"}, {{"HOOKFLEET_AUTH__TOKENS_FILE", write("tokens", "t")}});
  ASSERT_EQ(printed.code, 0) << printed.output;
  const auto checked = called({"config", "check", "--config", write("all.yaml", printed.output)});
  EXPECT_EQ(checked.output, "ok\n") << printed.output;
}

TEST_F(ConfigVerb, ProblemsOfAllProgramsComeOnceWithExitTwo) {
  const std::string file = write("f.yaml", "log: {level: loud}\nwokrer: {}\nauth: {tokens: [t]}\n");
  const auto checked = called({"config", "check", "--config", file});
  EXPECT_EQ(checked.code, 2);
  EXPECT_THAT(checked.output,
              AllOf(HasSubstr(file + ":1:14: log.level: \"loud\""), HasSubstr(file + ":2:1: wokrer: is not a known section")));
  EXPECT_EQ(std::count(checked.output.begin(), checked.output.end(), '\n'), 2) << checked.output;
}

TEST_F(ConfigVerb, PrintsNoSecret) {
  const auto printed = called({"config", "print", "--config", write("f.yaml", "auth: {tokens: [hunter2]}\n")});
  EXPECT_EQ(printed.code, 0);
  EXPECT_THAT(printed.output, AllOf(HasSubstr("tokens: [\"***\"]"), testing::Not(HasSubstr("hunter2"))));
}

TEST_F(ConfigVerb, WrongUsageIsExitTwoAndNamesTheNearest) {
  const auto wrong = called({"config", "chekc"});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.output, HasSubstr("the nearest known one is config check"));
  EXPECT_EQ(called({"config"}).code, 2);
  EXPECT_EQ(called({"config", "check", "--confg", "x"}).code, 2);
  EXPECT_EQ(called({"config", "check", "more"}).code, 2);
}

TEST_F(ConfigVerb, HelpShowsActionsAndExamples) {
  const auto help = called({"config", "--help"});
  EXPECT_EQ(help.code, 0);
  EXPECT_THAT(help.output, AllOf(StartsWith("Usage: hookfleet config"), HasSubstr("config reference")));
  const auto check = called({"config", "check", "--help"});
  EXPECT_EQ(check.code, 0);
  EXPECT_THAT(check.output, AllOf(StartsWith("Usage: hookfleet config check"), HasSubstr("Examples:")));
}

}  // namespace
}  // namespace hookfleet::cli
