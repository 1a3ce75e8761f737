#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/completion.hpp"
#include "tests/support/called.hpp"

namespace hookfleet::cli {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> words(std::string_view name) {
  std::vector<std::string> result;
  while (!name.empty()) {
    const std::size_t end = std::min(name.find(' '), name.size());
    result.emplace_back(name.substr(0, end));
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return result;
}

TEST(CommandLine, EveryVerbHasHelpWithExamplesOnTerminalsOfUsualWidth) {
  for (const VerbSpec& spec : verbs()) {
    auto arguments = words(spec.name);
    arguments.emplace_back("--help");
    const Called help = called(arguments);
    EXPECT_EQ(help.code, 0) << spec.name;
    EXPECT_THAT(help.output, AllOf(StartsWith("Usage: hookfleet " + std::string(spec.name)), HasSubstr("\nExamples:\n  "))) << spec.name;
  }
}

TEST(CommandLine, EveryVerbRefusesUnknownFlagsAndNamesTheNearest) {
  for (const VerbSpec& spec : verbs()) {
    auto arguments = words(spec.name);
    arguments.emplace_back("--hepl");
    const Called wrong = called(arguments);
    EXPECT_EQ(wrong.code, 2) << spec.name;
    EXPECT_THAT(wrong.output, AllOf(HasSubstr("--hepl: is not a known flag; the nearest known one is --help"), HasSubstr("See hookfleet")))
        << spec.name;
  }
}

TEST(CommandLine, UnknownVerbsNameTheNearest) {
  EXPECT_THAT(called({"stauts"}).output, HasSubstr("the nearest known one is status"));
  EXPECT_THAT(called({"dead-letters", "redriev"}).output, HasSubstr("the nearest known one is dead-letters redrive"));
  EXPECT_EQ(called({"stauts"}).code, 2);
  EXPECT_EQ(called({}).code, 2);
  EXPECT_EQ(called({"dead-letters"}).code, 2);
  EXPECT_EQ(called({"dead-letters", "--help"}).code, 0);
  EXPECT_THAT(called({"--help"}).output, HasSubstr("dead-letters redrive"));
}

TEST(CommandLine, TakesTheFileOfItsEnvironmentUnlessToldAnother) {
  const Environment environment{{"HOOKFLEET_CONFIG", "/of-the-environment.yaml"}};
  EXPECT_THAT(called({"status"}, environment).output, HasSubstr("/of-the-environment.yaml"));
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"status", "--config", "/given.yaml"}, {"status", "--config=/given.yaml"}}) {
    const Called told = called(arguments, environment);
    EXPECT_EQ(told.code, 2);
    EXPECT_THAT(told.output, AllOf(HasSubstr("/given.yaml"), Not(HasSubstr("/of-the-environment.yaml"))));
  }
  EXPECT_EQ(called({"completion", "bash"}, environment).code, 0);
}

TEST(CommandLine, WrongUsageIsFoundBeforeAnythingIsAsked) {
  const Environment nowhere{{"HOOKFLEET_REDIS__URL", "redis://127.0.0.1:1"}};
  const auto expect = [&](const std::vector<std::string>& arguments, const std::string& text) {
    const Called wrong = called(arguments, nowhere);
    EXPECT_EQ(wrong.code, 2) << text;
    EXPECT_THAT(wrong.output, HasSubstr(text));
  };
  expect({"show"}, "ID: is missing");
  expect({"show", "abc"}, "is neither an entry's id");
  expect({"show", "\x1b[2J"}, "\\u001b[2J");
  expect({"find"}, "--id-message ID or --chat CHAT");
  expect({"tail", "-n", "0"}, "-n: must be at least 1");
  expect({"status", "--interval", "5"}, "--interval");
  expect({"status", "-o", "xml"}, "\"xml\" is not known there");
  expect({"dead-letters", "redrive"}, "say which: IDs, a filter");
  expect({"dead-letters", "drop", "--all", "--class", "failed"}, "--all excludes");
  expect({"dead-letters", "drop", "1/1-1", "--class", "failed"}, "either IDs or filters");
  expect({"dead-letters", "redrive", "--all", "--rate", "fast"}, "is no rate");
  expect({"dead-letters", "list", "--class", "craash"}, "the nearest known one is crash");
  expect({"dead-letters", "show", "xyz"}, "is neither an entry's id (UUIDv7) nor a ref");
  expect({"resume"}, "one TYPE, or --all");
  expect({"log-level", "loud"}, "\"loud\" is not known there");
  expect({"log-level", "info", "--reset"}, "either a LEVEL or --reset");
  expect({"completion", "tcsh"}, "\"tcsh\" is not known there");
  expect({"status", "--redis", "rediss://x"}, "--redis");
}

TEST(CommandLine, WithoutRedisEveryVerbSaysWhereItLookedAndWhatToDo) {
  const Environment nowhere{{"HOOKFLEET_REDIS__URL", "redis://:hunter2@127.0.0.1:1"}};
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{"status"},
                                                                                         {"tail"},
                                                                                         {"show", "1/1-1"},
                                                                                         {"find", "--chat", "a"},
                                                                                         {"dead-letters", "list"},
                                                                                         {"dead-letters", "export"},
                                                                                         {"dead-letters", "redrive", "--all", "--yes"},
                                                                                         {"dead-letters", "drop", "--all", "--yes"},
                                                                                         {"resume", "--all"},
                                                                                         {"alerts", "list"},
                                                                                         {"alerts", "test"},
                                                                                         {"log-level"},
                                                                                         {"doctor"},
                                                                                         {"layout", "show"},
                                                                                         {"layout", "clear", "--yes"}}) {
    const Called failed = called(arguments, nowhere);
    EXPECT_EQ(failed.code, 1) << arguments[0];
    EXPECT_THAT(failed.output, AllOf(HasSubstr("127.0.0.1:1"), HasSubstr("--redis URL"), testing::Not(HasSubstr("hunter2"))))
        << arguments[0];
  }
}

TEST(Completion, KnowsEveryVerbAndOptionOfTheDeclarations) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion(shell);
    for (const VerbSpec& spec : verbs()) {
      for (const std::string& word : words(spec.name)) EXPECT_THAT(script, HasSubstr(word)) << shell;
      const auto verb = spec.make();
      for (const auto& argument : arguments_of(spec, *verb).describe()) {
        for (const std::string& name : argument.names) {
          const std::string plain = name.substr(name.find_first_not_of('-'));
          EXPECT_THAT(script, HasSubstr(std::string_view(shell) == "fish" ? "'" + plain + "'" : name)) << shell;
        }
        for (const std::string& choice : argument.choices) EXPECT_THAT(script, HasSubstr(choice)) << shell;
      }
    }
  }
}

}  // namespace
}  // namespace hookfleet::cli
