#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/config/origin.hpp"

/// Settings declared once: parsing, range check, environment name, --help and docs/settings.md all come from the declarations.
/// Only user of yaml-cpp and CLI11.
namespace hookfleet::config {

/// A text that is never printed: --print-config and logs show `***`.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  const std::string& reveal() const { return value_; }
  bool empty() const { return value_.empty(); }
  bool operator==(const Secret&) const = default;

 private:
  std::string value_;
};

/// What is wrong with one setting.
struct Problem {
  std::string where;    ///< "hookfleet.yaml:12:5", "environment HOOKFLEET_REDIS__URL", "--redis.url", "settings" or "default"
  std::string message;  ///< what is wrong and what to do; never shows a secret
  bool operator==(const Problem&) const = default;
};

/// Both ends included.
template <class T>
struct Range {
  T min;
  T max;
};

/// All there is to say about one setting. Texts are as --help and --print-config show them: no secret in clear.
struct Description {
  std::string key;          ///< "append.linger"; within a list "auth.instances[].id"
  std::string placeholder;  ///< "DURATION"
  std::string allowed;      ///< "0ms to 50ms"; empty: anything
  std::string initial;      ///< the default; empty: none
  std::string help;
  bool required = false;
  bool bare = false;       ///< as a flag it may stand without a value
  bool file_only = false;  ///< no environment name, no flag
  bool by_file = false;    ///< `<key>_file` exists
  bool reloads = false;    ///< a running program takes a new value over
  std::string value_key;   ///< `key`, or `<key>_file` when the secret came from a file
  std::string value;       ///< the effective value in YAML; several lines for a list of maps; empty: an unset secret
  bool operator==(const Description&) const = default;
};

/// Collects declarations, then fills the declared variables from default < file < environment < flag.
///
/// Each module has `void declare(config::Settings&, Options&)`; the process's config.hpp calls them. The variable given is the default
/// and receives the value; it must outlive the Settings. Keys are `section.key`, or deeper; in the environment
/// HOOKFLEET_SECTION__KEY, each dot two underscores. A key is declared once (checked), and none is the beginning of another.
/// Threads: one thread. Errors: gathered, never thrown; see load().
class Settings {
 public:
  /// Returns what is wrong with a value ("is not an address"), or nothing.
  using Check = std::function<std::optional<std::string>(const std::string&)>;

  Settings();
  ~Settings();
  Settings(Settings&&) noexcept;
  Settings& operator=(Settings&&) noexcept;

  void text(std::string key, std::string& value, std::string help, Check check = {});
  /// `true` or `false` (also yes, no, on, off); as a flag on the command line the value may be left out.
  void flag(std::string key, bool& value, std::string help);
  /// A whole number.
  template <std::unsigned_integral T>
  void count(const std::string& key, T& value, Range<std::uint64_t> range, const std::string& help) {
    if (range.max > std::numeric_limits<T>::max()) range.max = std::numeric_limits<T>::max();
    count_with(key, value, range, help, [&value](std::uint64_t parsed) { value = static_cast<T>(parsed); });
  }
  /// A size in bytes: `4MiB`, `256KiB`, `1GiB`, `512`.
  void bytes(std::string key, std::size_t& value, Range<std::size_t> range, std::string help);
  /// A share: `80%`. Kept as the whole number of percent.
  void percent(std::string key, unsigned& value, Range<unsigned> range, std::string help);
  /// A duration: `250ms`, `20s`, `10min`, `25h`, `30d`. A number without a unit is an error.
  void duration(std::string key, std::chrono::milliseconds& value, Range<std::chrono::milliseconds> range, std::string help);
  /// One of the named values.
  template <class Enum>
  void choice(const std::string& key, Enum& value, std::vector<std::pair<std::string, Enum>> names, const std::string& help) {
    std::vector<std::string> texts;
    std::string current;
    for (const auto& [name, named] : names) {
      texts.push_back(name);
      if (named == value) current = name;
    }
    choice_with(key, std::move(current), texts, help,
                [&value, names = std::move(names)](std::size_t index) { value = names[index].second; });
  }
  /// A list of texts; by comma in the environment and in flags, where an empty value is an empty list. `doubt` is asked of each text that
  /// passed `check` and counts: what it says is a warning.
  void texts(std::string key, std::vector<std::string>& value, std::string help, Check check = {}, Check doubt = {});
  /// A secret; also declares `<key>_file`, the path of a file that holds it (one trailing line end is cut; at most 64 KiB).
  /// An empty secret is a problem; only the default may be empty. The default is public: it is shown. What `check` says must not show the
  /// secret; the secret isn't quoted before it.
  void secret(std::string key, Secret& value, std::string help, Check check = {});
  /// A list of secrets; also declares `<key>_file` with one secret a line (blank lines don't count). `check` is asked of each.
  void secrets(std::string key, std::vector<Secret>& value, std::string help, Check check = {});
  /// Declares the settings of one item of a list, or of a map, whose keys are relative to it.
  template <class Item>
  using DeclareItem = std::type_identity_t<std::function<void(Settings&, Item&)>>;
  /// A list of maps, which may hold lists and maps themselves. In the file only.
  template <class Item>
  void list(const std::string& key, std::vector<Item>& value, DeclareItem<Item> declare_item, const std::string& help) {
    auto documented = std::make_shared<Item>();
    list_with(
        key, help, [declare_item, documented](Settings& item) { declare_item(item, *documented); },
        [&value, declare_item](std::optional<std::size_t> size) {
          if (size) value = std::vector<Item>(*size);
          std::vector<Settings> items(value.size());
          for (std::size_t i = 0; i < items.size(); ++i) declare_item(items[i], value[i]);
          return items;
        });
  }
  /// A map that may be left out as a whole: then nothing in it is required, and `value` stays as it is. In the file only.
  template <class Item>
  void map(const std::string& key, std::optional<Item>& value, DeclareItem<Item> declare_item, const std::string& help) {
    auto documented = std::make_shared<Item>();
    map_with(
        key, help, [declare_item, documented](Settings& item) { declare_item(item, *documented); },
        [&value, declare_item](std::optional<std::size_t> size) {
          if (size) value.emplace();
          std::vector<Settings> items(value ? 1 : 0);
          if (value) declare_item(items.front(), *value);
          return items;
        });
  }
  /// Within `declare_item` of a list: an item may be this word instead of a map, and `value` is true then.
  void word(std::string name, bool& value, std::string help);
  /// Within `declare_item` of a list: an item is one of the words, or a map with exactly one of the keys declared.
  void one_of() { one_of_ = true; }
  /// The setting declared as `key` has no default: not giving it is a problem.
  void required(const std::string& key);
  /// A rule over several settings, run after all are filled: returns what is wrong, naming the keys, or nothing.
  /// With `keys` the problem is located where the first of them was given, and the rule isn't run when one of them is wrong already.
  /// Without, it runs only when nothing else is wrong.
  void rule(std::function<std::optional<std::string>()> check, std::vector<std::string> keys = {});
  /// What the text setting `key` names, a file or a directory, is a part of the settings: origins() has it.
  void path(const std::string& key);
  /// A running program takes new values of these over; the others are those of its start. `keys` are declared already; sections too.
  void reloads(const std::vector<std::string>& keys);
  /// A section that belongs to another program of the fleet: present in the one file and the environment, not checked here; as a flag
  /// it is refused.
  void foreign_section(std::string name);
  /// The same for one setting of another program in a section that this program has settings in too.
  void foreign_setting(std::string key);

  /// Fills the variables and returns every problem found, in the order file, environment, flags, rules. Nothing is thrown.
  /// A value that is overridden is checked too, but its ${VAR} and secret file aren't looked at. What has a problem keeps its default.
  /// `file` may be empty (no file); limits: 1 MiB, 64 levels, 100,000 values. `environment` is the process's (only names
  /// HOOKFLEET_<SECTION>__<KEY> are settings). `flags` are the pairs (key, value) that --section.key flags gave.
  /// Called once.
  std::vector<Problem> load(const std::string& file, const std::map<std::string, std::string>& environment,
                            const std::vector<std::pair<std::string, std::string>>& flags);
  /// What load() found that may be a mistake, in the same form and order: it hinders nothing.
  const std::vector<Problem>& warnings() const { return warnings_; }

  /// What load() read, or tried to: the file, the files of secrets, and what path() declares. Read again when it changes.
  const std::vector<Origin>& origins() const { return origins_; }
  /// Keys of the settings, but those that reload, whose value is another one than in `running`, of the same declarations: they take a
  /// restart.
  std::vector<std::string> waiting_for_restart(const Settings& running) const;

  /// The effective settings as YAML; secrets as `***`. Loadable again when no secret was given but by file.
  std::string print() const;
  /// The effective settings as (key, value) pairs, secrets as `***`: logged once at the start.
  std::vector<std::pair<std::string, std::string>> effective() const;
  /// docs/settings.md's tables of these settings: key, default, range, environment name, help.
  std::string reference() const;
  /// All settings by section, otherwise in the order of declaration; those of an item follow their list.
  std::vector<Description> describe() const;

 private:
  struct Declaration;
  struct Rule;
  struct Name;
  struct Word;
  struct Loading;
  using MakeItems = std::function<std::vector<Settings>(std::optional<std::size_t>)>;

  void count_with(std::string key, std::uint64_t current, Range<std::uint64_t> range, std::string help,
                  std::function<void(std::uint64_t)> set);
  void choice_with(std::string key, std::string current, const std::vector<std::string>& names, std::string help,
                   std::function<void(std::size_t)> set);
  void list_with(std::string key, std::string help, const std::function<void(Settings&)>& document, MakeItems make_items);
  void map_with(std::string key, std::string help, const std::function<void(Settings&)>& document, MakeItems make_items);
  std::string expected_item() const;
  std::string item_yaml() const;
  Declaration& add(std::string key, std::string placeholder, std::string help);
  bool same_values(const Settings& other) const;
  static bool same_value(const Declaration& a, const Declaration& b);
  std::optional<Name> find(const std::string& key) const;
  bool is_foreign(const std::string& key) const;

  std::vector<std::unique_ptr<Declaration>> declarations_;
  std::vector<Rule> rules_;
  std::vector<std::string> foreign_;
  std::vector<Word> words_;
  bool one_of_ = false;
  std::vector<Problem> warnings_;
  std::vector<Origin> origins_;
};

}  // namespace hookfleet::config
