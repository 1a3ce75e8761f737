#include "cli/simulate/generator.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/simulate/samples.hpp"

namespace hookfleet::simulate {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr std::size_t kRememberedMax = 16;  // notifications of an instance that a repeat may be of
constexpr std::uint64_t kUnknownTypes = 4;

// Cyrillic, Arabic (from right to left), a combining accent, CJK, emoji beyond the BMP with a joiner, a flag.
constexpr std::string_view kOtherScripts =
    "\"Привет, как дела? مرحبا بالعالم · "
    "e\u0301té · "
    "你好，世界 · "
    "こんにちは · "
    "👩‍👩‍👧‍👦 🇩🇪 👍🏽 · "
    "≤ ½ €\"";

// No text of a sample has this.
std::string mark(std::string_view name) { return "\x1a" + std::string(name); }

OrderedJson* find(OrderedJson& body, std::initializer_list<const char*> path) {
  OrderedJson* at = &body;
  for (const char* key : path) {
    if (!at->is_object() || !at->contains(key)) return nullptr;
    at = &(*at)[key];
  }
  return at;
}

/// The field that says which chat a notification is of, as notification::Envelope finds it.
OrderedJson* find_chat(OrderedJson& body) {
  for (OrderedJson* found : {find(body, {"senderData", "chatId"}), find(body, {"chatId"}), find(body, {"from"})}) {
    if (found != nullptr && found->is_string()) return found;
  }
  return nullptr;
}

OrderedJson* find_text(OrderedJson& body) {
  for (OrderedJson* found :
       {find(body, {"messageData", "textMessageData", "textMessage"}), find(body, {"messageData", "extendedTextMessageData", "text"}),
        find(body, {"messageData", "fileMessageData", "caption"})}) {
    if (found != nullptr && found->is_string()) return found;
  }
  return nullptr;
}

/// Every text that is `from`, anywhere.
void replace_all(OrderedJson& value, const std::string& from, const std::string& to) {
  if (value.is_string() && value.get_ref<const std::string&>() == from) value = to;
  if (!value.is_structured()) return;
  for (OrderedJson& part : value) replace_all(part, from, to);
}

std::string chat_number(std::string_view domain, std::uint64_t chat) {
  if (domain == "@c.us") return std::to_string(79'000'000'000 + chat);
  if (domain == "@g.us") return std::to_string(120'363'000'000'000'000 + chat);
  if (domain == "@lid") return std::to_string(100'000'000'000'000 + chat);
  return std::to_string(10'000'000 + chat);
}

}  // namespace

std::string_view to_text(Kind kind) {
  switch (kind) {
    case Kind::kPlain: return "plain";
    case Kind::kRepeat: return "repeat";
    case Kind::kChanged: return "changed";
    case Kind::kUnknown: return "unknown type";
    case Kind::kInvalid: return "schema-broken";
    case Kind::kMalformed: return "malformed";
  }
  return "";  // unreachable while the switch is exhaustive
}

Generator::Template Generator::compile(std::string_view path, std::string_view text) {
  Template made;
  made.path = path;
  made.type = path.substr(0, path.find('/'));
  OrderedJson body = OrderedJson::parse(text);

  if (OrderedJson* type = find(body, {"messageData", "typeMessage"})) made.type_message = type->get<std::string>();
  if (OrderedJson* chat = find_chat(body)) {
    const auto whole = chat->get<std::string>();
    const std::size_t at = std::min(whole.find('@'), whole.size());
    const std::size_t device = std::min(whole.find(':'), at);
    made.of_a_chat = true;
    made.call = chat == find(body, {"from"});
    made.chat_device = whole.substr(device, at - device);
    made.chat_domain = whole.substr(at);
    replace_all(body, whole, mark("chat"));
    *find_chat(body) = mark("chat");
  }
  made.timed = !body.contains("idMessage") && body.contains("timestamp");
  body["typeWebhook"] = mark("type");
  body["instanceData"]["idInstance"] = mark("instance");
  if (body.contains("timestamp")) body["timestamp"] = mark("timestamp");
  if (body.contains("idMessage")) body["idMessage"] = mark("id");
  if (OrderedJson* said = find_text(body)) {
    made.text = said->dump();
    *said = mark("text");
  }

  const auto cut = [](const OrderedJson& json) {
    const std::array<std::pair<std::string, Slot>, 6> slots{{{OrderedJson(mark("type")).dump(), Slot::kType},
                                                             {OrderedJson(mark("instance")).dump(), Slot::kInstance},
                                                             {OrderedJson(mark("timestamp")).dump(), Slot::kTimestamp},
                                                             {OrderedJson(mark("id")).dump(), Slot::kIdMessage},
                                                             {OrderedJson(mark("chat")).dump(), Slot::kChat},
                                                             {OrderedJson(mark("text")).dump(), Slot::kText}}};
    // The token stands in front: it must survive where a malformed one is cut off.
    std::vector<Piece> pieces{{R"({"simulated":)", Slot::kToken}};
    std::string rest = "," + json.dump().substr(1);
    for (;;) {
      std::size_t first = std::string::npos;
      const std::pair<std::string, Slot>* which = nullptr;
      for (const auto& slot : slots) {
        const std::size_t at = rest.find(slot.first);
        if (at < first) first = at, which = &slot;
      }
      if (which == nullptr) break;
      pieces.push_back({rest.substr(0, first), which->second});
      rest.erase(0, first + which->first.size());
    }
    pieces.push_back({rest, Slot::kNone});
    return pieces;
  };
  made.plain = cut(body);
  // Something that every schema has a type for.
  if (body.contains("timestamp")) {
    body["timestamp"] = "yesterday";
  } else {
    body["quotaData"] = OrderedJson::array();
  }
  made.invalid = cut(body);
  return made;
}

bool Generator::is_named(const Template& from, std::string_view name) {
  return from.type == name || from.type_message == name || from.path.substr(0, from.path.size() - std::string_view(".json").size()) == name;
}

const std::vector<Generator::Template>& Generator::all_templates() {
  static const std::vector<Template> kAll = [] {
    std::vector<Template> all;
    for (const Sample& sample : samples()) all.push_back(compile(sample.path, sample.text));
    return all;
  }();
  return kAll;
}

tl::expected<Generator, std::string> Generator::make(const Options& options) {
  Generator made(options);
  std::vector<bool> used(options.types.size());
  std::uint64_t sum = 0;
  for (const Template& from : all_templates()) {
    std::uint64_t weight = options.types.empty() ? 1 : 0;
    for (std::size_t i = 0; i < options.types.size(); ++i) {
      if (!is_named(from, options.types[i].first)) continue;
      used[i] = true;
      weight = options.types[i].second;  // the last one that names it
    }
    if (weight == 0) continue;
    sum += weight;
    made.up_to_.push_back(sum);
    made.templates_.push_back(from);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) return tl::unexpected("no example is of the type \"" + options.types[i].first + '"');
  }
  if (sum == 0) return tl::unexpected(std::string("no example has a weight above 0"));
  return made;
}

Generator::Generator(const Options& options) : options_(options) {
  Random names(options.seed);
  run_ = static_cast<std::uint32_t>(names.next() >> 32);
  const std::uint64_t base = names.next();
  for (unsigned i = 0; i < std::max(options.instances, 1U); ++i) instances_.push_back({Random(Random(base + i).next())});
}

std::string Generator::chat_of(std::uint64_t id_instance, std::uint32_t chat) const {
  const std::uint64_t instance = id_instance - options_.first_instance;
  if (instance >= instances_.size() || chat >= instances_[instance].names.size()) return {};
  return instances_[instance].names[chat];
}

std::string Generator::id_message(const Token& token) {
  return fmt::format("{:08X}{:08X}{:04X}{:012X}", token.run, token.instance & 0xffff'ffffU, token.chat & 0xffffU, token.sequence);
}

Generator::Made Generator::next(unsigned instance, std::int64_t unix_seconds) {
  Instance& from = instances_.at(instance);
  Random& random = from.random;

  double share = static_cast<double>(random.next() >> 11) * 0x1.0p-53;
  const auto falls_to = [&](double wanted) {
    share -= wanted;
    return share < 0 && share + wanted >= 0;
  };
  Kind kind = Kind::kPlain;
  if (falls_to(options_.repeats)) kind = Kind::kRepeat;
  if (falls_to(options_.changed)) kind = Kind::kChanged;
  if (falls_to(options_.unknown)) kind = Kind::kUnknown;
  if (falls_to(options_.invalid)) kind = Kind::kInvalid;
  if (falls_to(options_.malformed)) kind = Kind::kMalformed;

  if (kind == Kind::kRepeat || kind == Kind::kChanged) {
    if (!from.last.empty()) {
      Recipe& before = from.last[random.below(from.last.size())];
      if (before.kind == Kind::kMalformed) kind = Kind::kRepeat;  // other bytes would be another one
      if (kind == Kind::kChanged) ++before.edition;
      return {before.token, kind, templates_[before.from].path, build(before)};
    }
    kind = Kind::kPlain;
  }

  Recipe recipe;
  recipe.kind = kind;
  const std::uint64_t drawn = random.below(up_to_.back());
  recipe.from = static_cast<std::size_t>(std::upper_bound(up_to_.begin(), up_to_.end(), drawn) - up_to_.begin());
  const Template& type = templates_[recipe.from];
  const std::uint64_t chat = random.below(std::max(options_.chats, 1U));
  std::string key;  // what keeps its order: without a device
  if (type.of_a_chat) {
    const std::string number = chat_number(type.chat_domain, chat);
    recipe.chat = number + type.chat_device + type.chat_domain;
    if (!type.call || kind != Kind::kUnknown) key = number + type.chat_domain;
  }
  const auto [found, fresh] = from.chats.try_emplace(key, Chat{static_cast<std::uint32_t>(from.names.size())});
  if (fresh) from.names.push_back(key);
  recipe.token = {run_, id_of(instance), found->second.number, found->second.sent++};
  recipe.timestamp = unix_seconds;
  if (type.timed) recipe.timestamp = from.last_timed = std::max(unix_seconds, from.last_timed + 1);
  if (kind == Kind::kUnknown) recipe.unknown = static_cast<unsigned>(random.below(kUnknownTypes));
  if (kind == Kind::kMalformed) {
    recipe.cut = random.next();
  } else {
    recipe.big = random.chance(options_.big);
    recipe.non_ascii = random.chance(options_.non_ascii);
  }
  if (options_.repeats > 0 || options_.changed > 0) {
    from.last.push_back(recipe);
    if (from.last.size() > kRememberedMax) from.last.pop_front();
  }
  return {recipe.token, kind, type.path, build(recipe)};
}

void Generator::append_text(std::string& body, const Recipe& recipe) const {
  const std::string_view text = recipe.non_ascii ? kOtherScripts : std::string_view("\"simulated\"");
  if (!recipe.big) {
    body += text;
    return;
  }
  // Whole repetitions: a text cut inside a character would be malformed.
  const std::string_view inner = text.substr(1, text.size() - 2);
  body += '"';
  for (std::size_t size = 0; size < options_.big_bytes; size += inner.size()) body += inner;
  body += '"';
}

std::string Generator::build(const Recipe& recipe) const {
  const Template& from = templates_[recipe.from];
  const bool other_text = recipe.big || recipe.non_ascii;
  std::string body;
  body.reserve(2048 + (recipe.big ? options_.big_bytes : 0));
  std::size_t token_end = 0;
  for (const Piece& piece : recipe.kind == Kind::kInvalid ? from.invalid : from.plain) {
    body += piece.text;
    switch (piece.slot) {
      case Slot::kNone: break;
      case Slot::kToken:
        body.append(1, '"').append(recipe.token.text()).append(1, '"');
        token_end = body.size();
        if (recipe.edition > 0) body.append(",\"edition\":").append(std::to_string(recipe.edition));
        if (other_text && from.text.empty()) append_text(body += ",\"simulatedText\":", recipe);
        break;
      case Slot::kType:
        body.append(1, '"');
        recipe.kind == Kind::kUnknown ? body.append("simulatedEvent").append(std::to_string(recipe.unknown)) : body.append(from.type);
        body.append(1, '"');
        break;
      case Slot::kInstance: body += std::to_string(recipe.token.instance); break;
      case Slot::kTimestamp: body += std::to_string(recipe.timestamp); break;
      case Slot::kIdMessage: body.append(1, '"').append(id_message(recipe.token)).append(1, '"'); break;
      case Slot::kChat: body.append(1, '"').append(recipe.chat).append(1, '"'); break;
      case Slot::kText:
        if (other_text) {
          append_text(body, recipe);
        } else {
          body += from.text;
        }
        break;
    }
  }
  // Without its last bracket it is no JSON, wherever it is cut.
  if (recipe.kind == Kind::kMalformed) body.resize(token_end + recipe.cut % (body.size() - token_end));
  return body;
}

}  // namespace hookfleet::simulate
