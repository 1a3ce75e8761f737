#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "common/config/programs.hpp"
#include "common/config/settings.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::config {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

enum class Level { kDebug, kInfo, kWarn };

struct Instance {
  std::uint64_t id = 0;
  std::vector<Secret> tokens;
  std::string note = "none";
};

void declare_instance(Settings& settings, Instance& instance) {
  settings.count("id", instance.id, {1, std::numeric_limits<std::uint64_t>::max()}, "Its number");
  settings.required("id");
  settings.secrets("tokens", instance.tokens, "Its tokens");
  settings.text("more.note", instance.note, "A note");
  settings.rule(
      [&instance]() -> std::optional<std::string> {
        if (instance.tokens.size() <= 2) return std::nullopt;
        return "tokens are current and next";
      },
      {"tokens"});
}

/// One setting of each kind.
struct Options {
  std::string listen = "127.0.0.1:9080";
  bool reuse = false;
  std::uint16_t threads = 4;
  std::size_t body = 4U << 20U;
  unsigned memory = 80;
  std::chrono::milliseconds linger{0};
  std::chrono::milliseconds deadline{20s};
  Level level = Level::kInfo;
  std::vector<std::string> proxies{"127.0.0.1/32"};
  Secret url{"redis://127.0.0.1:6379/0"};
  std::vector<Secret> tokens;
  std::vector<Instance> instances;
  std::string mode = "off";
};

struct Config {
  Options options;
  Settings settings;

  Config() {
    Options& o = options;
    settings.text("server.listen", o.listen, "Address", [](const std::string& text) -> std::optional<std::string> {
      if (text.find(':') == std::string::npos) return "is not an address with a port";
      return std::nullopt;
    });
    settings.flag("server.reuse", o.reuse, "Reuse the port");
    settings.count("server.threads", o.threads, {1, 1'000'000}, "Threads");
    settings.bytes("server.body_max", o.body, {1024, 64U << 20U}, "Largest body");
    settings.texts("server.trusted_proxies", o.proxies, "Networks", [](const std::string& text) -> std::optional<std::string> {
      if (text.find('/') == std::string::npos) return "is not a network";
      return std::nullopt;
    });
    settings.percent("stream.memory_max", o.memory, {10, 95}, "Share");
    settings.duration("append.linger", o.linger, {0ms, 50ms}, "Wait");
    settings.duration("append.deadline", o.deadline, {1s, 22s}, "Deadline");
    settings.choice("log.level", o.level, {{"debug", Level::kDebug}, {"info", Level::kInfo}, {"warn", Level::kWarn}}, "Level");
    settings.secret("redis.url", o.url, "Where Redis is");
    settings.secrets("auth.tokens", o.tokens, "Tokens");
    settings.list("auth.instances", o.instances, declare_instance, "Instances");
    settings.text("auth.allowlist.mode", o.mode, "Mode");
    settings.foreign_section("worker");
    settings.foreign_section("routes");
    settings.foreign_setting("stream.partitions");
    settings.foreign_setting("stream.by.messageType");
  }
};

class ConfigSettings : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& content) {
    std::ofstream(directory_ / name) << content;
    return directory_ / name;
  }
  /// The problems as "where: message" lines, of a file, without the directory.
  std::string problems(const std::string& yaml, const std::map<std::string, std::string>& environment = {},
                       const std::vector<std::pair<std::string, std::string>>& flags = {}) {
    return problems_of(config_.settings, yaml, environment, flags);
  }
  std::string problems_of(Settings& settings, const std::string& yaml, const std::map<std::string, std::string>& environment = {},
                          const std::vector<std::pair<std::string, std::string>>& flags = {}) {
    std::string result;
    for (const Problem& problem : settings.load(yaml.empty() ? "" : write("f.yaml", yaml), environment, flags)) {
      std::string where = problem.where;
      if (where.starts_with(directory_.path() + '/')) where.erase(0, directory_.path().size() + 1);
      result += where + ": " + problem.message + '\n';
    }
    return result;
  }

  support::TempDir directory_;
  Config config_;
  Options& options_ = config_.options;
};

TEST_F(ConfigSettings, KeepsTheDefaultsWithoutAnySource) {
  EXPECT_EQ(problems(""), "");
  EXPECT_EQ(options_.listen, "127.0.0.1:9080");
  EXPECT_EQ(options_.deadline, 20s);
}

TEST_F(ConfigSettings, FillsEveryKindFromTheFile) {
  EXPECT_EQ(problems(R"(
server:
  listen: "[::1]:80"
  reuse: yes
  threads: 8
  body_max: 1MiB
  trusted_proxies: [10.0.0.0/8, 'fd00::/8']
stream: {memory_max: 70%}
append: {linger: 5ms}
log: {level: warn}
redis: {url: "redis://u:p@h:1/2"}
auth:
  tokens: [a, b]
  instances:
    - {id: 18446744073709551615, tokens: [c], more: {note: hi}}
    - id: 7
  allowlist: {mode: monitor}
)"),
            "");
  EXPECT_EQ(options_.listen, "[::1]:80");
  EXPECT_TRUE(options_.reuse);
  EXPECT_EQ(options_.threads, 8);
  EXPECT_EQ(options_.body, 1U << 20U);
  EXPECT_THAT(options_.proxies, ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(options_.memory, 70U);
  EXPECT_EQ(options_.linger, 5ms);
  EXPECT_EQ(options_.level, Level::kWarn);
  EXPECT_EQ(options_.url.reveal(), "redis://u:p@h:1/2");
  EXPECT_THAT(options_.tokens, ElementsAre(Secret("a"), Secret("b")));
  ASSERT_EQ(options_.instances.size(), 2U);
  EXPECT_EQ(options_.instances[0].id, 18446744073709551615U);
  EXPECT_THAT(options_.instances[0].tokens, ElementsAre(Secret("c")));
  EXPECT_EQ(options_.instances[0].note, "hi");
  EXPECT_EQ(options_.instances[1].id, 7U);
  EXPECT_EQ(options_.instances[1].note, "none");
  EXPECT_EQ(options_.mode, "monitor");
}

TEST_F(ConfigSettings, TheLaterSourceCounts) {
  const std::string file = "append: {linger: 1ms, deadline: 2s}\nlog: {level: debug}\n";
  EXPECT_EQ(problems(file, {{"HOOKFLEET_APPEND__LINGER", "2ms"}, {"HOOKFLEET_APPEND__DEADLINE", "3s"}}, {{"append.linger", "3ms"}}), "");
  EXPECT_EQ(options_.linger, 3ms);
  EXPECT_EQ(options_.deadline, 3s);
  EXPECT_EQ(options_.level, Level::kDebug);
}

TEST_F(ConfigSettings, ListsAreSeparatedByCommasOutsideTheFile) {
  EXPECT_EQ(
      problems("", {{"HOOKFLEET_SERVER__TRUSTED_PROXIES", "10.0.0.0/8, 192.168.0.0/16,"}}, {{"auth.tokens", "a,b"}, {"auth.tokens", "c"}}),
      "");
  EXPECT_THAT(options_.proxies, ElementsAre("10.0.0.0/8", "192.168.0.0/16"));
  EXPECT_THAT(options_.tokens, ElementsAre(Secret("a"), Secret("b"), Secret("c")));
}

TEST_F(ConfigSettings, AnEmptyVariableIsAnEmptyListButNoSecret) {
  EXPECT_EQ(problems("", {{"HOOKFLEET_SERVER__TRUSTED_PROXIES", ""}}), "");
  EXPECT_THAT(options_.proxies, IsEmpty());
  Config other;
  EXPECT_THAT(
      other.settings.load("", {{"HOOKFLEET_AUTH__TOKENS", ""}}, {}),
      ElementsAre(AllOf(Field(&Problem::where, "environment HOOKFLEET_AUTH__TOKENS"), Field(&Problem::message, StartsWith("is empty")))));
}

TEST_F(ConfigSettings, OnlyNamesWithTwoUnderscoresAreSettings) {
  EXPECT_EQ(problems("", {{"HOOKFLEET_TOKEN", "x"}, {"HOOKFLEET__", "x"}, {"HOOKFLEET_APPEND_LINGER", "x"}, {"PATH", "x"}}), "");
  Config other;
  EXPECT_THAT(
      other.settings.load("", {{"HOOKFLEET_NO__", "x"}}, {}),
      ElementsAre(AllOf(Field(&Problem::where, "environment HOOKFLEET_NO__"), Field(&Problem::message, StartsWith("is not a known")))));
}

TEST_F(ConfigSettings, VariableNamesReachNestedKeys) {
  EXPECT_EQ(problems("", {{"HOOKFLEET_AUTH__ALLOWLIST__MODE", "enforce"}}), "");
  EXPECT_EQ(options_.mode, "enforce");
}

TEST_F(ConfigSettings, AnEmptyFileAndEmptySectionsAreFine) {
  EXPECT_EQ(problems("\n# nothing\n"), "");
  Config other;
  EXPECT_THAT(other.settings.load(write("g.yaml", "append:\nauth:\n  allowlist:\n"), {}, {}), IsEmpty());
}

// ---- problems

struct Row {
  const char* label;
  std::string yaml;
  std::string problems;
};

TEST_F(ConfigSettings, SaysWhatIsWrongWhereAndWhatToDo) {
  const Row rows[] = {
      {"no unit", "append:\n  linger: 20\n",
       "f.yaml:2:11: append.linger: \"20\" has no unit; write a duration from 0ms to 50ms with its unit (ms, s, min, h, d)\n"},
      {"range", "append: {linger: 2s}",
       "f.yaml:1:18: append.linger: \"2s\" is too large; write a duration from 0ms to 50ms with its unit (ms, s, min, h, d)\n"},
      {"range of the variable's type", "server: {threads: 65536}",
       "f.yaml:1:19: server.threads: \"65536\" is too large; write a whole number from 1 to 65535\n"},
      {"negative", "server: {threads: -1}",
       "f.yaml:1:19: server.threads: \"-1\" is not a whole number; write a whole number from 1 to 65535\n"},
      {"size", "server: {body_max: 4MB}",
       "f.yaml:1:20: server.body_max: \"4MB\" has an unknown unit; write a size from 1KiB to 64MiB, such as 64KiB, 4MiB or 1GiB\n"},
      {"share", "stream: {memory_max: 0.8}", "f.yaml:1:22: stream.memory_max: \"0.8\" is not a share; write a share from 10% to 95%\n"},
      {"flag", "server: {reuse: maybe}", "f.yaml:1:17: server.reuse: \"maybe\" is neither true nor false; write true or false\n"},
      {"choice", "log: {level: wran}",
       "f.yaml:1:14: log.level: \"wran\" is not known; the nearest is warn; write one of debug, info, warn\n"},
      {"check of the caller", "server: {listen: here}", "f.yaml:1:18: server.listen: \"here\" is not an address with a port\n"},
      {"check of one in a list", "server: {trusted_proxies: [10.0.0.0/8, ten]}",
       "f.yaml:1:40: server.trusted_proxies[1]: \"ten\" is not a network\n"},
      {"map for a text", "server: {listen: {a: b}}", "f.yaml:1:18: server.listen: found a map; write a text\n"},
      {"nothing", "append: {linger: }",
       "f.yaml:1:18: append.linger: found nothing; write a duration from 0ms to 50ms with its unit (ms, s, min, h, d)\n"},
      {"text for a list", "server: {trusted_proxies: 10.0.0.0/8}",
       "f.yaml:1:27: server.trusted_proxies: found a text; write a list of texts such as [a, b]\n"},
      {"list in a list", "auth: {tokens: [[a]]}", "f.yaml:1:17: auth.tokens[0]: found a list; write a text\n"},
      {"text for a section", "append: 5ms", "f.yaml:1:9: append: found a text; write its settings below it, such as linger\n"},
      {"unknown key", "append: {lingr: 1ms}",
       "f.yaml:1:10: append.lingr: is not a known setting; the nearest known one is append.linger\n"},
      {"key of another section", "append: {body_max: 1MiB}",
       "f.yaml:1:10: append.body_max: is not a known setting; the nearest known one is server.body_max\n"},
      {"unknown section", "apend: {linger: 1ms}", "f.yaml:1:1: apend: is not a known section; the nearest known one is append\n"},
      {"unknown section near a foreign one", "workers: {x: 1}",
       "f.yaml:1:1: workers: is not a known section; the nearest known one is worker\n"},
      {"unknown key deep below", "auth: {allowlist: {moed: off}}",
       "f.yaml:1:20: auth.allowlist.moed: is not a known setting; the nearest known one is auth.allowlist.mode\n"},
      {"flat key", "append.linger: 5ms",
       "f.yaml:1:1: append.linger: sections nest; write the setting below its section: `append: {linger: …}`\n"},
      {"duplicate key", "append:\n  linger: 1ms\n  linger: 60ms\n",
       "f.yaml:3:3: \"linger\" is given a second time, first in line 2; keep one\n"},
      {"duplicate section", "log: {level: info}\nlog: {level: warn}\n",
       "f.yaml:2:1: \"log\" is given a second time, first in line 1; keep one\n"},
      {"duplicate in a foreign section", "worker: {a: 1, a: 2}", "f.yaml:1:16: \"a\" is given a second time, first in line 1; keep one\n"},
      {"a key that would act on a terminal", "\"ap\\epend\": {linger: 1ms}",
       "f.yaml:1:1: ap\\x1bpend: is not a known section; the nearest known one is append\n"},
      {"unset variable", "server: {listen: \"${GONE}:80\"}",
       "f.yaml:1:18: server.listen: needs the environment variable GONE, which is not set; set it, or write $${ for a plain ${\n"},
      {"item that is no map", "auth: {instances: [7]}",
       "f.yaml:1:20: auth.instances[0]: found a text; write a map with id, tokens, more.note\n"},
      {"map for a list of maps", "auth: {instances: {id: 7}}",
       "f.yaml:1:19: auth.instances: found a map; write a list of maps with id, tokens, more.note\n"},
      {"item without what it needs", "auth:\n  instances:\n    - {id: 1}\n    - {tokens: [a]}\n",
       "f.yaml:4:7: auth.instances[1].id: is missing; write a whole number from 1 up\n"},
      {"wrong value in an item", "auth: {instances: [{id: x}]}",
       "f.yaml:1:25: auth.instances[0].id: \"x\" is not a whole number; write a whole number from 1 up\n"},
      {"unknown key in an item", "auth: {instances: [{id: 1, token: [a]}]}",
       "f.yaml:1:28: auth.instances[0].token: is not a known setting; the nearest known one is auth.instances[0].tokens\n"},
      {"rule of an item", "auth: {instances: [{id: 1, tokens: [a, b, c]}]}",
       "f.yaml:1:36: auth.instances[0]: tokens are current and next\n"},
      {"a list on top", "- append\n", "f.yaml:1:1: found a list; write sections with settings below them, such as `log: {level: info}`\n"},
      {"a text on top", "append\n", "f.yaml:1:1: found a text; write sections with settings below them, such as `log: {level: info}`\n"},
      {"alias", "append: &a {linger: 1ms}\n",
       "f.yaml:1:9: anchors (&name) and aliases (*name) are not supported; write the value out, or quote a text "
       "that begins so\n"},
      {"second document", "log: {level: info}\n---\nlog: {level: warn}\n", "f.yaml:2:1: a second YAML document begins here; keep one\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.label);
    Config fresh;
    EXPECT_EQ(problems_of(fresh.settings, row.yaml), row.problems);
  }
}

TEST_F(ConfigSettings, ReportsAllProblemsAtOnceInTheOrderOfTheSources) {
  EXPECT_EQ(
      problems("log: {level: loud}\nappend: {linger: 1h, lingr: 1ms}\n",
               {{"HOOKFLEET_APPEND__DEADLINE", "1h"}, {"HOOKFLEET_APEND__LINGER", "1ms"}},
               {{"server.threads", "0"}, {"log.levle", "info"}}),
      "f.yaml:1:14: log.level: \"loud\" is not known; the nearest is debug; write one of debug, info, warn\n"
      "f.yaml:2:18: append.linger: \"1h\" is too large; write a duration from 0ms to 50ms with its unit (ms, s, min, h, d)\n"
      "f.yaml:2:22: append.lingr: is not a known setting; the nearest known one is append.linger\n"
      "environment HOOKFLEET_APEND__LINGER: is not a known setting; the nearest known one is HOOKFLEET_APPEND__LINGER\n"
      "environment HOOKFLEET_APPEND__DEADLINE: \"1h\" is too large; write a duration from 1s to 22s with its unit (ms, s, min, h, d)\n"
      "--log.levle: is not a known setting; the nearest known one is --log.level\n"
      "--server.threads: \"0\" is too small; write a whole number from 1 to 65535\n");
  EXPECT_EQ(options_.threads, 4) << "what has a problem keeps its default";
}

TEST_F(ConfigSettings, OverriddenValuesAreCheckedToo) {
  EXPECT_EQ(problems("append: {linger: soon}\n", {}, {{"append.linger", "1ms"}}),
            "f.yaml:1:18: append.linger: \"soon\" is not a duration; write a duration from 0ms to 50ms with its unit (ms, s, min, h, d)\n");
}

TEST_F(ConfigSettings, OverriddenVariablesAndSecretFilesAreNotNeeded) {
  EXPECT_EQ(problems("redis: {url_file: /does/not/exist}\nauth: {tokens: [\"${GONE}\"]}\n", {{"HOOKFLEET_REDIS__URL", "redis://h"}},
                     {{"auth.tokens", "t"}}),
            "");
  EXPECT_EQ(options_.url.reveal(), "redis://h");
  EXPECT_THAT(options_.tokens, ElementsAre(Secret("t")));
}

TEST_F(ConfigSettings, AFlagIsGivenOnce) {
  EXPECT_EQ(problems("", {}, {{"append.linger", "1ms"}, {"append.linger", "2ms"}}), "--append.linger: is given more than once; keep one\n");
}

TEST_F(ConfigSettings, ListsOfMapsStandInTheFileOnly) {
  EXPECT_EQ(problems("", {{"HOOKFLEET_AUTH__INSTANCES", "1"}}, {{"auth.instances", "1"}}),
            "environment HOOKFLEET_AUTH__INSTANCES: can be set in the file only\n"
            "--auth.instances: can be set in the file only\n");
}

TEST_F(ConfigSettings, SectionsOfOtherProgramsAreNotChecked) {
  EXPECT_EQ(problems("worker: {anything: [1, {a: \"${GONE}\"}]}\nroutes: [{a: 1}]\n", {{"HOOKFLEET_WORKER__CONCURRENCY", "x"}}), "");
}

TEST_F(ConfigSettings, ASectionMayBeSharedWithAnotherProgram) {
  EXPECT_EQ(problems("stream: {partitions: many, memory_max: 70%, partition: 3}\n",
                     {{"HOOKFLEET_STREAM__PARTITIONS", "x"}, {"HOOKFLEET_STREAM__BY__MESSAGETYPE", "x"}}),
            "f.yaml:1:45: stream.partition: is not a known setting; the nearest known one is stream.partitions\n");
}

TEST_F(ConfigSettings, AFlagOfAnotherProgramIsRefused) {
  EXPECT_EQ(problems("", {}, {{"worker.concurrency", "4"}}), "--worker.concurrency: is a setting of another program of the fleet\n");
}

TEST_F(ConfigSettings, VariablesAreExpandedInFileValuesOnly) {
  EXPECT_EQ(
      problems("server: {listen: \"${HOST}:${PORT}\", threads: \"${N}\"}\nauth: {tokens: ['${T}', b], allowlist: {mode: \"$${X}\"}}\n",
               {{"HOST", "h,i"}, {"PORT", "80"}, {"N", "6"}, {"T", "x,y"}, {"HOOKFLEET_REDIS__URL", "${HOST}"}}),
      "");
  EXPECT_EQ(options_.listen, "h,i:80");
  EXPECT_EQ(options_.threads, 6);
  EXPECT_THAT(options_.tokens, ElementsAre(Secret("x,y"), Secret("b")));
  EXPECT_EQ(options_.mode, "${X}");
  EXPECT_EQ(options_.url.reveal(), "${HOST}");
}

// ---- secrets

TEST_F(ConfigSettings, SecretsComeFromFiles) {
  const std::string one = write("one", "redis://secret\r\n");
  const std::string many = write("many", "first\n\nsecond\r\n");
  EXPECT_EQ(problems("auth: {tokens_file: " + many + "}\n", {{"HOOKFLEET_REDIS__URL_FILE", one}}), "");
  EXPECT_EQ(options_.url.reveal(), "redis://secret");
  EXPECT_THAT(options_.tokens, ElementsAre(Secret("first"), Secret("second")));
}

TEST_F(ConfigSettings, SecretFilesOfItemsAreRead) {
  EXPECT_EQ(problems("auth: {instances: [{id: 1, tokens_file: " + write("t", "abc") + "}]}\n"), "");
  EXPECT_THAT(options_.instances[0].tokens, ElementsAre(Secret("abc")));
}

TEST_F(ConfigSettings, ASecretThatEverybodyCanReadIsAWarning) {
  const std::string open = write("open", "abc"), closed = write("closed", "redis://secret");
  ASSERT_EQ(::chmod(open.c_str(), 0644), 0);
  ASSERT_EQ(::chmod(closed.c_str(), 0640), 0);
  Config fresh;
  EXPECT_EQ(problems_of(fresh.settings, "auth: {tokens_file: " + open + "}\nredis: {url_file: " + closed + "}\n"), "");
  EXPECT_THAT(fresh.settings.warnings(),
              ElementsAre(Problem{directory_ / "f.yaml:1:21", "auth.tokens_file: every user of this machine can read \"" + open +
                                                                  "\"; take that from them (chmod o-r)"}));
}

TEST_F(ConfigSettings, OnlyOneLineEndIsCut) {
  EXPECT_EQ(problems("", {}, {{"redis.url_file", write("s", " a \n\n")}}), "");
  EXPECT_EQ(options_.url.reveal(), " a \n");
}

TEST_F(ConfigSettings, ASecretAndItsFileExcludeEachOther) {
  EXPECT_EQ(problems("redis:\n  url: a\n  url_file: b\n"),
            "f.yaml:3:13: redis.url_file: stands beside redis.url, which means the same; keep one of them\n");
}

TEST_F(ConfigSettings, TheLaterOfASecretAndItsFileCounts) {
  EXPECT_EQ(problems("redis: {url: a}\n", {{"HOOKFLEET_REDIS__URL_FILE", write("s", "b")}}), "");
  EXPECT_EQ(options_.url.reveal(), "b");
}

TEST_F(ConfigSettings, BadSecretFilesAreNamed) {
  const auto message = [&](const std::string& path) {
    Config fresh;
    const auto found = fresh.settings.load("", {}, {{"redis.url_file", path}});
    return found.size() == 1 ? found[0].where + ": " + found[0].message : std::to_string(found.size()) + " problems";
  };
  EXPECT_THAT(message("/does/not/exist"), AllOf(StartsWith("--redis.url_file: "), HasSubstr("/does/not/exist"), HasSubstr("No such file")));
  EXPECT_THAT(message(directory_.path()), HasSubstr("Is a directory"));
  EXPECT_THAT(message(write("empty", "\n")), HasSubstr("is empty"));
  EXPECT_THAT(message(write("large", std::string(70'000, 'x'))), HasSubstr("is larger than 64KiB"));
  EXPECT_THAT(message(""), HasSubstr("is empty; write the path"));
}

TEST_F(ConfigSettings, SecretFilesThatOthersMayReadAreAccepted) {
  const std::string path = write("s", "x");
  ASSERT_EQ(::chmod(path.c_str(), 0666), 0);
  EXPECT_EQ(problems("", {}, {{"redis.url_file", path}}), "");
}

TEST_F(ConfigSettings, NoProblemShowsASecret) {
  const std::string found = problems("redis: {url: [hunter2]}\nauth: {tokens: {hunter2: x}, instances: [{id: 1, tokens: hunter2}]}\n",
                                     {{"HOOKFLEET_REDIS__URL_FILE", write("s", "")}, {"HOOKFLEET_AUTH__TOKENS", "hunter2,,"}});
  EXPECT_THAT(found,
              AllOf(Not(HasSubstr("hunter2")), HasSubstr("redis.url"), HasSubstr("auth.tokens"), HasSubstr("auth.instances[0].tokens")));
}

TEST_F(ConfigSettings, TheMaskIsNoSecret) {
  EXPECT_THAT(problems("redis: {url: \"***\"}"), HasSubstr("is the mask that --print-config shows"));
}

// ---- rules

TEST_F(ConfigSettings, ARuleIsLocatedWhereItsKeyWasGiven) {
  config_.settings.rule(
      [this]() -> std::optional<std::string> {
        if (options_.linger < options_.deadline) return std::nullopt;
        return "append.linger must be below append.deadline";
      },
      {"append.deadline", "append.linger"});
  options_.deadline = 10ms;
  EXPECT_EQ(problems("append:\n  linger: 20ms\n"), "f.yaml:2:11: append.linger must be below append.deadline\n");
}

TEST_F(ConfigSettings, ARuleIsNotRunOnWrongValues) {
  config_.settings.rule([]() -> std::optional<std::string> { return "follow-up"; }, {"append.linger"});
  config_.settings.rule([]() -> std::optional<std::string> { return "general"; });
  EXPECT_THAT(problems("append: {linger: x}"), AllOf(HasSubstr("append.linger"), Not(HasSubstr("follow-up")), Not(HasSubstr("general"))));
}

TEST_F(ConfigSettings, ARuleWithoutKeysSpeaksOfTheSettings) {
  config_.settings.rule([]() -> std::optional<std::string> { return "no token"; });
  EXPECT_EQ(problems(""), "settings: no token\n");
}

TEST(ConfigDeclaration, ARequiredSettingMustBeGiven) {
  std::string value;
  Settings settings;
  settings.text("a.b", value, "What");
  settings.required("a.b");
  EXPECT_THAT(settings.load("", {}, {}), ElementsAre(Problem{"settings", "a.b: is missing; write a text"}));
}

TEST(ConfigDeclaration, ADefaultOutsideItsRangeIsAProblem) {
  unsigned value = 0;
  Settings settings;
  settings.count("a.b", value, {1, 2}, "What");
  EXPECT_THAT(settings.load("", {}, {}), ElementsAre(Problem{"default", "a.b: \"0\" is too small; write a whole number from 1 to 2"}));
}

TEST(ConfigDeclarationDeathTest, KeysAreDeclaredOnce) {
  std::string value;
  Settings settings;
  settings.text("a.b", value, "What");
  EXPECT_DEATH(settings.text("a.b", value, "Again"), "");
  EXPECT_DEATH(settings.text("a.b.c", value, "Below"), "");
  EXPECT_DEATH(settings.text("a", value, "Above"), "");
  EXPECT_DEATH(settings.required("a.c"), "");
}

// ---- lists of words and maps, within each other

struct Stream {
  std::string key;
  std::size_t length = 0;
};

struct Step {
  bool skip = false;
  std::string name;
  std::optional<Stream> stream;
};

struct Rule {
  bool standard = false;
  std::vector<std::string> types;
  std::vector<Step> steps;
};

struct Nested {
  std::vector<Rule> rules;
  Settings settings;

  explicit Nested(std::vector<Rule> initial = {}) : rules(std::move(initial)) {
    const auto declare_stream = [](Settings& s, Stream& stream) {
      s.text("key", stream.key, "Its key");
      s.required("key");
      s.count("length", stream.length, {1, 100}, "Its length");
      s.required("length");
    };
    const auto declare_step = [declare_stream](Settings& s, Step& step) {
      s.one_of();
      s.word("skip", step.skip, "Nothing");
      s.text("name", step.name, "By name", [](const std::string& text) -> std::optional<std::string> {
        if (text == "bad") return "is bad";
        return std::nullopt;
      });
      s.map("stream", step.stream, declare_stream, "Into a stream");
    };
    const auto declare_rule = [declare_step](Settings& s, Rule& rule) {
      s.word("standard", rule.standard, "What there is without any");
      s.texts("match.type", rule.types, "Types", {}, [](const std::string& text) -> std::optional<std::string> {
        if (text == "odd") return "is odd";
        return std::nullopt;
      });
      s.list("steps", rule.steps, declare_step, "What is done");
      s.required("steps");
    };
    settings.list("rules", rules, declare_rule, "Rules");
    settings.foreign_section("auth");
  }
};

constexpr char kNested[] = R"(
rules:
  - match: {type: [a, b]}
    steps:
      - name: one
      - stream: {key: k, length: 7}
      - skip
  - standard
  - {steps: []}
)";

TEST_F(ConfigSettings, ItemsMayBeWordsAndHoldListsAndMaps) {
  Nested nested;
  EXPECT_EQ(problems_of(nested.settings, kNested), "");
  ASSERT_EQ(nested.rules.size(), 3U);
  EXPECT_THAT(nested.rules[0].types, ElementsAre("a", "b"));
  EXPECT_FALSE(nested.rules[0].standard);
  ASSERT_EQ(nested.rules[0].steps.size(), 3U);
  EXPECT_EQ(nested.rules[0].steps[0].name, "one");
  EXPECT_FALSE(nested.rules[0].steps[0].stream.has_value());
  ASSERT_TRUE(nested.rules[0].steps[1].stream.has_value());
  EXPECT_EQ(nested.rules[0].steps[1].stream->key, "k");
  EXPECT_EQ(nested.rules[0].steps[1].stream->length, 7U);
  EXPECT_TRUE(nested.rules[0].steps[2].skip);
  EXPECT_TRUE(nested.rules[1].standard);
  EXPECT_TRUE(nested.rules[2].steps.empty());
}

TEST_F(ConfigSettings, NestedProblemsAreAllSaidWithTheirPlaces) {
  const Row rows[] = {
      {"misspelt word", "rules:\n  - {steps: [skp]}\n",
       "f.yaml:2:14: rules[0].steps[0]: \"skp\" is not known; the nearest is skip; write skip or a map with one of name, stream\n"},
      {"a key as a word", "rules: [{steps: [name]}]", "f.yaml:1:18: rules[0].steps[0]: \"name\" is no word but a key; write `name: …`\n"},
      {"a word as a key", "rules: [{steps: [{skip: yes}]}]",
       "f.yaml:1:19: rules[0].steps[0].skip: is a word; write `- skip` in place of the map\n"},
      {"two at once", "rules:\n  - steps:\n      - name: a\n        stream: {key: k, length: 1}\n",
       "f.yaml:4:17: rules[0].steps[0].stream: stands beside name, and an item is one of them; write two: `- name: …` and `- stream: …`\n"},
      {"none", "rules: [{steps: [{}]}]", "f.yaml:1:18: rules[0].steps[0]: is empty; write skip or a map with one of name, stream\n"},
      {"neither word nor map", "rules: [{steps: [[a]]}]",
       "f.yaml:1:18: rules[0].steps[0]: found a list; write skip or a map with one of name, stream\n"},
      {"unknown key", "rules: [{steps: [{nam: a}]}]",
       "f.yaml:1:19: rules[0].steps[0].nam: is not a known setting; the nearest known one is rules[0].steps[0].name\n"},
      {"unknown key of a map", "rules: [{steps: [{stream: {key: k, lenght: 1}}]}]",
       "f.yaml:1:27: rules[0].steps[0].stream.length: is missing; write a whole number from 1 to 100\n"
       "f.yaml:1:36: rules[0].steps[0].stream.lenght: is not a known setting; the nearest known one is rules[0].steps[0].stream.length\n"},
      {"a text for a map", "rules: [{steps: [{stream: k}]}]",
       "f.yaml:1:27: rules[0].steps[0].stream: found a text; write a map with key, length\n"},
      {"what an item needs", "rules:\n  - standard\n  - match: {type: [a]}\n",
       "f.yaml:3:5: rules[1].steps: is missing; write a list whose items are skip or a map with one of name, stream\n"},
      {"all at once", "rules:\n  - {steps: [{name: bad}, skp]}\n  - {match: {typ: [a]}, steps: [{stream: {key: k, length: 0}}]}\n",
       "f.yaml:2:21: rules[0].steps[0].name: \"bad\" is bad\n"
       "f.yaml:2:27: rules[0].steps[1]: \"skp\" is not known; the nearest is skip; write skip or a map with one of name, stream\n"
       "f.yaml:3:14: rules[1].match.typ: is not a known setting; the nearest known one is rules[1].match.type\n"
       "f.yaml:3:59: rules[1].steps[0].stream.length: \"0\" is too small; write a whole number from 1 to 100\n"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.label);
    Nested nested;
    EXPECT_EQ(problems_of(nested.settings, row.yaml), row.problems);
  }
}

TEST_F(ConfigSettings, WhatMayBeAMistakeIsAWarningWithItsPlace) {
  Nested nested;
  EXPECT_EQ(problems_of(nested.settings, "rules:\n  - {match: {type: [a, odd]}, steps: []}\n"), "");
  EXPECT_THAT(nested.settings.warnings(), ElementsAre(Problem{directory_ / "f.yaml:2:24", "rules[0].match.type[1]: \"odd\" is odd"}));
}

TEST_F(ConfigSettings, NestedListsArePrintedSoThatTheyLoadAgain) {
  Nested nested;
  ASSERT_EQ(problems_of(nested.settings, kNested), "");
  const std::string printed = nested.settings.print();
  EXPECT_EQ(printed,
            "rules:\n"
            "  - match:\n"
            "      type: [a, b]\n"
            "    steps:\n"
            "      - name: one\n"
            "      - stream:\n"
            "          key: k\n"
            "          length: 7\n"
            "      - skip\n"
            "  - standard\n"
            "  - match:\n"
            "      type: []\n"
            "    steps: []\n");
  Nested again;
  EXPECT_EQ(problems_of(again.settings, printed), "");
  EXPECT_EQ(again.settings.print(), printed);
  std::string logged;
  for (const auto& [key, value] : nested.settings.effective()) logged += key + '=' + value + '\n';
  EXPECT_EQ(logged,
            "rules[0].match.type=a,b\nrules[0].steps[0].name=one\nrules[0].steps[1].stream.key=k\nrules[0].steps[1].stream.length=7\n"
            "rules[0].steps[2]=skip\nrules[1]=standard\nrules[2].match.type=\n");
}

TEST_F(ConfigSettings, ADefaultListMayBeAWord) {
  const std::vector<Rule> initial{Rule{.standard = true, .types = {}, .steps = {}}};
  Nested nested(initial);
  EXPECT_EQ(problems_of(nested.settings, ""), "");
  EXPECT_EQ(nested.settings.print(), "rules:\n  - standard\n");
  EXPECT_THAT(nested.settings.reference(),
              AllOf(StartsWith("\n## rules\n"), HasSubstr("| `rules` | `standard` | a list of maps, or standard | Rules |\n"),
                    HasSubstr("| `rules[].standard` | – | as a word: - standard | What there is without any |\n"),
                    HasSubstr("| `rules[].steps[].stream.key` | required | a text | Its key |\n"), Not(HasSubstr("HOOKFLEET_"))));
  Nested none(initial);
  EXPECT_EQ(problems_of(none.settings, "rules: []"), "");
  EXPECT_TRUE(none.rules.empty());
}

// ---- files that aren't settings

TEST_F(ConfigSettings, BrokenYamlIsOneProblemWithItsLine) {
  config_.settings.rule([]() -> std::optional<std::string> { return "general"; });
  EXPECT_THAT(problems("append:\n  linger: 1ms\n bad: [\nlog: {level: nothing}\n"),
              AllOf(testing::MatchesRegex("f\\.yaml:[0-9]+:[0-9]+: the YAML is broken here or just before: [^\n]+\n")));
  EXPECT_EQ(options_.linger, 0ms);
}

TEST_F(ConfigSettings, ABrokenFileMissesNothing) {
  Settings settings;
  std::string value;
  settings.text("a.b", value, "What");
  settings.required("a.b");
  EXPECT_EQ(settings.load(write("broken.yaml", "a: ["), {}, {}).size(), 1U);
}

TEST_F(ConfigSettings, UnreadableFilesAreNamed) {
  EXPECT_THAT(config_.settings.load("/does/not/exist.yaml", {}, {}),
              ElementsAre(Problem{"/does/not/exist.yaml", "can't be read: No such file or directory"}));
  Config other;
  EXPECT_THAT(other.settings.load(directory_.path(), {}, {}), ElementsAre(Problem{directory_.path(), "can't be read: Is a directory"}));
}

TEST_F(ConfigSettings, ALargeFileIsRefused) {
  EXPECT_EQ(problems("# " + std::string(1U << 20U, 'x')), "f.yaml: can't be read: is larger than 1MiB\n");
}

TEST_F(ConfigSettings, AbsurdNestingIsRefused) {
  for (const std::string& open : {std::string("["), std::string("{a: "), std::string("- "), std::string("? ")}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += open;
    Config fresh;
    EXPECT_EQ(fresh.settings.load(write("deep.yaml", text), {}, {}).size(), 1U) << open;
  }
}

TEST_F(ConfigSettings, TooManyValuesAreRefused) {
  std::string text = "worker: [";
  for (int i = 0; i < 100'000; ++i) text += "1, ";
  EXPECT_THAT(problems(text + "1]"), AllOf(StartsWith("f.yaml:1:"), HasSubstr("more than 100000 values")));
}

TEST_F(ConfigSettings, OddBytesDontCrash) {
  for (const std::string& text :
       {std::string("\0\0\0", 3),
        std::string("\xff\xfe"
                    "a\0",
                    4),
        std::string("\x80\x80: \xff"), std::string("%YAML 9.9\n---\na: b"), std::string("? : :\n"), std::string("!!binary x"),
        std::string("\t- a"), std::string("a: !<"), std::string("\"\\xzz\""), std::string("{[a]: b}")}) {
    Config fresh;
    EXPECT_FALSE(fresh.settings.load(write("odd.yaml", text), {}, {}).empty()) << text;
  }
}

// ---- what is said about settings

TEST_F(ConfigSettings, PrintsWhatCountsAndHidesSecrets) {
  EXPECT_EQ(problems("server: {listen: \"${H}:1\", body_max: 2048}\nauth:\n  tokens: [hunter2, hunter3]\n  instances:\n    - {id: 5, "
                     "tokens: [hunter4]}\n"
                     "    - {id: 6, tokens_file: " +
                         write("t", "hunter5") + "}\n",
                     {{"H", "h"}, {"HOOKFLEET_REDIS__URL", "redis://:hunter6@h"}}),
            "");
  EXPECT_EQ(config_.settings.print(),
            "server:\n"
            "  listen: h:1\n"
            "  reuse: false\n"
            "  threads: 4\n"
            "  body_max: 2KiB\n"
            "  trusted_proxies: [127.0.0.1/32]\n"
            "stream:\n"
            "  memory_max: 80%\n"
            "append:\n"
            "  linger: 0ms\n"
            "  deadline: 20s\n"
            "log:\n"
            "  level: info\n"
            "redis:\n"
            "  url: \"***\"\n"
            "auth:\n"
            "  tokens: [\"***\", \"***\"]\n"
            "  instances:\n"
            "    - id: 5\n"
            "      tokens: [\"***\"]\n"
            "      more:\n"
            "        note: none\n"
            "    - id: 6\n"
            "      tokens_file: " +
                directory_ / "t" +
                "\n"
                "      more:\n"
                "        note: none\n"
                "  allowlist:\n"
                "    mode: off\n");
  std::string logged;
  for (const auto& [key, value] : config_.settings.effective()) logged += key + '=' + value + '\n';
  EXPECT_THAT(logged, AllOf(HasSubstr("redis.url=***\n"), HasSubstr("auth.tokens=***,***\n"), HasSubstr("auth.instances[1].id=6\n"),
                            HasSubstr("auth.instances[1].tokens=***\n"), HasSubstr("append.deadline=20s\n"), Not(HasSubstr("hunter"))));
}

TEST_F(ConfigSettings, WhatIsPrintedCanBeLoadedAgain) {
  EXPECT_EQ(problems("auth: {allowlist: {mode: \"$${A}: 'x' \\\"y\\\" # \\n [z] null\"}, tokens_file: " + write("t", "a") +
                     ", instances: [{id: 3, more: {note: \"~\"}}]}\nserver: {trusted_proxies: []}\nappend: {linger: 7ms}\n"),
            "");
  const std::string printed = config_.settings.print();
  Config again;
  EXPECT_THAT(again.settings.load(write("again.yaml", printed), {}, {}), IsEmpty()) << printed;
  EXPECT_EQ(again.options.mode, "${A}: 'x' \"y\" # \n [z] null");
  EXPECT_EQ(again.options.instances[0].note, "~");
  EXPECT_EQ(again.options.linger, 7ms);
  EXPECT_THAT(again.options.proxies, IsEmpty());
  EXPECT_EQ(again.settings.print(), printed);
}

TEST_F(ConfigSettings, TheReferenceNamesKeyDefaultRangeAndVariable) {
  const std::string reference = config_.settings.reference();
  EXPECT_THAT(reference, AllOf(HasSubstr("## append\n\n| setting | default | values | meaning |\n"),
                               HasSubstr("| `append.linger`<br>`HOOKFLEET_APPEND__LINGER` | `0ms` | 0ms to 50ms | Wait |\n"),
                               HasSubstr("| `redis.url`<br>or `redis.url_file`<br>`HOOKFLEET_REDIS__URL` | `redis://127.0.0.1:6379/0` | a "
                                         "secret | Where Redis is |\n"),
                               HasSubstr("| `auth.instances[].id` | required | from 1 | Its number |\n"),
                               HasSubstr("`HOOKFLEET_AUTH__ALLOWLIST__MODE`")));
}

TEST_F(ConfigSettings, ACheckOfASecretIsSaidWithoutTheSecret) {
  Secret one;
  std::vector<Secret> many;
  const auto check = [](const std::string& text) -> std::optional<std::string> {
    if (text.starts_with("good")) return std::nullopt;
    return "is no good one";
  };
  const auto found = [&](const std::string& yaml, const std::map<std::string, std::string>& environment = {}) {
    Settings settings;
    settings.secret("a.one", one, "One", check);
    settings.secrets("a.many", many, "Many", check);
    return problems_of(settings, yaml, environment);
  };
  EXPECT_EQ(found("a: {one: good, many: [good, good2]}"), "");
  EXPECT_EQ(found("a: {one: hunter2, many: [good, hunter2]}"),
            "f.yaml:1:10: a.one: is no good one\nf.yaml:1:32: a.many[1]: is no good one\n");
  EXPECT_EQ(found("", {{"HOOKFLEET_A__ONE", "hunter2"}}), "environment HOOKFLEET_A__ONE: is no good one\n");
  EXPECT_EQ(found("", {{"HOOKFLEET_A__MANY_FILE", write("secrets", "good\nhunter2\n")}}),
            "environment HOOKFLEET_A__MANY_FILE: is no good one\n");
  EXPECT_THAT(found("a: {one: \"\"}"), HasSubstr("is empty; write the secret, or leave the setting out"));
}

// ---- what it all came from

TEST_F(ConfigSettings, TellsWhatItReadAndWhatThatHeld) {
  const std::string one = write("one", "secret\n"), two = write("two", "a\nb\n"), none = directory_ / "none";
  const std::string yaml =
      "redis: {url_file: " + one + "}\nauth:\n  tokens_file: " + two + "\n  instances: [{id: 1, tokens_file: " + none + "}]\n";
  EXPECT_THAT(problems(yaml), HasSubstr("can't be read"));
  std::map<std::string, std::string> states;
  for (const Origin& origin : config_.settings.origins()) states[origin.path] = origin.state;
  EXPECT_EQ(states.size(), 4U);
  for (const auto& [path, state] : states) EXPECT_EQ(state, state_of(path)) << path;
  EXPECT_TRUE(states.contains(directory_ / "f.yaml") && states.contains(one) && states.contains(two) && states.contains(none));
}

TEST_F(ConfigSettings, ASecretFileThatDoesNotCountIsNoOrigin) {
  EXPECT_EQ(problems("redis: {url_file: " + write("one", "x") + "}", {{"HOOKFLEET_REDIS__URL", "y"}}), "");
  EXPECT_EQ(config_.settings.origins().size(), 1U);
}

TEST_F(ConfigSettings, ADirectoryThatASettingNamesIsAnOriginAsItWasBeforeTheRules) {
  std::string path = directory_ / "schemas";
  std::filesystem::create_directory(path);
  const std::string before = state_of(path);
  Settings settings;
  settings.text("a.dir", path, "Where");
  settings.path("a.dir");
  settings.rule([&]() -> std::optional<std::string> {
    write("schemas/late", "x");
    return std::nullopt;
  });
  EXPECT_TRUE(settings.load("", {}, {}).empty());
  EXPECT_THAT(settings.origins(), ElementsAre(Origin{path, before}));
  EXPECT_NE(state_of(path), before);
}

TEST_F(ConfigSettings, TellsWhichChangedSettingsTakeARestart) {
  const auto waiting = [this](const std::string& yaml) {
    Config fresh;
    fresh.settings.reloads({"auth", "log.level"});
    EXPECT_EQ(problems_of(fresh.settings, yaml), "");
    return fresh.settings.waiting_for_restart(config_.settings);
  };
  EXPECT_EQ(problems("redis: {url: redis://a}"), "");
  EXPECT_THAT(waiting("redis: {url: redis://a}"), IsEmpty());
  EXPECT_THAT(waiting("redis: {url: redis://a}\nauth: {tokens: [x], instances: [{id: 1}]}\nlog: {level: warn}"), IsEmpty());
  EXPECT_THAT(waiting("redis: {url: redis://b}\nappend: {linger: 1ms}\nserver: {trusted_proxies: []}"),
              ElementsAre("server.trusted_proxies", "append.linger", "redis.url"))
      << "a secret, too";
}

TEST_F(ConfigSettings, AChangeWithinAListTakesARestartWhereTheListDoes) {
  Nested running;
  ASSERT_EQ(problems_of(running.settings, kNested), "");
  const auto waiting = [&](const std::string& yaml) {
    Nested fresh;
    EXPECT_EQ(problems_of(fresh.settings, yaml), "");
    return fresh.settings.waiting_for_restart(running.settings);
  };
  const std::string same = kNested;
  EXPECT_THAT(waiting(same), IsEmpty());
  for (const char* part : {"length: 7", "standard", "skip", "- {steps: []}", "name: one"}) {
    std::string other = same;
    const std::string instead = std::map<std::string, std::string>{
        {"length: 7", "length: 8"},
        {"standard", "{steps: [skip]}"},
        {"skip", "name: skip"},
        {"- {steps: []}", ""},
        {"name: one", "name: two"}}.at(part);
    other.replace(other.find(part), std::string_view(part).size(), instead);
    EXPECT_THAT(waiting(other), ElementsAre("rules")) << part;
  }
}

TEST_F(ConfigSettings, TheReferenceMarksWhatTakesEffectAtRunTime) {
  config_.settings.reloads({"auth.instances"});
  EXPECT_THAT(config_.settings.reference(),
              AllOf(HasSubstr("| Instances ↻ |\n"), HasSubstr("| Its number ↻ |\n"), HasSubstr("| Mode |\n")));
}

class State : public ConfigSettings {};

TEST_F(State, IsOfContentNotOfHowItWasWritten) {
  const std::string file = write("file", "one");
  const std::string before = state_of(file);
  write("other", "one");
  std::filesystem::rename(directory_ / "other", file);  // another inode, another time
  EXPECT_EQ(state_of(file), before);
  write("file", "two");  // the same size, perhaps within one tick of the clock
  EXPECT_NE(state_of(file), before);
  std::filesystem::remove(file);
  EXPECT_THAT(state_of(file), HasSubstr("No such file"));
}

TEST_F(State, FollowsALinkThatIsSetAnew) {  // as Kubernetes swaps a volume
  for (const char* version : {"..1", "..2"}) {
    std::filesystem::create_directory(directory_ / version);
    write(std::string(version) + "/tokens", version);
  }
  std::filesystem::create_symlink("..1", directory_ / "..data");
  std::filesystem::create_symlink("..data/tokens", directory_ / "tokens");
  const std::string before = state_of(directory_ / "tokens");
  const std::string whole = state_of(directory_.path());
  std::filesystem::create_symlink("..2", directory_ / "..new");
  std::filesystem::rename(directory_ / "..new", directory_ / "..data");
  EXPECT_NE(state_of(directory_ / "tokens"), before);
  EXPECT_NE(state_of(directory_.path()), whole);
}

TEST_F(State, OfADirectoryIsThatOfItsFilesAndOfThoseOneLevelBelow) {
  std::filesystem::create_directory(directory_ / "message");
  std::set<std::string> states{state_of(directory_.path())};
  const auto is_new = [&] { return states.insert(state_of(directory_.path())).second; };
  write("a.json", "1");
  EXPECT_TRUE(is_new()) << "a file more";
  write("a.json", "2");
  EXPECT_TRUE(is_new()) << "another content";
  std::filesystem::rename(directory_ / "a.json", directory_ / "b.json");
  EXPECT_TRUE(is_new()) << "another name";
  write("message/c.json", "1");
  EXPECT_TRUE(is_new()) << "below";
  write(".hidden", "1");
  EXPECT_FALSE(is_new());
}

TEST_F(State, OfAPipeIsAlwaysTheSameAndAsksNobodyToWriteIt) {
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(state_of(pipe), state_of("/dev/null"));
}

TEST_F(State, APipeIsReadWithoutWaitingForSomebodyToOpenIt) {
  const std::string fifo = directory_ / "pipe";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  Config nobody;
  nobody.settings.load(fifo, {}, {});  // waited for ever once

  int ends[2];  // as `<(command)` of a shell
  ASSERT_EQ(::pipe(ends), 0);
  std::thread writer([end = ends[1]] {
    std::string text;  // more than a pipe holds
    while (text.size() < 300'000) text += "# a line of no meaning\n";
    text += "nonsense: 1\n";
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t n = ::write(end, rest.data(), rest.size());
      if (n <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    ::close(end);
  });
  Config one;
  const auto problems = one.settings.load("/dev/fd/" + std::to_string(ends[0]), {}, {});
  writer.join();
  ::close(ends[0]);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_THAT(problems[0].where + problems[0].message, HasSubstr("nonsense"));
}

TEST_F(State, OfALargeFileIsThatOfItsBeginningAndItsSize) {
  const std::string start(kStateBytesMax, 'x');
  const std::string exact = state_of(write("a", start));
  EXPECT_NE(state_of(write("b", start + "y")), exact);
  EXPECT_NE(state_of(write("b", start + "y")), state_of(write("c", start + "yy")));
  for (const std::string& content : {start, start + "y"}) {
    Config large;
    large.settings.load(write("large", content), {}, {});
    EXPECT_EQ(large.settings.origins().front().state, state_of(directory_ / "large"));
  }
}

TEST(ConfigDeclaration, SectionsStayTogetherWhateverTheOrderOfDeclaration) {
  std::string value;
  Settings settings;
  for (const char* key : {"b.x", "a.x", "b.y"}) settings.text(key, value, "What");
  std::vector<std::string> keys;
  for (const Description& setting : settings.describe()) keys.push_back(setting.key);
  EXPECT_THAT(keys, ElementsAre("b.x", "b.y", "a.x"));
}

TEST(ConfigPrograms, WhatProgramsShareStandsOnceAndDifferencesAreSaid) {
  std::string here = "a:1";
  std::string there = "a:2";
  unsigned both = 3;
  unsigned own = 4;
  Settings first;
  first.text("server.metrics", here, "Metrics");
  first.count("redis.pool", both, {1, 9}, "Pool | size");
  Settings second;
  second.count("worker.threads", own, {1, 9}, "Threads");
  second.count("redis.pool", both, {1, 9}, "Pool | size");
  second.text("server.metrics", there, "Metrics");
  const std::vector<Program> programs{{"one", &first}, {"two", &second}};
  EXPECT_EQ(print(programs),
            "server:\n"
            "  # metrics: a:1 (one), a:2 (two)\n"
            "redis:\n"
            "  pool: 3\n"
            "worker:\n"
            "  threads: 4\n");
  EXPECT_THAT(tables(programs), AllOf(HasSubstr("| `a:1` (one), `a:2` (two) | a text | Metrics | one, two |\n"),
                                      HasSubstr("| `3` | 1 to 9 | Pool \\| size | one, two |\n"), HasSubstr("| Threads | two |\n")));
}

}  // namespace
}  // namespace hookfleet::config
