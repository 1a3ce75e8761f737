#include "common/config/settings.hpp"

#include <algorithm>

#include "common/base/check.hpp"
#include "common/config/declaration.hpp"
#include "common/config/nearest.hpp"
#include "common/config/value.hpp"

namespace hookfleet::config {

Settings::Settings() = default;
Settings::~Settings() = default;
Settings::Settings(Settings&&) noexcept = default;
Settings& Settings::operator=(Settings&&) noexcept = default;

Settings::Declaration& Settings::add(std::string key, std::string placeholder, std::string help) {
  for (const auto& other : declarations_) {
    HOOKFLEET_CHECK(other->key != key);
    HOOKFLEET_CHECK(!other->key.starts_with(key + '.'));
    HOOKFLEET_CHECK(!key.starts_with(other->key + '.'));
  }
  auto declaration = std::make_unique<Declaration>();
  declaration->key = std::move(key);
  declaration->placeholder = std::move(placeholder);
  declaration->help = std::move(help);
  return *declarations_.emplace_back(std::move(declaration));
}

namespace {

/// "a duration from 0ms to 50ms"
std::string between(const std::string& what, const std::string& min, const std::string& max) {
  return what + " from " + min + " to " + max;
}

/// What is wrong with a text that means a number within a range.
template <class Number, class Parse>
Settings::Check number_check(Parse parse, Range<Number> range) {
  return [parse, range](const std::string& text) -> std::optional<std::string> {
    const auto value = parse(text);
    if (!value) return value.error();
    if (*value < range.min) return "is too small";
    if (*value > range.max) return "is too large";
    return std::nullopt;
  };
}

}  // namespace

void Settings::text(std::string key, std::string& value, std::string help, Check check) {
  Declaration& added = add(std::move(key), "TEXT", std::move(help));
  added.expected = "a text";
  added.initial = added.current = {value};
  added.check = std::move(check);
  added.assign = [&value](const std::vector<std::string>& texts) {
    value = texts.front();
    return texts;
  };
}

void Settings::flag(std::string key, bool& value, std::string help) {
  Declaration& added = add(std::move(key), "true|false", std::move(help));
  added.expected = added.allowed = "true or false";
  added.bare = true;
  added.initial = added.current = {value ? "true" : "false"};
  added.check = [](const std::string& text) -> std::optional<std::string> {
    const auto parsed = parse_flag(text);
    if (!parsed) return parsed.error();
    return std::nullopt;
  };
  added.assign = [&value](const std::vector<std::string>& texts) -> std::vector<std::string> {
    value = parse_flag(texts.front()).value();
    return {value ? "true" : "false"};
  };
}

void Settings::count_with(std::string key, std::uint64_t current, Range<std::uint64_t> range, std::string help,
                          std::function<void(std::uint64_t)> set) {
  Declaration& added = add(std::move(key), "COUNT", std::move(help));
  const bool bounded = range.max != std::numeric_limits<std::uint64_t>::max();
  added.expected = bounded ? between("a whole number", std::to_string(range.min), std::to_string(range.max))
                           : "a whole number from " + std::to_string(range.min) + " up";
  added.allowed = bounded ? std::to_string(range.min) + " to " + std::to_string(range.max) : "from " + std::to_string(range.min);
  added.initial = added.current = {std::to_string(current)};
  added.check = number_check(parse_count, range);
  added.assign = [set = std::move(set)](const std::vector<std::string>& texts) -> std::vector<std::string> {
    const std::uint64_t parsed = parse_count(texts.front()).value();
    set(parsed);
    return {std::to_string(parsed)};
  };
}

void Settings::bytes(std::string key, std::size_t& value, Range<std::size_t> range, std::string help) {
  Declaration& added = add(std::move(key), "SIZE", std::move(help));
  added.allowed = format_bytes(range.min) + " to " + format_bytes(range.max);
  added.expected = between("a size", format_bytes(range.min), format_bytes(range.max)) + ", such as 64KiB, 4MiB or 1GiB";
  added.initial = added.current = {format_bytes(value)};
  added.check = number_check(parse_bytes, Range<std::uint64_t>{range.min, range.max});
  added.assign = [&value](const std::vector<std::string>& texts) -> std::vector<std::string> {
    value = static_cast<std::size_t>(parse_bytes(texts.front()).value());
    return {format_bytes(value)};
  };
}

void Settings::percent(std::string key, unsigned& value, Range<unsigned> range, std::string help) {
  Declaration& added = add(std::move(key), "PERCENT", std::move(help));
  const auto format = [](std::uint64_t percent) { return std::to_string(percent) + '%'; };
  added.allowed = format(range.min) + " to " + format(range.max);
  added.expected = between("a share", format(range.min), format(range.max));
  added.initial = added.current = {format(value)};
  added.check = number_check(parse_percent, Range<std::uint64_t>{range.min, range.max});
  added.assign = [&value, format](const std::vector<std::string>& texts) -> std::vector<std::string> {
    value = static_cast<unsigned>(parse_percent(texts.front()).value());
    return {format(value)};
  };
}

void Settings::duration(std::string key, std::chrono::milliseconds& value, Range<std::chrono::milliseconds> range, std::string help) {
  Declaration& added = add(std::move(key), "DURATION", std::move(help));
  added.allowed = format_duration(range.min) + " to " + format_duration(range.max);
  added.expected = between("a duration", format_duration(range.min), format_duration(range.max)) + " with its unit (ms, s, min, h, d)";
  added.initial = added.current = {format_duration(value)};
  added.check = number_check(parse_duration, range);
  added.assign = [&value](const std::vector<std::string>& texts) -> std::vector<std::string> {
    value = parse_duration(texts.front()).value();
    return {format_duration(value)};
  };
}

void Settings::choice_with(std::string key, std::string current, const std::vector<std::string>& names, std::string help,
                           std::function<void(std::size_t)> set) {
  Declaration& added = add(std::move(key), "NAME", std::move(help));
  added.allowed = joined(names, ", ");
  added.expected = "one of " + added.allowed;
  added.initial = added.current = {std::move(current)};
  added.check = [names](const std::string& text) -> std::optional<std::string> {
    if (std::find(names.begin(), names.end(), text) != names.end()) return std::nullopt;
    return "is not known; the nearest is " + nearest(text, names);
  };
  added.assign = [set = std::move(set), names](const std::vector<std::string>& texts) {
    set(static_cast<std::size_t>(std::find(names.begin(), names.end(), texts.front()) - names.begin()));
    return texts;
  };
}

void Settings::texts(std::string key, std::vector<std::string>& value, std::string help, Check check, Check doubt) {
  Declaration& added = add(std::move(key), "TEXT,…", std::move(help));
  added.shape = Shape::kMany;
  added.expected = "a list of texts such as [a, b]";
  added.allowed = "a list";
  added.initial = added.current = value;
  added.check = std::move(check);
  added.doubt = std::move(doubt);
  added.assign = [&value](const std::vector<std::string>& texts) {
    value = texts;
    return texts;
  };
}

namespace {

/// What is wrong with any secret, or else with this one.
Settings::Check check_secret(Settings::Check check) {
  return [check = std::move(check)](const std::string& text) -> std::optional<std::string> {
    const std::string what_to_do = "; write the secret, or leave the setting out";
    if (text.empty()) return "is empty" + what_to_do;
    if (text == kMask) return "is the mask that --print-config shows, not a secret" + what_to_do;
    return check ? check(text) : std::nullopt;
  };
}

}  // namespace

void Settings::secret(std::string key, Secret& value, std::string help, Check check) {
  Declaration& added = add(std::move(key), "SECRET", std::move(help));
  added.secret = true;
  added.expected = "a text";
  if (!value.empty()) added.initial = added.current = {value.reveal()};
  added.check = check_secret(std::move(check));
  added.assign = [&value](const std::vector<std::string>& texts) {
    value = Secret(texts.front());
    return texts;
  };
}

void Settings::secrets(std::string key, std::vector<Secret>& value, std::string help, Check check) {
  Declaration& added = add(std::move(key), "SECRET,…", std::move(help));
  added.shape = Shape::kMany;
  added.secret = true;
  added.expected = "a list of texts such as [a, b]";
  added.allowed = "a list";
  for (const Secret& secret : value) added.initial.push_back(secret.reveal());
  added.current = added.initial;
  added.check = check_secret(std::move(check));
  added.assign = [&value](const std::vector<std::string>& texts) {
    value.clear();
    for (const std::string& text : texts) value.emplace_back(text);
    return texts;
  };
}

void Settings::list_with(std::string key, std::string help, const std::function<void(Settings&)>& document, MakeItems make_items) {
  Declaration& added = add(std::move(key), "LIST", std::move(help));
  added.shape = Shape::kMaps;
  document(added.documented.emplace_back());
  added.items = make_items(std::nullopt);
  for (const Settings& item : added.items) added.initial.push_back(item.item_yaml());
  added.make_items = std::move(make_items);
  const Settings& item = added.documented.front();
  added.allowed = "a list of maps";
  for (const Word& word : item.words_) added.allowed += ", or " + word.name;
  added.expected = (item.words_.empty() ? "a list of maps" : "a list whose items are ") +
                   (item.words_.empty() ? item.expected_item().substr(std::string_view("a map").size()) : item.expected_item());
}

void Settings::map_with(std::string key, std::string help, const std::function<void(Settings&)>& document, MakeItems make_items) {
  Declaration& added = add(std::move(key), "MAP", std::move(help));
  added.shape = Shape::kMap;
  document(added.documented.emplace_back());
  added.items = make_items(std::nullopt);
  added.make_items = std::move(make_items);
  added.allowed = added.expected = added.documented.front().expected_item();
}

void Settings::word(std::string name, bool& value, std::string help) {
  HOOKFLEET_CHECK(!find(name).has_value());
  words_.push_back({std::move(name), std::move(help), &value});
}

/// What an item with these settings may be: "a map with a, b", or "log, ignore or a map with one of c, d".
std::string Settings::expected_item() const {
  std::vector<std::string> names, keys;
  for (const Word& word : words_) names.push_back(word.name);
  for (const auto& declaration : declarations_) keys.push_back(declaration->key);
  return joined(names, ", ") + (names.empty() ? "" : " or ") + (one_of_ ? "a map with one of " : "a map with ") + joined(keys, ", ");
}

void Settings::required(const std::string& key) {
  const auto name = find(key);
  HOOKFLEET_CHECK(name.has_value());
  name->declaration->required = true;
}

void Settings::rule(std::function<std::optional<std::string>()> check, std::vector<std::string> keys) {
  for (const std::string& key : keys) HOOKFLEET_CHECK(find(key).has_value());
  rules_.push_back({std::move(check), std::move(keys)});
}

void Settings::path(const std::string& key) {
  const auto name = find(key);
  HOOKFLEET_CHECK(name.has_value() && name->declaration->shape == Shape::kOne);
  name->declaration->is_path = true;
}

void Settings::reloads(const std::vector<std::string>& keys) {
  for (const std::string& key : keys) {
    bool found = false;
    for (const auto& declaration : declarations_) {
      if (declaration->key != key && !declaration->key.starts_with(key + '.')) continue;
      declaration->reloads = found = true;
    }
    HOOKFLEET_CHECK(found);
  }
}

bool Settings::same_value(const Declaration& a, const Declaration& b) {
  return a.current == b.current && std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                                              [](const Settings& x, const Settings& y) { return x.same_values(y); });
}

bool Settings::same_values(const Settings& other) const {
  return std::equal(words_.begin(), words_.end(), other.words_.begin(), other.words_.end(),
                    [](const Word& a, const Word& b) { return *a.value == *b.value; }) &&
         std::equal(declarations_.begin(), declarations_.end(), other.declarations_.begin(), other.declarations_.end(),
                    [](const auto& a, const auto& b) { return same_value(*a, *b); });
}

std::vector<std::string> Settings::waiting_for_restart(const Settings& running) const {
  HOOKFLEET_CHECK(declarations_.size() == running.declarations_.size());
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < declarations_.size(); ++i) {
    if (!declarations_[i]->reloads && !same_value(*declarations_[i], *running.declarations_[i])) keys.push_back(declarations_[i]->key);
  }
  return keys;
}

void Settings::foreign_section(std::string name) { foreign_.push_back(std::move(name)); }

void Settings::foreign_setting(std::string key) { foreign_.push_back(std::move(key)); }

std::optional<Settings::Name> Settings::find(const std::string& key) const {
  for (const auto& declaration : declarations_) {
    if (declaration->key == key) return Name{declaration.get(), false};
    if (declaration->secret && declaration->file_key() == key) return Name{declaration.get(), true};
  }
  return std::nullopt;
}

bool Settings::is_foreign(const std::string& key) const {
  return std::any_of(foreign_.begin(), foreign_.end(),
                     [&key](const std::string& name) { return key == name || key.starts_with(name + '.'); });
}

}  // namespace hookfleet::config
