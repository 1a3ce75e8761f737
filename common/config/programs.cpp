#include "common/config/programs.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

namespace hookfleet::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Settings

<!-- Made by `hookfleet config reference`; the declarations in the sources are the origin. -->

All programs of a fleet read one YAML file (`--config FILE`); each uses its own sections. A setting is looked up in this order, the later
one counts:

1. the default,
2. the file: `append: {linger: 5ms}`,
3. the environment: `HOOKFLEET_APPEND__LINGER=5ms` (two underscores for each dot),
4. the command line: `--append.linger 5ms`.

- Lists are separated by commas in the environment and on the command line: `HOOKFLEET_SERVER__TRUSTED_PROXIES=127.0.0.1/32,10.0.0.0/8`.
  Lists of maps are set in the file only.
- A **secret** can also be read from a file, whose path is given as the same key with `_file` behind it
  (`redis.url_file`, `HOOKFLEET_REDIS__URL_FILE`, `--redis.url_file`). Prefer that to the command line, which other users of the
  machine can see. Relative paths start at the working directory. Secrets are shown as `***`.
- `${NAME}` in a value of the file is replaced by the environment variable; one that isn't set is an error. `$${` is a plain `${`.
- Durations have a unit: `250ms`, `20s`, `10min`, `25h`, `30d`. Sizes: `512`, `64KiB`, `4MiB`, `1GiB`.
- **↻**: a running program takes a new value over. It reads its settings again on SIGHUP, and within a few seconds when the settings file, the
  file of a secret or the directory of schemas holds something else; what has a problem changes nothing. Other settings take a restart; the
  log names those that wait for one (`system.restart_needed`).
- Unknown names, wrong values and duplicate keys are errors: a program lists all of them and exits with 2 before it opens anything.
  `hookfleet config check --config FILE` does so for all programs, `--check-config` for one; `--print-config` shows what counts.
)";

/// One setting of several programs.
struct Shared {
  Description description;                              // of the first program
  std::vector<std::pair<std::string, Description>> of;  // program, its own
};

std::vector<Shared> merged(const std::vector<Program>& programs) {
  std::vector<Shared> result;
  for (const Program& program : programs) {
    for (Description& description : program.settings->describe()) {
      auto known =
          std::find_if(result.begin(), result.end(), [&](const Shared& shared) { return shared.description.key == description.key; });
      if (known == result.end()) {
        // Beside the others of its section.
        const std::string section = section_of(description.key);
        const auto last = std::find_if(result.rbegin(), result.rend(),
                                       [&](const Shared& shared) { return section_of(shared.description.key) == section; });
        known = result.insert(last.base() == result.begin() ? result.end() : last.base(), Shared{description, {}});
      }
      known->of.emplace_back(program.name, std::move(description));
    }
  }
  return result;
}

struct Leaf {
  std::string path;  // relative to where it is printed
  std::string value;
  bool comment = false;
};

std::string block(const std::vector<Leaf>& leaves) {
  std::string result;
  const auto append = [&result](const std::string& line) { result += (result.empty() ? "" : "\n") + line; };
  const auto indented = [](std::string text) {
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) text.insert(at + 1, "  ");
    return "  " + text;
  };
  std::vector<std::string> done;
  for (const Leaf& leaf : leaves) {
    const std::size_t dot = leaf.path.find('.');
    if (dot == std::string::npos) {
      if (leaf.comment) {
        append("# " + leaf.path + ": " + leaf.value);
      } else if (leaf.value.starts_with("- ")) {
        append(leaf.path + ":\n" + indented(leaf.value));
      } else {
        append(leaf.path + ": " + leaf.value);
      }
      continue;
    }
    const std::string group = leaf.path.substr(0, dot);
    if (std::find(done.begin(), done.end(), group) != done.end()) continue;
    done.push_back(group);
    std::vector<Leaf> below;
    for (const Leaf& other : leaves) {
      if (other.path.starts_with(group + '.')) below.push_back({other.path.substr(dot + 1), other.value, other.comment});
    }
    append(group + ":\n" + indented(block(below)));
  }
  return result;
}

/// For a cell of a Markdown table.
std::string cell(std::string text) {
  for (std::size_t at = text.find('|'); at != std::string::npos; at = text.find('|', at + 2)) text.insert(at, 1, '\\');
  return text;
}

std::string code(const std::string& text) { return '`' + text + '`'; }

}  // namespace

std::string section_of(const std::string& key) { return key.substr(0, key.find_first_of(".[")); }

std::string environment_name(const std::string& key) {
  std::string name = "HOOKFLEET_";
  for (const char c : key) {
    if (c == '.') {
      name += "__";
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

std::string yaml_block(const std::vector<Description>& settings) {
  std::vector<Leaf> leaves;
  for (const Description& setting : settings) {
    if (!setting.value.empty()) leaves.push_back({setting.value_key, setting.value, false});
  }
  return block(leaves);
}

std::string print(const std::vector<Program>& programs) {
  std::vector<Leaf> leaves;
  for (const Shared& shared : merged(programs)) {
    const auto& of = shared.of;
    const auto differs = [&](const auto& other) {
      return std::tie(other.second.value, other.second.value_key) != std::tie(of.front().second.value, of.front().second.value_key);
    };
    const bool comment = std::any_of(of.begin(), of.end(), differs);
    std::string value;
    if (comment) {
      for (const auto& [program, setting] : of) value += (value.empty() ? "" : ", ") + setting.value + " (" + program + ')';
      std::replace(value.begin(), value.end(), '\n', ' ');
    } else {
      value = of.front().second.value;
    }
    if (!value.empty()) leaves.push_back({of.front().second.value_key, value, comment});
  }
  return block(leaves) + '\n';
}

std::string tables(const std::vector<Program>& programs) {
  std::string result;
  std::string section;
  const bool several = programs.size() > 1;
  for (const Shared& shared : merged(programs)) {
    const Description& setting = shared.description;
    if (section != section_of(setting.key)) {
      section = section_of(setting.key);
      result += "\n## " + section + "\n\n| setting | default | values | meaning |" +
                (several ? " programs |\n|---|---|---|---|---|\n" : "\n|---|---|---|---|\n");
    }
    std::string initial;
    std::string names;
    const bool same =
        std::all_of(shared.of.begin(), shared.of.end(), [&](const auto& other) { return other.second.initial == setting.initial; });
    for (const auto& [program, own] : shared.of) {
      names += (names.empty() ? "" : ", ") + program;
      if (!same) initial += (initial.empty() ? "" : ", ") + code(own.initial) + " (" + program + ')';
    }
    if (same) initial = setting.required ? "required" : setting.initial.empty() ? "–" : code(setting.initial);
    std::string values = setting.allowed.empty() ? (setting.by_file ? "a secret" : "a text") : setting.allowed;
    if (setting.by_file && !setting.allowed.empty()) values += " of secrets";
    std::string key = code(setting.key);
    if (setting.by_file) key += "<br>or " + code(setting.key + "_file");
    if (!setting.file_only) key += "<br>" + code(environment_name(setting.key));
    result += "| " + key + " | " + cell(initial) + " | " + cell(values) + " | " + cell(setting.help) + (setting.reloads ? " ↻ |" : " |");
    result += several ? ' ' + names + " |\n" : "\n";
  }
  return result;
}

std::string reference_page(const std::vector<Program>& programs) { return std::string(kIntroduction) + tables(programs); }

}  // namespace hookfleet::config
