#include "common/config/arguments.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Error.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <string_view>

#include "common/config/nearest.hpp"
#include "common/config/value.hpp"

namespace hookfleet::config {
namespace {

/// Columns on a terminal, of a text without wide characters.
std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// Breaks at blanks so that no line is longer than `width`; lines after the first begin with `indent` blanks.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  std::string result;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > indent && column + 1 + columns(word) > width) {
      result += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += columns(word);
  }
  return result;
}

/// "-o,--output" → both.
std::vector<std::string> names_of(const std::string& name) {
  const std::size_t comma = name.find(',');
  if (comma == std::string::npos) return {name};
  return {name.substr(0, comma), name.substr(comma + 1)};
}

}  // namespace

void Arguments::group(std::string title) {
  Declared declared{Kind::kTitle, std::move(title), {}, {}};
  declared_.push_back(std::move(declared));
}

void Arguments::flag(std::string name, bool& value, std::string help) {
  Declared declared{Kind::kFlag, std::move(name), {}, std::move(help)};
  declared.flag = &value;
  declared_.push_back(std::move(declared));
}

void Arguments::option(std::string name, std::string& value, std::string placeholder, std::string help, std::vector<std::string> choices) {
  Declared declared{Kind::kOption, std::move(name), std::move(placeholder), std::move(help)};
  declared.value = &value;
  declared.choices = std::move(choices);
  declared_.push_back(std::move(declared));
}

void Arguments::preset(std::string_view name, const std::string& value) {
  for (const Declared& declared : declared_) {
    if (declared.kind == Kind::kOption && declared.name == name) *declared.value = value;
  }
}

void Arguments::setting(const std::string& key, Pairs& given, bool bare, std::string placeholder, std::string help) {
  Declared declared{bare ? Kind::kBareSetting : Kind::kSetting, "--" + key, std::move(placeholder), std::move(help)};
  declared.given = &given;
  declared_.push_back(std::move(declared));
}

void Arguments::positional(std::string name, std::string& value, std::string help, std::vector<std::string> choices) {
  Declared declared{Kind::kPositional, std::move(name), {}, std::move(help)};
  declared.value = &value;
  declared.choices = std::move(choices);
  declared_.push_back(std::move(declared));
}

void Arguments::positionals(std::string name, std::vector<std::string>& values, std::string help, std::vector<std::string> choices) {
  Declared declared{Kind::kPositionals, std::move(name), {}, std::move(help)};
  declared.values = &values;
  declared.choices = std::move(choices);
  declared_.push_back(std::move(declared));
}

std::optional<Problem> Arguments::check(const Declared& declared, const std::string& value) {
  if (declared.choices.empty() || std::find(declared.choices.begin(), declared.choices.end(), value) != declared.choices.end()) {
    return std::nullopt;
  }
  return Problem{declared.name, in_quotes(value) + " is not known there; the nearest known one is " + nearest(value, declared.choices)};
}

std::vector<Arguments::Described> Arguments::describe() const {
  std::vector<Described> result;
  for (const Declared& declared : declared_) {
    if (declared.kind == Kind::kTitle) continue;
    Described described{{}, declared.kind != Kind::kFlag, declared.placeholder, declared.choices, declared.help};
    if (declared.kind == Kind::kPositional || declared.kind == Kind::kPositionals) {
      described.placeholder = declared.name;
    } else {
      described.names = names_of(declared.name);
    }
    result.push_back(std::move(described));
  }
  return result;
}

std::vector<Problem> Arguments::parse(std::vector<std::string> arguments, Pairs* unknown) {
  std::vector<Problem> problems;
  // CLI11 takes the next argument for `--name=`.
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].size() < 3 || !arguments[i].starts_with("--") || !arguments[i].ends_with('=')) continue;
    if (arguments[i].find('=') + 1 != arguments[i].size()) continue;
    arguments[i].pop_back();
    arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(++i), std::string());
  }
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  std::vector<CLI::Option*> options(declared_.size(), nullptr);
  try {
    for (std::size_t i = 0; i < declared_.size(); ++i) {
      const Declared& declared = declared_[i];
      switch (declared.kind) {
        case Kind::kFlag: options[i] = app.add_flag(declared.name); break;
        case Kind::kOption:
        case Kind::kSetting: options[i] = app.add_option(declared.name)->expected(1)->take_all(); break;
        case Kind::kBareSetting: options[i] = app.add_option(declared.name)->expected(0, 1)->take_all(); break;
        case Kind::kPositional:
        case Kind::kPositionals:
        case Kind::kTitle: break;
      }
    }
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants a vector
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    problems.push_back({"command line", error.what()});
    return problems;
  }

  for (std::size_t i = 0; i < declared_.size(); ++i) {
    if (options[i] == nullptr || options[i]->count() == 0) continue;
    const Declared& declared = declared_[i];
    const std::vector<std::string>& results = options[i]->results();
    if (declared.kind == Kind::kFlag) {
      *declared.flag = true;
    } else if (declared.kind == Kind::kOption) {
      if (results.size() > 1) problems.push_back({declared.name, "is given more than once; keep one"});
      if (results.front().empty()) problems.push_back({declared.name, "is empty; write " + declared.name + ' ' + declared.placeholder});
      if (auto problem = check(declared, results.front()); problem && !results.front().empty()) problems.push_back(*std::move(problem));
      *declared.value = results.front();
    } else {
      for (const std::string& value : results) {
        declared.given->emplace_back(declared.name.substr(2), declared.kind == Kind::kBareSetting && value.empty() ? "true" : value);
      }
    }
  }

  std::vector<std::string> known;
  std::vector<const Declared*> positionals;
  const Declared* others = nullptr;
  for (const Declared& declared : declared_) {
    if (declared.kind == Kind::kPositional) {
      positionals.push_back(&declared);
    } else if (declared.kind == Kind::kPositionals) {
      others = &declared;
    } else if (declared.kind != Kind::kTitle) {
      for (std::string& name : names_of(declared.name)) known.push_back(std::move(name));
    }
  }
  std::size_t filled = 0;
  const std::vector<std::string> rest = app.remaining();
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::string& argument = rest[i];
    if (argument == "--") continue;
    if (!argument.starts_with('-') || argument == "-") {
      if (filled < positionals.size()) {
        const Declared& positional = *positionals[filled++];
        if (auto problem = check(positional, argument)) problems.push_back(*std::move(problem));
        *positional.value = argument;
      } else if (others != nullptr) {
        if (auto problem = check(*others, argument)) problems.push_back(*std::move(problem));
        others->values->push_back(argument);
      } else {
        problems.push_back({in_quotes(argument), "is an argument nobody expects; see --help"});
      }
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const bool value_follows =
        equals == std::string::npos && i + 1 < rest.size() && !rest[i + 1].starts_with('-') && positionals.empty() && others == nullptr;
    if (unknown != nullptr && name.starts_with("--") && name.find('.') != std::string::npos) {
      unknown->emplace_back(name.substr(2), equals != std::string::npos ? argument.substr(equals + 1) : value_follows ? rest[i + 1] : "");
    } else {
      problems.push_back({name, "is not a known flag; the nearest known one is " + nearest(name, known)});
    }
    if (value_follows) ++i;
  }
  for (std::size_t i = filled; i < positionals.size(); ++i) problems.push_back({positionals[i]->name, "is missing; see --help"});
  return problems;
}

std::string Arguments::help() const {
  constexpr std::size_t kColumn = 34;
  constexpr std::size_t kWidth = 110;
  std::string result = "Usage: " + usage_ + "\n\n" + about_ + '\n';
  bool titled = false;
  for (const Declared& declared : declared_) {
    if (declared.kind == Kind::kTitle) {
      result += '\n' + declared.name + ":\n";
      titled = true;
      continue;
    }
    if (!std::exchange(titled, true)) result += '\n';
    std::string left = "  " + declared.name;
    if (const std::size_t comma = left.find(','); comma != std::string::npos) left.insert(comma + 1, " ");
    if (declared.kind == Kind::kBareSetting) {
      left += " [" + declared.placeholder + ']';
    } else if (!declared.placeholder.empty()) {
      left += ' ' + declared.placeholder;
    }
    result += left;
    result += columns(left) + 2 <= kColumn ? std::string(kColumn - columns(left), ' ') : '\n' + std::string(kColumn, ' ');
    result += wrapped(declared.help, kColumn, kWidth) + '\n';
  }
  return result;
}

}  // namespace hookfleet::config
