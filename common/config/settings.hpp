#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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
  std::string where;    ///< "hookfleet.yaml:12:5", "environment HOOKFLEET_REDIS__URL", "--redis.url" or "default"
  std::string message;  ///< what is wrong and what to do
};

template <class T>
struct Range {
  T min;
  T max;
};

/// Collects declarations, then fills the declared variables from default < file < environment < flag.
///
/// Each module has `void declare(config::Settings&, Options&)`; the process's config.hpp calls them. The variable given is the default
/// and receives the value; it must outlive the Settings. Keys are `section.key`; a setting of a list item is named within the item.
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
  void flag(std::string key, bool& value, std::string help);
  /// A whole number.
  template <std::unsigned_integral T>
  void count(std::string key, T& value, Range<std::uint64_t> range, std::string help) {
    count_with(std::move(key), value, range, std::move(help), [&value](std::uint64_t parsed) { value = static_cast<T>(parsed); });
  }
  /// A size in bytes: `4MiB`, `256KiB`, `1GiB`, `512`.
  void bytes(std::string key, std::size_t& value, Range<std::size_t> range, std::string help);
  /// A share: `80%`. Kept as the whole number of percent.
  void percent(std::string key, unsigned& value, Range<unsigned> range, std::string help);
  /// A duration: `250ms`, `20s`, `10min`, `25h`, `30d`. A number without a unit is an error.
  void duration(std::string key, std::chrono::milliseconds& value, Range<std::chrono::milliseconds> range, std::string help);
  /// One of the named values.
  template <class Enum>
  void choice(std::string key, Enum& value, std::vector<std::pair<std::string, Enum>> names, std::string help) {
    std::vector<std::string> texts;
    std::string current;
    for (const auto& [name, named] : names) {
      texts.push_back(name);
      if (named == value) current = name;
    }
    choice_with(std::move(key), std::move(current), std::move(texts), std::move(help),
                [&value, names = std::move(names)](std::size_t index) { value = names[index].second; });
  }
  /// A list of texts; by comma in the environment and in flags.
  void texts(std::string key, std::vector<std::string>& value, std::string help, Check check = {});
  /// A secret; also declares `<key>_file`, the path of a file that holds it (a trailing line end is cut).
  void secret(std::string key, Secret& value, std::string help);
  /// A list of secrets; also declares `<key>_file` with one secret a line.
  void secrets(std::string key, std::vector<Secret>& value, std::string help);
  /// A list of maps: `declare_item` declares the settings of one item. In the file only.
  template <class Item>
  void list(std::string key, std::vector<Item>& value, void (*declare_item)(Settings&, Item&), std::string help) {
    auto documented = std::make_shared<Item>();
    list_with(
        std::move(key), std::move(help), [declare_item, documented](Settings& item) { declare_item(item, *documented); },
        [&value] { value.clear(); }, [&value] { return value.size(); },
        [&value, declare_item](Settings& item) { declare_item(item, value.emplace_back()); },
        [&value](std::size_t size) { value.reserve(size); });
  }
  /// A rule over several settings, run after all are filled: returns what is wrong, naming the keys, or nothing.
  void rule(std::function<std::optional<std::string>()> check);
  /// A section that belongs to another program of the fleet: present in the one file, not checked here.
  void foreign_section(std::string name);

  /// Fills the variables and returns every problem found, in the order file, environment, flags, rules. Nothing is thrown.
  /// `file` may be empty (no file). `environment` is the process's (only names HOOKFLEET_<SECTION>__<KEY> are settings).
  /// `flags` are the pairs that --section.key flags gave.
  std::vector<Problem> load(const std::string& file, const std::map<std::string, std::string>& environment,
                            const std::vector<std::pair<std::string, std::string>>& flags);

  /// The effective settings as YAML; secrets as `***`. Loadable again when no secret is set.
  std::string print() const;
  /// The effective settings as (key, value) pairs, secrets as `***`: logged once at the start.
  std::vector<std::pair<std::string, std::string>> effective() const;
  /// docs/settings.md's table of these settings: key, default, range, environment name, help.
  std::string reference() const;

  struct Declaration;  ///< internal to settings.cpp
  const std::vector<std::unique_ptr<Declaration>>& declarations() const { return declarations_; }

 private:
  void count_with(std::string key, std::uint64_t current, Range<std::uint64_t> range, std::string help, std::function<void(std::uint64_t)> set);
  void choice_with(std::string key, std::string current, std::vector<std::string> names, std::string help, std::function<void(std::size_t)> set);
  void list_with(std::string key, std::string help, std::function<void(Settings&)> document, std::function<void()> clear,
                 std::function<std::size_t()> size, std::function<void(Settings&)> add, std::function<void(std::size_t)> reserve);

  std::vector<std::unique_ptr<Declaration>> declarations_;
  std::vector<std::function<std::optional<std::string>()>> rules_;
  std::vector<std::string> foreign_sections_;
};

}  // namespace hookfleet::config
