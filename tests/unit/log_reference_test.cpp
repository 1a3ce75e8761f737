// docs/logging.md lists every record that the programs write. The list is made of the sources: what each call of a logger says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hookfleet {
namespace {

const std::filesystem::path kRoot = HOOKFLEET_SOURCE_DIR;
constexpr std::string_view kBegin = "<!-- events: begin -->\n";
constexpr std::string_view kEnd = "<!-- events: end -->\n";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Behind the string literal or the bracket that `text` has at `at`.
std::size_t skip(std::string_view text, std::size_t at) {
  if (text[at] == '"') {
    for (++at; at < text.size() && text[at] != '"'; ++at) at += text[at] == '\\' ? 1U : 0U;
    return at + 1;
  }
  const char open = text[at];
  const char close = open == '(' ? ')' : open == '{' ? '}' : ']';
  for (++at; at < text.size() && text[at] != close;) {
    at = std::string_view("\"({[").find(text[at]) != std::string_view::npos ? skip(text, at) : at + 1;
  }
  return at + 1;
}

/// The arguments of a call, given the place of its '('.
std::vector<std::string> arguments(std::string_view text, std::size_t open) {
  std::vector<std::string> out;
  const std::size_t end = skip(text, open) - 1;
  std::size_t begin = open + 1;
  for (std::size_t at = begin; at <= end;) {
    if (at == end || text[at] == ',') {
      out.emplace_back(text.substr(begin, at - begin));
      begin = ++at;
    } else {
      at = std::string_view("\"({[").find(text[at]) != std::string_view::npos ? skip(text, at) : at + 1;
    }
  }
  return out;
}

/// The string literals of an expression; neighbours are one, as the compiler has it.
std::vector<std::string> literals(std::string_view text) {
  std::vector<std::string> out;
  bool joined = false;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '"') {
      const std::size_t end = skip(text, at);
      std::string literal(text.substr(at + 1, end - at - 2));
      joined ? static_cast<void>(out.back() += literal) : out.push_back(std::move(literal));
      joined = true;
      at = end;
    } else {
      joined = joined && std::isspace(static_cast<unsigned char>(text[at])) != 0;
      ++at;
    }
  }
  return out;
}

/// The definition around `at`: our format has the braces of functions in the first column.
std::string_view function_around(std::string_view text, std::size_t at) {
  std::size_t begin = text.rfind("\n}", at);
  begin = begin == std::string_view::npos ? 0 : begin + 2;
  const std::size_t end = text.find("\n}", at);
  return text.substr(begin, end == std::string_view::npos ? end : end - begin);
}

/// Names of facts: `{"name", …` and `emplace_back("name", …`.
void add_facts(std::set<std::string>& facts, const std::string& text) {
  static const std::regex kFact(R"re((?:\{|emplace_back\(|Field\()\s*"([A-Za-z_.]+)",)re");
  for (std::sregex_iterator found(text.begin(), text.end(), kFact), none; found != none; ++found) facts.insert((*found)[1]);
}

/// Whose records those of a source file are.
std::vector<const char*> programs_of(const std::filesystem::path& path) {
  const std::string file = std::filesystem::relative(path, kRoot).generic_string();
  if (file.starts_with("common/")) return {"every program"};
  if (file.starts_with("ingress/append/")) return {"ingress", "poller"};
  if (file.starts_with("ingress/poll/")) return {"poller"};
  if (file.starts_with("ingress/")) return {"ingress"};
  return {"worker"};
}

struct Event {
  std::set<std::string> levels, programs, messages, facts;
};

class Reference {
 public:
  void add(const std::filesystem::path& path) {
    const std::string text = read_file(path);
    static const std::regex kCall(R"re(\blog(?:_|\(\))?(?:\.|->)(debug|info|warn|error|write)\()re");
    for (std::sregex_iterator found(text.begin(), text.end(), kCall), none; found != none; ++found) {
      const auto at = static_cast<std::size_t>(found->position());
      auto given = arguments(text, at + static_cast<std::size_t>(found->length()) - 1);
      std::string level = (*found)[1];
      const std::string_view function = function_around(text, at);
      if (level == "write") {
        level = level_of(given[0]);
        given.erase(given.begin());
      }
      ASSERT_GE(given.size(), 2U) << path << ": a call without event and message: " << text.substr(at, 80);
      for (auto [event, message] : named(std::string(function), text, given)) {
        Event& known = events_[event];
        for (char& letter : level) letter = letter >= 'a' && letter <= 'z' ? static_cast<char>(letter - 'a' + 'A') : letter;
        known.levels.insert(level == "BY WHAT HAPPENED" ? "by what happened" : level);
        for (const char* program : programs_of(path)) known.programs.insert(program);
        known.messages.insert(message.begin(), message.end());
        if (given.size() < 3) continue;
        add_facts(known.facts, given[2]);
        if (given[2].find('"') == std::string::npos) add_facts(known.facts, std::string(function));
        // Facts that a class of the file gathers.
        for (const char* gathers : {"names", "data"}) {
          const std::size_t asked = function.find(std::string(".") + gathers + "()");
          const std::size_t defined = text.find(std::string(" ") + gathers + "() ");
          if (given[2].find('"') != std::string::npos || asked == std::string_view::npos || defined == std::string::npos) continue;
          const std::size_t open = text.find('{', defined);
          std::string body = text.substr(open, skip(text, open) - open);
          add_facts(known.facts, body);
        }
      }
    }
  }

  std::string table() const {
    std::string out = "| event | level | by | what it says | facts |\n|---|---|---|---|---|\n";
    for (const auto& [name, event] : events_) {
      out += "| `" + name + "` | " + joined(event.levels, ", ") + " | " + joined(event.programs, ", ") + " | " +
             joined(event.messages, "<br>") + " | " + joined(event.facts, ", ", "`") + " |\n";
    }
    return out;
  }
  const std::map<std::string, Event>& events() const { return events_; }

 private:
  static std::string level_of(const std::string& argument) {
    for (const auto& [name, level] : {std::pair("kDebug", "debug"), {"kInfo", "info"}, {"kWarn", "warn"}, {"kError", "error"}}) {
      if (argument.find(name) != std::string::npos) return level;
    }
    return "by what happened";
  }

  /// The events that a call may name, with their messages: literals of the call itself, of the statement that gives its variable a value,
  /// or of the calls of the lambda whose parameters they are.
  static std::map<std::string, std::set<std::string>> named(const std::string& function, const std::string& text,
                                                            const std::vector<std::string>& given) {
    std::map<std::string, std::set<std::string>> out;
    std::set<std::string> messages;
    for (const auto& message : literals(given[1])) messages.insert(message);
    auto names = literals(given[0]);
    if (names.empty()) {
      const std::regex assigned("\\b" + trimmed(given[0]) + R"re( = ([^;]*);)re");
      for (std::sregex_iterator found(function.begin(), function.end(), assigned), none; found != none; ++found) {
        for (const auto& name : literals((*found)[1].str())) names.push_back(name);
      }
    }
    if (given[1].find("message_of") != std::string::npos) {  // a function of the file gives the sentences
      static const std::regex kReturned(R"re(return "([^"]{10,})";)re");
      for (std::sregex_iterator found(text.begin(), text.end(), kReturned), none; found != none; ++found) messages.insert((*found)[1]);
    }
    for (const auto& name : names) out[name] = messages;
    if (!names.empty()) return out;
    static const std::regex kPair(R"re(\btell\([^"]*"([a-z_.]+)",\s*"([^"]+)")re");
    for (std::sregex_iterator found(function.begin(), function.end(), kPair), none; found != none; ++found) {
      out[(*found)[1]].insert((*found)[2]);
    }
    return out;
  }
  static std::string trimmed(std::string text) {
    std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
    return text;
  }
  static std::string joined(const std::set<std::string>& parts, std::string_view between, std::string_view around = "") {
    std::string out;
    for (const auto& part : parts) {
      if (!out.empty()) out += between;
      out.append(around).append(part).append(around);
    }
    return out;
  }

  std::map<std::string, Event> events_;
};

Reference of_the_sources() {
  Reference reference;
  for (const char* folder : {"common", "ingress", "worker"}) {
    for (const auto& file : std::filesystem::recursive_directory_iterator(kRoot / folder)) {
      if (file.path().extension() == ".cpp" && file.path().parent_path() != kRoot / "common" / "log") reference.add(file.path());
    }
  }
  reference.add(kRoot / "common" / "log" / "sampler.cpp");
  return reference;
}

TEST(LogReference, ListsEveryEventWithLevelSentenceAndFacts) {
  const Reference reference = of_the_sources();
  const std::filesystem::path path = kRoot / "docs" / "logging.md";
  const std::string page = read_file(path);
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find(kEnd);
  ASSERT_NE(begin, std::string::npos);
  ASSERT_NE(end, std::string::npos);
  const std::string fresh = page.substr(0, begin) + std::string(kBegin) + reference.table() + page.substr(end);
  if (const char* update = std::getenv("UPDATE_GOLDEN"); update != nullptr && std::string_view(update) == "1") {
    std::ofstream(path, std::ios::binary) << fresh;
    return;
  }
  EXPECT_EQ(page, fresh) << "docs/logging.md is not what the sources say; UPDATE_GOLDEN=1 makes its table anew";
}

TEST(LogReference, FindsWhatIsKnownToBeThere) {
  const auto events = of_the_sources().events();
  const auto facts_of = [&](const char* name) { return events.contains(name) ? events.at(name).facts : std::set<std::string>{}; };
  for (const char* fact : {"timestamp", "typeWebhook", "typeMessage", "idInstance", "idMessage", "chatId", "id", "trace_id", "partition",
                           "attempt", "duration_s", "outcome", "changed", "class", "reason", "firstId", "data"}) {
    EXPECT_TRUE(facts_of("notification").contains(fact)) << fact;
  }
  EXPECT_TRUE(facts_of("notification.refused").contains("reason"));
  EXPECT_TRUE(facts_of("delivery.refused").contains("client.address"));
  EXPECT_TRUE(facts_of("redis.memory_high").contains("used_bytes"));
  EXPECT_TRUE(events.contains("system.partitions_taken"));
  EXPECT_TRUE(events.contains("log.suppressed"));
  for (const auto& [name, event] : events) {
    EXPECT_TRUE(std::regex_match(name, std::regex("[a-z]+(\\.[a-z_]+)*"))) << name << " is no name of an event";
    EXPECT_FALSE(event.messages.empty()) << name << " says nothing";
  }
}

}  // namespace
}  // namespace hookfleet
