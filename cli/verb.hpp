#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/console.hpp"
#include "common/config/arguments.hpp"

/// The operator's command line, one file per verb.
namespace hookfleet::cli {

using Environment = std::map<std::string, std::string>;

inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;

/// What ends a verb early: the cause and the way out, for people. Thrown and caught within cli/ only (run() catches it).
struct Failed {
  std::string text;  ///< without a line end
  int code = kFailed;
};

/// One call of a verb: made, told its arguments, run. Its members are what the arguments fill.
class Verb {
 public:
  virtual ~Verb() = default;
  /// What the user may write behind the verb's name. Called once, before run().
  virtual void declare(config::Arguments& arguments) = 0;
  /// Does it. Answers the exit code: kOk, kFailed or kUsage; may throw Failed.
  virtual int run(Console& console, const Environment& environment) = 0;
};

/// A verb as the list of verbs knows it.
struct VerbSpec {
  std::string_view name;      ///< one word, or two: "dead-letters list"
  std::string_view usage;     ///< what follows the name: "[ID…] [--all]"
  std::string_view about;     ///< a line for `hookfleet --help`
  std::string_view examples;  ///< more about it and examples, behind the options in `--help`; begins and ends with a line end
  std::unique_ptr<Verb> (*make)();
};

template <class V>
std::unique_ptr<Verb> make_verb() {
  return std::make_unique<V>();
}

/// All verbs, in the order of `hookfleet --help`.
const std::vector<VerbSpec>& verbs();

/// The whole command line: finds the verb, reads its arguments, runs it. `arguments` are those behind the program's name.
int run(const std::vector<std::string>& arguments, const Environment& environment, Console& console);

/// The arguments of a verb, as `make` declares them; the verb must outlive them.
config::Arguments arguments_of(const VerbSpec& spec, Verb& verb);

}  // namespace hookfleet::cli
