// Settings::load(): what file, environment and flags give, which of them counts, and what is wrong with them.
#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <tuple>
#include <unordered_map>

#include "common/base/ascii.hpp"
#include "common/config/content.hpp"
#include "common/config/declaration.hpp"
#include "common/config/document.hpp"
#include "common/config/nearest.hpp"
#include "common/config/programs.hpp"
#include "common/config/settings.hpp"
#include "common/config/value.hpp"

namespace hookfleet::config {
namespace {

constexpr std::size_t kFileBytesMax = 1U << 20;
constexpr std::size_t kSecretBytesMax = 64U << 10;
constexpr std::string_view kPrefix = "HOOKFLEET_";

enum class Source { kFile, kEnvironment, kFlag, kRule };

std::string trimmed(const std::string& text) {
  const std::size_t start = text.find_first_not_of(" \t\r");
  if (start == std::string::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t\r") - start + 1);
}

const char* describe_kind(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::kNothing: return "nothing";
    case Node::Kind::kText: return "a text";
    case Node::Kind::kList: return "a list";
    case Node::Kind::kMap: return "a map";
  }
  return "nothing";
}

}  // namespace

/// One load(): gathers what the sources give, decides, keeps the problems.
struct Settings::Loading {
  struct Given {
    Name name;
    Source source = Source::kFile;
    std::string where;
    Mark mark;
    std::string key;             // as given, in full
    const Node* node = nullptr;  // of a file
    std::vector<std::string> texts;
  };
  struct Found {
    Source source;
    Mark mark;
    Problem problem;
  };
  using Sources = std::unordered_map<const Declaration*, std::vector<Given>>;

  const std::string& file;
  const std::map<std::string, std::string>& environment;
  std::vector<Found> found;
  std::vector<Found> doubted;
  std::vector<Origin> origins;
  bool broken = false;  // what the file might have said isn't missing, and no rule can be judged

  std::string at(const Mark& mark) const { return file + ':' + std::to_string(mark.line) + ':' + std::to_string(mark.column); }
  void in_file(const Mark& mark, std::string message) { found.push_back({Source::kFile, mark, {at(mark), std::move(message)}}); }
  void add(Source source, std::string where, std::string message) { found.push_back({source, {}, {std::move(where), std::move(message)}}); }

  /// The content of a file, or why there is none.
  tl::expected<std::string, std::string> read(const std::string& path, std::size_t bytes_max) {
    Content content = read_content(path, bytes_max);
    origins.push_back({path, std::move(content.state)});
    return std::move(content.bytes);
  }

  // Where a value stands says all but its key, which the names of variables and flags carry.
  void refuse(const Given& given, const Mark& mark, const std::string& key, const std::string& message) {
    given.name.declaration->bad = true;
    if (given.source == Source::kFile) {
      in_file(mark, key + ": " + message);
    } else {
      add(given.source, given.where, message);
    }
  }
  void doubt(const Given& given, const Mark& mark, const std::string& key, const std::string& message) {
    const bool in_a_file = given.source == Source::kFile;
    doubted.push_back({given.source, mark, {in_a_file ? at(mark) : given.where, (in_a_file ? key + ": " : "") + message}});
  }

  static std::vector<std::string> known(const Settings& settings, const std::string& prefix = {});
  static std::string unknown(const Settings& settings, const std::string& key, const std::string& prefix,
                             std::string (*as_named)(const std::string&));
  void walk(Settings& settings, const Node& map, const std::string& base, const std::string& prefix, Sources& sources);
  void from_environment(Settings& settings, Sources& sources);
  void from_flags(Settings& settings, const std::vector<std::pair<std::string, std::string>>& flags, Sources& sources);
  void resolve(Settings& settings, const std::string& prefix, const Mark* item, Sources& sources);
  void take(const Given& given, bool effective);
  void take_items(const Given& given);
  void take_item(Settings& item, const Node& node, const std::string& name);
  void take_word(Settings& item, const Node& node, const std::string& name);
  void choose(const Settings& item, const Node& node, const std::string& name, const Sources& sources);
  std::optional<std::vector<std::string>> secret_lines(const Given& given, const std::string& path);
  void run_rules(const Settings& settings, const std::string& prefix, const Mark* item);
};

/// The keys that begin with `prefix`.
std::vector<std::string> Settings::Loading::known(const Settings& settings, const std::string& prefix) {
  std::vector<std::string> keys;
  const auto keep = [&](const std::string& key) {
    if (key.starts_with(prefix)) keys.push_back(key);
  };
  for (const auto& declaration : settings.declarations_) {
    keep(declaration->key);
    if (declaration->secret) keep(declaration->file_key());
  }
  for (const Word& word : settings.words_) keep(word.name);
  return keys;
}

std::string Settings::Loading::unknown(const Settings& settings, const std::string& key, const std::string& prefix,
                                       std::string (*as_named)(const std::string&)) {
  const std::string section = key.substr(0, key.find('.'));
  std::vector<std::string> keys = known(settings);
  std::vector<std::string> sections;
  sections.reserve(keys.size());
  for (const std::string& name : keys) sections.push_back(name.substr(0, name.find('.')));
  for (const std::string& name : settings.foreign_) {
    sections.push_back(name.substr(0, name.find('.')));
    if (name.find('.') != std::string::npos) keys.push_back(name);
  }
  std::sort(sections.begin(), sections.end());
  if (prefix.empty() && !std::binary_search(sections.begin(), sections.end(), section)) {
    // A section is more likely misspelt than all in it is.
    const std::string meant = nearest(section, sections);
    if (key == section) return "is not a known section; the nearest known one is " + meant;
    if (settings.is_foreign(meant)) return "is in no known section; the nearest known one is " + as_named(meant);
  }
  return "is not a known setting; the nearest known one is " + as_named(prefix + nearest(key, keys));
}

void Settings::Loading::walk(Settings& settings, const Node& map, const std::string& base, const std::string& prefix, Sources& sources) {
  const auto as_in_file = [](const std::string& key) { return key; };
  for (const Member& member : map.members) {
    const std::string key = base + member.name;
    const std::string full = prefix + key;
    if (settings.is_foreign(key)) continue;
    const auto is_word = [&member](const Word& word) { return word.name == member.name; };
    if (base.empty() && std::any_of(settings.words_.begin(), settings.words_.end(), is_word)) {
      in_file(member.mark, full + ": is a word; write `- " + member.name + "` in place of the map");
      continue;
    }
    if (const std::size_t dot = member.name.find('.'); dot != std::string::npos && settings.find(member.name)) {
      in_file(member.mark, full + ": sections nest; write the setting below its section: `" + member.name.substr(0, dot) + ": {" +
                               member.name.substr(dot + 1) + ": …}`");
      continue;
    }
    const auto name = member.name.find('.') == std::string::npos ? settings.find(key) : std::nullopt;
    if (name) {
      // A duplicate key was reported; the first counts.
      auto& given = sources[name->declaration];
      if (std::any_of(given.begin(), given.end(), [&full](const Given& other) { return other.key == full; })) continue;
      given.push_back({*name, Source::kFile, at(member.value.mark), member.value.mark, full, &member.value, {}});
    } else if (const auto below = known(settings, key + '.'); below.empty()) {
      in_file(member.mark, full + ": " + unknown(settings, key, prefix, as_in_file));
    } else if (member.value.kind == Node::Kind::kMap) {
      walk(settings, member.value, key + '.', prefix, sources);
    } else if (member.value.kind != Node::Kind::kNothing) {
      in_file(member.value.mark, full + ": found " + describe_kind(member.value.kind) + "; write its settings below it, such as " +
                                     below.front().substr(key.size() + 1));
    }
  }
}

void Settings::Loading::from_environment(Settings& settings, Sources& sources) {
  std::map<std::string, std::string> keys;  // by their names in the environment
  for (const std::string& key : known(settings)) keys.emplace(environment_name(key), key);
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kPrefix) || variable.find("__", kPrefix.size()) == std::string::npos) continue;
    const std::string where = "environment " + variable;
    if (const auto known_key = keys.find(variable); known_key != keys.end()) {
      const auto name = settings.find(known_key->second);
      sources[name->declaration].push_back({*name, Source::kEnvironment, where, {}, known_key->second, nullptr, {value}});
      continue;
    }
    const auto named = [&name = variable](const std::string& foreign) {  // clang 14 captures no structured binding by itself
      return name == environment_name(foreign) || name.starts_with(environment_name(foreign) + "__");
    };
    if (std::any_of(settings.foreign_.begin(), settings.foreign_.end(), named)) continue;
    std::string key = variable.substr(kPrefix.size());
    for (std::size_t dots = key.find("__"); dots != std::string::npos; dots = key.find("__", dots)) key.replace(dots, 2, ".");
    add(Source::kEnvironment, where, unknown(settings, base::lower(key), {}, environment_name));
  }
}

void Settings::Loading::from_flags(Settings& settings, const std::vector<std::pair<std::string, std::string>>& flags, Sources& sources) {
  const auto as_flag = [](const std::string& key) { return "--" + key; };
  for (const auto& [key, value] : flags) {
    const std::string where = "--" + key;
    const auto name = settings.find(key);
    if (!name) {
      add(Source::kFlag, where,
          settings.is_foreign(key) ? "is a setting of another program of the fleet" : unknown(settings, key, {}, as_flag));
      continue;
    }
    auto& given = sources[name->declaration];
    const auto before = std::find_if(given.begin(), given.end(), [&](const Given& other) { return other.where == where; });
    if (before == given.end()) {
      given.push_back({*name, Source::kFlag, where, {}, key, nullptr, {value}});
    } else if (name->declaration->shape == Shape::kMany && !name->by_file) {
      before->texts.push_back(value);
    } else {
      refuse(*before, {}, key, "is given more than once; keep one");
    }
  }
}

/// Decides for every setting which source counts. `item`: where the item of a list stands, null outside of lists.
void Settings::Loading::resolve(Settings& settings, const std::string& prefix, const Mark* item, Sources& sources) {
  for (const auto& declaration : settings.declarations_) {
    const auto& given = sources[declaration.get()];
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (i > 0 && given[i].source == given[i - 1].source) {
        refuse(given[i], given[i].mark, given[i].key, "stands beside " + given[i - 1].key + ", which means the same; keep one of them");
        continue;
      }
      take(given[i], i + 1 == given.size());
    }
    if (!given.empty()) continue;
    if (declaration->required && broken) continue;
    if (declaration->required) {
      const std::string message = prefix + declaration->key + ": is missing; write " + declaration->expected;
      declaration->bad = true;
      if (item != nullptr) {
        in_file(*item, message);
      } else {
        add(Source::kRule, "settings", message);
      }
    } else if (declaration->shape == Shape::kOne && !declaration->secret && declaration->placeholder != "TEXT") {
      // A default of ours outside its own range.
      if (const auto wrong = declaration->check(declaration->initial.front())) {
        add(Source::kRule, "default",
            declaration->key + ": " + in_quotes(declaration->initial.front()) + ' ' + *wrong + "; write " + declaration->expected);
      }
    }
  }
}

std::optional<std::vector<std::string>> Settings::Loading::secret_lines(const Given& given, const std::string& path) {
  const auto wrong = [&](const std::string& why) {
    refuse(given, given.mark, given.key, "the file " + in_quotes(path) + ' ' + why);
    return std::nullopt;
  };
  auto content = read(path, kSecretBytesMax);
  if (!content) return wrong("can't be read: " + content.error());
  if (given.name.declaration->shape == Shape::kOne) {
    if (content->ends_with('\n')) content->pop_back();
    if (content->ends_with('\r')) content->pop_back();
    if (content->empty()) return wrong("is empty; write the secret into it");
    return std::vector<std::string>{*std::move(content)};
  }
  std::vector<std::string> lines = split(*content, '\n');
  for (std::string& line : lines) {
    if (line.ends_with('\r')) line.pop_back();
  }
  std::erase_if(lines, [](const std::string& line) { return trimmed(line).empty(); });
  if (lines.empty()) return wrong("is empty; write one secret a line into it");
  return lines;
}

/// Checks what one source gives, and assigns it when it is `effective`.
void Settings::Loading::take(const Given& given, bool effective) {
  Declaration& declaration = *given.name.declaration;
  if (declaration.nested()) return take_items(given);
  const bool many = declaration.shape == Shape::kMany && !given.name.by_file;
  const std::string expected = given.name.by_file ? "the path of a file" : declaration.expected;

  struct Piece {
    std::string text;
    Mark mark;
    std::string key;
  };
  std::vector<Piece> pieces;
  if (given.node == nullptr) {
    for (const std::string& text : given.texts) {
      if (!many) {
        pieces.push_back({text, {}, {}});
        continue;
      }
      for (const std::string& part : split(text, ',')) {
        if (declaration.secret || !trimmed(part).empty()) pieces.push_back({trimmed(part), {}, {}});
      }
    }
  } else {
    const auto refuse_kind = [&](const Node& node, const std::string& key, const std::string& wanted) {
      refuse(given, node.mark, key, std::string("found ") + describe_kind(node.kind) + "; write " + wanted);
    };
    if (given.node->kind != (many ? Node::Kind::kList : Node::Kind::kText)) return refuse_kind(*given.node, given.key, expected);
    const auto add_piece = [&](const Node& node, const std::string& key) {
      if (node.kind != Node::Kind::kText) return refuse_kind(node, key, "a text");
      if (!effective && node.text.find("${") != std::string::npos) return;
      auto text = expand(node.text, [this](const std::string& name) -> std::optional<std::string> {
        const auto variable = environment.find(name);
        if (variable == environment.end()) return std::nullopt;
        return variable->second;
      });
      if (!text) return refuse(given, node.mark, key, text.error());
      pieces.push_back({*std::move(text), node.mark, key});
    };
    if (many) {
      for (std::size_t i = 0; i < given.node->items.size(); ++i) add_piece(given.node->items[i], given.key + '[' + std::to_string(i) + ']');
    } else {
      add_piece(*given.node, given.key);
    }
  }

  std::vector<std::string> texts;
  std::string path;
  if (given.name.by_file) {
    if (!effective || pieces.empty()) return;
    path = pieces.front().text;
    if (path.empty()) return refuse(given, given.mark, given.key, "is empty; write the path of a file");
    auto lines = secret_lines(given, path);
    if (!lines) return;
    std::error_code unknown;
    if ((std::filesystem::status(path, unknown).permissions() & std::filesystem::perms::others_read) != std::filesystem::perms::none &&
        !unknown) {
      doubt(given, given.mark, given.key, "every user of this machine can read " + in_quotes(path) + "; take that from them (chmod o-r)");
    }
    pieces.clear();
    for (std::string& line : *lines) pieces.push_back({std::move(line), given.mark, given.key});
  }
  for (const Piece& piece : pieces) {
    const auto wrong = declaration.check ? declaration.check(piece.text) : std::nullopt;
    if (wrong && declaration.secret) {
      refuse(given, piece.mark, piece.key, *wrong);  // a secret isn't quoted
    } else if (wrong) {
      // A caller's check says itself what to do.
      const bool ours = !declaration.allowed.empty() && declaration.shape == Shape::kOne;
      refuse(given, piece.mark, piece.key, in_quotes(piece.text) + ' ' + *wrong + (ours ? "; write " + declaration.expected : ""));
    }
    if (const auto odd = !wrong && effective && declaration.doubt ? declaration.doubt(piece.text) : std::nullopt) {
      doubt(given, piece.mark, piece.key, in_quotes(piece.text) + ' ' + *odd);
    }
    texts.push_back(piece.text);
  }
  if (!effective || declaration.bad) return;
  declaration.current = declaration.assign(texts);
  declaration.where = given.where;
  declaration.mark = given.mark;
  declaration.secret_path = path;
}

void Settings::Loading::take_items(const Given& given) {
  Declaration& declaration = *given.name.declaration;
  if (given.node == nullptr) return refuse(given, {}, given.key, "can be set in the file only");
  const bool one = declaration.shape == Shape::kMap;
  if (given.node->kind != (one ? Node::Kind::kMap : Node::Kind::kList)) {
    return refuse(given, given.node->mark, given.key,
                  std::string("found ") + describe_kind(given.node->kind) + "; write " + declaration.expected);
  }
  const std::size_t count = one ? 1 : given.node->items.size();
  declaration.items = declaration.make_items(count);
  declaration.where = given.where;
  declaration.mark = given.mark;
  const std::size_t before = found.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Node& node = one ? *given.node : given.node->items[i];
    take_item(declaration.items[i], node, one ? given.key : given.key + '[' + std::to_string(i) + ']');
  }
  if (found.size() > before) declaration.bad = true;
}

void Settings::Loading::take_item(Settings& item, const Node& node, const std::string& name) {
  if (node.kind == Node::Kind::kText && !item.words_.empty()) return take_word(item, node, name);
  if (node.kind != Node::Kind::kMap) {
    return in_file(node.mark, name + ": found " + describe_kind(node.kind) + "; write " + item.expected_item());
  }
  Sources sources;
  const std::size_t before = found.size();
  walk(item, node, {}, name + '.', sources);
  if (item.one_of_ && found.size() == before) choose(item, node, name, sources);
  resolve(item, name + '.', &node.mark, sources);
  run_rules(item, name, &node.mark);
}

void Settings::Loading::take_word(Settings& item, const Node& node, const std::string& name) {
  for (const Word& word : item.words_) {
    if (word.name != node.text) continue;
    *word.value = true;
    return;
  }
  const std::string expected = "; write " + item.expected_item();
  if (item.find(node.text))
    return in_file(node.mark, name + ": " + in_quotes(node.text) + " is no word but a key; write `" + node.text + ": …`");
  in_file(node.mark, name + ": " + in_quotes(node.text) + " is not known; the nearest is " + nearest(node.text, known(item)) + expected);
}

/// Of an item that is one thing: that it is.
void Settings::Loading::choose(const Settings& item, const Node& node, const std::string& name, const Sources& sources) {
  std::vector<const Given*> chosen;
  for (const auto& [declaration, given] : sources) {
    for (const Given& one : given) chosen.push_back(&one);
  }
  if (chosen.empty()) return in_file(node.mark, name + ": is empty; write " + item.expected_item());
  std::sort(chosen.begin(), chosen.end(), [](const Given* a, const Given* b) { return a->mark < b->mark; });
  const auto key_of = [](const Given* given) {
    return given->name.by_file ? given->name.declaration->file_key() : given->name.declaration->key;
  };
  for (std::size_t i = 1; i < chosen.size(); ++i) {
    in_file(chosen[i]->mark, chosen[i]->key + ": stands beside " + key_of(chosen.front()) + ", and an item is one of them; write two: `- " +
                                 key_of(chosen.front()) + ": …` and `- " + key_of(chosen[i]) + ": …`");
  }
}

void Settings::Loading::run_rules(const Settings& settings, const std::string& prefix, const Mark* item) {
  for (const Rule& rule : settings.rules_) {
    if (rule.keys.empty() && !found.empty()) continue;
    const Declaration* blamed = nullptr;
    bool bad = false;
    for (const std::string& key : rule.keys) {
      const Declaration* declaration = settings.find(key)->declaration;
      bad = bad || declaration->bad;
      if (blamed == nullptr && !declaration->where.empty()) blamed = declaration;
    }
    if (bad) continue;
    auto wrong = rule.check();
    if (!wrong) continue;
    if (item != nullptr) {
      in_file(blamed != nullptr ? blamed->mark : *item, prefix + ": " + *wrong);
    } else {
      add(Source::kRule, blamed != nullptr ? blamed->where : "settings", *wrong);
    }
  }
}

std::vector<Problem> Settings::load(const std::string& file, const std::map<std::string, std::string>& environment,
                                    const std::vector<std::pair<std::string, std::string>>& flags) {
  Loading loading{file, environment, {}, {}, {}, false};
  Loading::Sources sources;
  Document document;
  bool& broken = loading.broken;
  if (!file.empty()) {
    if (auto content = loading.read(file, kFileBytesMax); !content) {
      loading.found.push_back({Source::kFile, {}, {file, "can't be read: " + content.error()}});
      broken = true;
    } else {
      document = parse(*content);
      for (const Fault& fault : document.faults) loading.in_file(fault.mark, fault.message);
      broken = document.broken;
      if (document.root.kind == Node::Kind::kMap) {
        loading.walk(*this, document.root, {}, {}, sources);
      } else if (document.root.kind != Node::Kind::kNothing) {
        loading.in_file(document.root.mark, std::string("found ") + describe_kind(document.root.kind) +
                                                "; write sections with settings below them, such as `log: {level: info}`");
        broken = true;
      }
    }
  }
  loading.from_environment(*this, sources);
  loading.from_flags(*this, flags, sources);
  loading.resolve(*this, {}, nullptr, sources);
  for (const auto& declaration : declarations_) {  // before a rule reads it
    if (declaration->is_path && !declaration->current.front().empty()) {
      loading.origins.push_back({declaration->current.front(), state_of(declaration->current.front())});
    }
  }
  if (!broken) loading.run_rules(*this, {}, nullptr);

  const auto in_order = [](std::vector<Loading::Found>& found) {
    std::stable_sort(found.begin(), found.end(),
                     [](const auto& a, const auto& b) { return std::tie(a.source, a.mark) < std::tie(b.source, b.mark); });
    std::vector<Problem> problems;
    problems.reserve(found.size());
    // Keys are named as they were given, and those may hold anything.
    for (const auto& [source, mark, problem] : found) problems.push_back({printable(problem.where), printable(problem.message)});
    return problems;
  };
  origins_ = std::move(loading.origins);
  warnings_ = in_order(loading.doubted);
  return in_order(loading.found);
}

}  // namespace hookfleet::config
