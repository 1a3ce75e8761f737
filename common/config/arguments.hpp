#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/config/settings.hpp"

namespace hookfleet::config {

/// The arguments of a program or of one verb: options, flags, positionals, and their help. The variables given must outlive it.
/// An option's value follows it or stands behind `=`. Threads: one thread.
class Arguments {
 public:
  /// A settings flag as given: (key, value); "true" for one without a value.
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  /// `usage` is what follows "Usage: ".
  Arguments(std::string usage, std::string about) : usage_(std::move(usage)), about_(std::move(about)) {}

  /// The options that follow are listed below this title.
  void group(std::string title);
  /// `--name`, without a value.
  void flag(std::string name, bool& value, std::string help);
  /// `--name VALUE`, at most once; with `choices` only these. A short form stands in front: "-o,--output".
  void option(std::string name, std::string& value, std::string placeholder, std::string help, std::vector<std::string> choices = {});
  /// What the option `--name` holds where it isn't given; nothing happens where none of that name is declared.
  void preset(std::string_view name, const std::string& value);
  /// `--key VALUE`, as often as one likes; with `bare` the value may be left out.
  void setting(const std::string& key, Pairs& given, bool bare, std::string placeholder, std::string help);
  /// An argument that isn't an option, in the order of declaration; none may be left over or out.
  void positional(std::string name, std::string& value, std::string help, std::vector<std::string> choices = {});
  /// All arguments that are left, none too. The last positional.
  void positionals(std::string name, std::vector<std::string>& values, std::string help, std::vector<std::string> choices = {});

  /// Fills the variables; answers every problem found. Unknown options with a dot are given to `unknown` when it isn't null: their
  /// meaning is for Settings::load() to find. Called once. Never throws.
  std::vector<Problem> parse(std::vector<std::string> arguments, Pairs* unknown = nullptr);
  /// What --help prints: usage, about, arguments and options, at most 110 columns wide.
  std::string help() const;

  /// What a shell completes.
  struct Described {
    std::vector<std::string> names;  ///< "-o", "--output"; empty for a positional
    bool takes_value = false;
    std::string placeholder;           ///< "FILE"
    std::vector<std::string> choices;  ///< empty: anything
    std::string help;
  };
  std::vector<Described> describe() const;

 private:
  enum class Kind { kFlag, kOption, kSetting, kBareSetting, kPositional, kPositionals, kTitle };
  struct Declared {
    Kind kind;
    std::string name;  // with its dashes
    std::string placeholder;
    std::string help;
    bool* flag = nullptr;
    std::string* value = nullptr;
    Pairs* given = nullptr;
    std::vector<std::string>* values = nullptr;
    std::vector<std::string> choices{};
  };
  static std::optional<Problem> check(const Declared& declared, const std::string& value);

  const std::string usage_;
  const std::string about_;
  std::vector<Declared> declared_;
};

}  // namespace hookfleet::config
