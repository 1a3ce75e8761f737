#include "cli/completion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "cli/verb.hpp"

namespace hookfleet::cli {
namespace {

struct Described {
  std::string name;  // "dead-letters list"
  std::string about;
  std::vector<config::Arguments::Described> arguments;
};

std::vector<Described> described() {
  std::vector<Described> all;
  for (const VerbSpec& spec : verbs()) {
    const auto verb = spec.make();
    all.push_back({std::string(spec.name), std::string(spec.about), arguments_of(spec, *verb).describe()});
    all.back().arguments.push_back({{"-h", "--help"}, false, "", {}, "Print this and exit"});
  }
  return all;
}

std::string first_word(const std::string& name) { return name.substr(0, name.find(' ')); }

/// Words of the verbs that follow `first`; of the first place for an empty one.
std::vector<std::string> words(const std::vector<Described>& all, const std::string& first) {
  std::vector<std::string> result;
  for (const Described& one : all) {
    std::string word;
    if (first.empty()) {
      word = first_word(one.name);
    } else if (one.name.starts_with(first + ' ')) {
      word = one.name.substr(first.size() + 1);
    }
    if (!word.empty() && std::find(result.begin(), result.end(), word) == result.end()) result.push_back(word);
  }
  return result;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool is_file(const config::Arguments::Described& argument) { return argument.placeholder == "FILE"; }

std::string bash(const std::vector<Described>& all) {
  std::string groups;
  for (const std::string& first : words(all, "")) {
    const auto second = words(all, first);
    if (!second.empty()) groups += fmt::format("    {}) second='{}' ;;\n", first, joined(second));
  }
  std::string verbs;
  for (const Described& one : all) {
    std::string names, values, positionals;
    for (const auto& argument : one.arguments) {
      if (argument.names.empty()) positionals += (positionals.empty() ? "" : " ") + joined(argument.choices);
      for (const std::string& name : argument.names) names += (names.empty() ? "" : " ") + name;
      if (!argument.takes_value || argument.names.empty()) continue;
      std::string pattern;
      for (const std::string& name : argument.names) pattern += (pattern.empty() ? "" : "|") + name;
      if (!argument.choices.empty()) {
        values += fmt::format("        {}) mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\"); return ;;\n", pattern,
                              joined(argument.choices));
      } else if (is_file(argument)) {
        values += fmt::format("        {}) mapfile -t COMPREPLY < <(compgen -f -- \"$word\"); return ;;\n", pattern);
      } else {
        values += fmt::format("        {}) return ;;\n", pattern);
      }
    }
    verbs += fmt::format("    '{}')\n", one.name);
    if (!values.empty()) verbs += "      case $before in\n" + values + "      esac\n";
    verbs += fmt::format("      options='{}' words='{}' ;;\n", names, positionals);
  }
  return fmt::format(R"(# bash completion of hookfleet; made by: hookfleet completion bash
_hookfleet() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} first=${{COMP_WORDS[1]:-}} verb second='' options='' words=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    mapfile -t COMPREPLY < <(compgen -W '{} --help --version' -- "$word")
    return
  fi
  case $first in
{}  esac
  verb=$first
  if [[ -n $second ]]; then
    if ((COMP_CWORD == 2)); then
      mapfile -t COMPREPLY < <(compgen -W "$second --help" -- "$word")
      return
    fi
    verb="$first ${{COMP_WORDS[2]}}"
  fi
  case $verb in
{}  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
  fi
}}
complete -F _hookfleet hookfleet
)",
                     joined(words(all, "")), groups, verbs);
}

/// For zsh's _arguments and _describe: inside single quotes.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c == '[' || c == ']' || c == ':' || c == '\\') {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string zsh(const std::vector<Described>& all) {
  const auto about = [&](const std::string& name) {
    for (const Described& one : all) {
      if (one.name == name) return one.about;
    }
    return std::string("several verbs");
  };
  std::string firsts, groups, verbs;
  for (const std::string& first : words(all, "")) {
    firsts += fmt::format("    '{}:{}'\n", first, zsh_text(about(first)));
    const auto second = words(all, first);
    if (second.empty()) continue;
    groups += fmt::format("    {})\n      second=(", first);
    for (const std::string& word : second) groups += fmt::format(" '{}:{}'", word, zsh_text(about(fmt::format("{} {}", first, word))));
    groups += " ) ;;\n";
  }
  for (const Described& one : all) {
    verbs += fmt::format("    '{}') _arguments -s \\\n", one.name);
    for (const auto& argument : one.arguments) {
      std::string action;
      if (argument.takes_value) {
        action = fmt::format(":{}:{}", zsh_text(argument.placeholder),
                             !argument.choices.empty() ? "(" + joined(argument.choices) + ")"
                             : is_file(argument)       ? "_files"
                                                       : " ");
      }
      if (argument.names.empty()) verbs += fmt::format("      '*{}' \\\n", action);
      for (const std::string& name : argument.names) verbs += fmt::format("      '{}[{}]{}' \\\n", name, zsh_text(argument.help), action);
    }
    verbs += "      ;;\n";
  }
  return fmt::format(R"(#compdef hookfleet
# zsh completion of hookfleet; made by: hookfleet completion zsh
_hookfleet() {{
  local -a firsts second
  firsts=(
{}  )
  if ((CURRENT == 2)); then
    _describe verb firsts
    return
  fi
  local verb=${{words[2]}}
  case $verb in
{}  esac
  if ((${{#second}})); then
    if ((CURRENT == 3)); then
      _describe verb second
      return
    fi
    verb="$verb ${{words[3]}}"
    shift words; ((CURRENT--))
  fi
  shift words; ((CURRENT--))
  case $verb in
{}  esac
}}
_hookfleet "$@"
)",
                     firsts, groups, verbs);
}

std::string fish_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string fish(const std::vector<Described>& all) {
  std::string out = "# fish completion of hookfleet; made by: hookfleet completion fish\ncomplete -c hookfleet -f\n";
  const std::vector<std::string> firsts = words(all, "");
  std::set<std::string> told;
  for (const Described& one : all) {
    const std::string first = first_word(one.name);
    const bool group = one.name != first;
    if (told.insert(first).second) {
      out += fmt::format("complete -c hookfleet -n '__fish_use_subcommand' -a '{}' -d '{}'\n", first,
                         fish_text(group ? "several verbs" : one.about));
    }
    std::string condition = fmt::format("__fish_seen_subcommand_from {}", first);
    if (group) {
      const std::string second = one.name.substr(first.size() + 1);
      out +=
          fmt::format("complete -c hookfleet -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}' -a '{}' -d '{}'\n",
                      first, joined(words(all, first)), second, fish_text(one.about));
      condition += fmt::format("; and __fish_seen_subcommand_from {}", second);
    }
    for (const auto& argument : one.arguments) {
      std::string line = fmt::format("complete -c hookfleet -n '{}'", condition);
      for (const std::string& name : argument.names) {
        line += name.starts_with("--") ? " -l '" + name.substr(2) + "'" : " -s '" + name.substr(1) + "'";
      }
      if (argument.names.empty()) {
        if (argument.choices.empty()) continue;
        out += line + fmt::format(" -a '{}'\n", joined(argument.choices));
        continue;
      }
      if (argument.takes_value) line += " -r";
      if (is_file(argument)) line += " -F";
      if (!argument.choices.empty()) line += fmt::format(" -a '{}'", joined(argument.choices));
      out += line + fmt::format(" -d '{}'\n", fish_text(argument.help));
    }
  }
  return out;
}

}  // namespace

std::string completion(std::string_view shell) {
  const auto all = described();
  if (shell == "zsh") return zsh(all);
  if (shell == "fish") return fish(all);
  return bash(all);
}

}  // namespace hookfleet::cli
