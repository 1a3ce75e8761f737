#include "common/schema/explain.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace hookfleet::schema {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kTokenMax = 64;    // bytes of one step of a pointer
constexpr std::size_t kExcerptMax = 32;  // bytes of a value beside an enum or const
constexpr std::size_t kListedMax = 8;    // values of an enum that are listed

// --- Keywords

/// What a keyword's value has to be.
enum class Shape {
  kAnything,
  kText,
  kNumber,
  kSize,    // an integer, 0 or more
  kTypes,   // a type's name, or several
  kNames,   // texts
  kValues,  // an array that isn't empty
  kSchema,
  kSchemas,  // an array of schemas that isn't empty
  kItems,    // a schema, or an array of them
  kFields,   // an object of schemas
};

struct Keyword {
  std::string_view name;
  Shape shape;
};

// Not among them: `pattern` and `format`, whose std::regex recurses once a character and would end the process on a long text; `$ref`,
// since a file that stands alone can't lead in circles.
constexpr std::array kKeywords{
    Keyword{"$comment", Shape::kAnything},
    Keyword{"$id", Shape::kAnything},
    Keyword{"$schema", Shape::kAnything},
    Keyword{"additionalProperties", Shape::kSchema},
    Keyword{"allOf", Shape::kSchemas},
    Keyword{"anyOf", Shape::kSchemas},
    Keyword{"const", Shape::kAnything},
    Keyword{"default", Shape::kAnything},
    Keyword{"description", Shape::kText},
    Keyword{"else", Shape::kSchema},
    Keyword{"enum", Shape::kValues},
    Keyword{"examples", Shape::kAnything},
    Keyword{"exclusiveMaximum", Shape::kNumber},
    Keyword{"exclusiveMinimum", Shape::kNumber},
    Keyword{"if", Shape::kSchema},
    Keyword{"items", Shape::kItems},
    Keyword{"maxItems", Shape::kSize},
    Keyword{"maxLength", Shape::kSize},
    Keyword{"maxProperties", Shape::kSize},
    Keyword{"maximum", Shape::kNumber},
    Keyword{"minItems", Shape::kSize},
    Keyword{"minLength", Shape::kSize},
    Keyword{"minProperties", Shape::kSize},
    Keyword{"minimum", Shape::kNumber},
    Keyword{"not", Shape::kSchema},
    Keyword{"oneOf", Shape::kSchemas},
    Keyword{"properties", Shape::kFields},
    Keyword{"required", Shape::kNames},
    Keyword{"then", Shape::kSchema},
    Keyword{"title", Shape::kText},
    Keyword{"type", Shape::kTypes},
};

constexpr std::array<std::string_view, 7> kTypes{"array", "boolean", "integer", "null", "number", "object", "string"};

std::string listing(const auto& names) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += ", ";
    if constexpr (requires { name.name; }) {
      text += name.name;
    } else {
      text += name;
    }
  }
  return text;
}

std::string step(std::string_view token) {
  std::string escaped;
  for (const char c : token.substr(0, kTokenMax + 1)) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return "/" + printable(escaped, kTokenMax);
}

bool is_type(const Json& value) {
  return value.is_string() && std::find(kTypes.begin(), kTypes.end(), value.get_ref<const std::string&>()) != kTypes.end();
}

/// A NUL would end a name in valijson's hands.
bool is_name(std::string_view text) { return text.find('\0') == std::string_view::npos; }

class Flaws {
 public:
  std::vector<std::string> take() { return std::move(found_); }

  void look(const Json& schema, const std::string& at, std::size_t depth) {
    if (schema.is_boolean()) return;
    if (!schema.is_object()) return add(at, "a schema is an object, true or false");
    if (depth >= kNestingMax) return add(at, "nested deeper than " + std::to_string(kNestingMax));
    for (const auto& [key, value] : schema.items()) {
      const auto known = std::find_if(kKeywords.begin(), kKeywords.end(), [&, &name = key](const Keyword& k) { return k.name == name; });
      if (known == kKeywords.end()) {
        add(at + step(key), "this keyword is not known here; known are " + listing(kKeywords));
      } else {
        look_at(known->shape, value, at + step(key), depth);
      }
    }
  }

 private:
  void add(const std::string& at, const std::string& what) { found_.push_back((at.empty() ? "/" : at) + ": " + what); }

  void look_at(Shape shape, const Json& value, const std::string& at, std::size_t depth) {
    switch (shape) {
      case Shape::kAnything: return;
      case Shape::kText:
        if (!value.is_string()) add(at, "has to be a text");
        return;
      case Shape::kNumber:
        if (!value.is_number()) add(at, "has to be a number");
        return;
      case Shape::kSize:
        if (!value.is_number_unsigned()) add(at, "has to be an integer, 0 or more");
        return;
      case Shape::kTypes: {
        const bool several = value.is_array() && !value.empty() && std::all_of(value.begin(), value.end(), is_type);
        if (!several && !is_type(value)) add(at, "has to be a type or an array of types; types are " + listing(kTypes));
        return;
      }
      case Shape::kNames:
        if (!value.is_array() || !std::all_of(value.begin(), value.end(), [](const Json& name) {
              return name.is_string() && is_name(name.get_ref<const std::string&>());
            })) {
          add(at, "has to be an array of texts without NUL");
        }
        return;
      case Shape::kValues:
        if (!value.is_array() || value.empty()) add(at, "has to be an array of values, at least one");
        return;
      case Shape::kSchema: return look(value, at, depth + 1);
      case Shape::kItems:
        if (!value.is_array()) return look(value, at, depth + 1);
        for (std::size_t i = 0; i < value.size(); ++i) look(value[i], at + "/" + std::to_string(i), depth + 1);
        return;
      case Shape::kSchemas:
        if (!value.is_array() || value.empty()) return add(at, "has to be an array of schemas, at least one");
        for (std::size_t i = 0; i < value.size(); ++i) look(value[i], at + "/" + std::to_string(i), depth + 1);
        return;
      case Shape::kFields:
        if (!value.is_object()) return add(at, "has to be an object: name to schema");
        for (const auto& [name, field] : value.items()) {
          if (!is_name(name)) add(at + step(name), "a name has no NUL");
          look(field, at + step(name), depth + 1);
        }
        return;
    }
  }

  std::vector<std::string> found_;
};

// --- Words

std::string_view type_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::boolean: return "boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned: return "integer";
    case Json::value_t::number_float: return "number";
    case Json::value_t::string: return "string";
    case Json::value_t::array: return "array";
    case Json::value_t::object: return "object";
    case Json::value_t::binary:
    case Json::value_t::discarded: break;
  }
  return "";
}

bool has_type(const Json& value, std::string_view type) {
  const std::string_view is = type_of(value);
  return is == type || (type == "number" && is == "integer");
}

/// "string", "integer or null"
std::string types_text(const Json& types) {
  if (types.is_string()) return types.get<std::string>();
  std::string text;
  for (std::size_t i = 0; i < types.size(); ++i) {
    if (i > 0) text += i + 1 == types.size() ? " or " : ", ";
    text += types[i].get_ref<const std::string&>();
  }
  return text;
}

/// What may be told of a value that is held against constants: nothing of objects and arrays.
std::string excerpt(const Json& value) {
  if (value.is_structured()) return std::string(type_of(value));
  if (value.is_string()) return '"' + printable(value.get_ref<const std::string&>(), kExcerptMax) + '"';
  return printable(value.dump(), kExcerptMax);
}

std::string constants(const Json& values) {
  std::string text = values.size() == 1 ? "" : "one of ";
  for (std::size_t i = 0; i < values.size() && i < kListedMax; ++i) text += (i > 0 ? ", " : "") + excerpt(values[i]);
  if (values.size() > kListedMax) text += ", ...";
  return text;
}

/// As valijson counts: code points, up to a NUL.
std::uint64_t characters(const std::string& text) {
  std::uint64_t count = 0;
  for (const char c : text) {
    if (c == '\0') break;
    if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++count;
  }
  return count;
}

/// Strictly as valijson compares: 1 and 1.0 are not the same, true is not 1.
bool same(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a.is_number_float() == b.is_number_float() && a == b;
  if (a.type() != b.type()) return false;
  if (a.is_array()) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), same);
  }
  if (a.is_object()) {
    return a.size() == b.size() && std::all_of(a.items().begin(), a.items().end(), [&](const auto& item) {
             const auto other = b.find(item.key());
             return other != b.end() && same(item.value(), *other);
           });
  }
  return a == b;
}

// --- Judging

/// Walks value and schema side by side. `max` 0 asks for the verdict alone.
class Judge {
 public:
  explicit Judge(std::size_t max) : max_(max) {}

  std::vector<Problem> take() { return std::move(found_); }

  /// True when the value is valid.
  bool judge(const Json& schema, const Json& value, const std::string& at) {
    if (schema.is_boolean()) return schema.get<bool>() || wrong(at, "nothing", type_of(value));
    bool valid = true;
    const auto with = [&](const char* keyword, const auto& check) {
      if (done(valid)) return;
      if (const auto found = schema.find(keyword); found != schema.end()) valid = check(*found) && valid;
    };
    with("type", [&](const Json& types) {
      const bool is = types.is_string() ? has_type(value, types.get_ref<const std::string&>())
                                        : std::any_of(types.begin(), types.end(), [&](const Json& type) {
                                            return has_type(value, type.get_ref<const std::string&>());
                                          });
      return is || wrong(at, types_text(types), type_of(value));
    });
    if (!valid) return false;  // what else is wrong follows from that
    with("enum", [&](const Json& values) {
      return std::any_of(values.begin(), values.end(), [&](const Json& one) { return same(one, value); }) ||
             wrong(at, constants(values), excerpt(value));
    });
    with("const", [&](const Json& one) { return same(one, value) || wrong(at, excerpt(one), excerpt(value)); });
    if (value.is_object()) fields(schema, value, at, valid);
    if (value.is_array()) elements(schema, value, at, valid);
    if (value.is_string()) {
      const std::uint64_t length = characters(value.get_ref<const std::string&>());
      sized(schema, "minLength", "maxLength", length, "character", at, valid);
    }
    if (value.is_number()) {
      const double number = value.get<double>();
      const auto bound = [&](const char* keyword, const char* words, auto holds) {
        with(keyword, [&](const Json& limit) {
          return holds(number, limit.get<double>()) || wrong(at, std::string("a number ") + words + " " + limit.dump(), "another number");
        });
      };
      bound("minimum", "of at least", std::greater_equal<>());
      bound("maximum", "of at most", std::less_equal<>());
      bound("exclusiveMinimum", "above", std::greater<>());
      bound("exclusiveMaximum", "below", std::less<>());
    }
    with("allOf", [&](const Json& all) {
      bool good = true;
      for (const Json& one : all) {
        if (!done(good)) good = judge(one, value, at) && good;
      }
      return good;
    });
    with("anyOf", [&](const Json& any) {
      return std::any_of(any.begin(), any.end(), [&](const Json& one) { return holds(one, value); }) || alternatives(any, value, at);
    });
    with("oneOf", [&](const Json& any) {
      const auto good = std::count_if(any.begin(), any.end(), [&](const Json& one) { return holds(one, value); });
      if (good == 1) return true;
      return good == 0 ? alternatives(any, value, at) : wrong(at, "what only one of several forms allows", "what fits several");
    });
    with("not", [&](const Json& other) { return !holds(other, value) || wrong(at, "another form", type_of(value)); });
    with("if", [&](const Json& condition) {
      const auto branch = schema.find(holds(condition, value) ? "then" : "else");
      return branch == schema.end() || judge(*branch, value, at);
    });
    return valid;
  }

 private:
  static bool holds(const Json& schema, const Json& value) { return Judge(0).judge(schema, value, {}); }

  /// Nothing that follows can change what is asked for.
  bool done(bool valid) const { return max_ == 0 ? !valid : found_.size() >= max_; }

  bool wrong(const std::string& at, std::string expected, std::string_view found) {
    if (found_.size() < max_) {
      found_.push_back({at.empty() ? "/" : printable(at, Problem::kPointerMax), std::move(expected), std::string(found)});
    }
    return false;
  }

  void sized(const Json& schema, const char* least, const char* most, std::uint64_t size, const char* unit, const std::string& at,
             bool& valid) {
    const auto amount = [&](const Json& count) { return count.dump() + " " + unit + (count == 1 ? "" : "s"); };
    const auto check = [&](const char* keyword, const char* words, auto holds) {
      const auto limit = schema.find(keyword);
      if (done(valid) || limit == schema.end() || holds(size, limit->get<std::uint64_t>())) return;
      valid = wrong(at, words + amount(*limit), amount(Json(size)));
    };
    check(least, "at least ", std::greater_equal<>());
    check(most, "at most ", std::less_equal<>());
  }

  void fields(const Json& schema, const Json& value, const std::string& at, bool& valid) {
    static const Json kNone = Json::object();
    const auto properties = schema.find("properties");
    const Json& named = properties == schema.end() ? kNone : *properties;
    if (const auto required = schema.find("required"); required != schema.end()) {
      for (const Json& name : *required) {
        if (done(valid)) return;
        const auto& text = name.get_ref<const std::string&>();
        if (!value.contains(text)) valid = wrong(at + step(text), expected_of(named, text), "nothing");
      }
    }
    for (const auto& [name, field] : named.items()) {
      if (done(valid)) return;
      if (const auto found = value.find(name); found != value.end()) valid = judge(field, *found, at + step(name)) && valid;
    }
    if (const auto others = schema.find("additionalProperties"); others != schema.end()) {
      for (const auto& [name, field] : value.items()) {
        if (done(valid)) return;
        if (!named.contains(name)) valid = judge(*others, field, at + step(name)) && valid;
      }
    }
    sized(schema, "minProperties", "maxProperties", value.size(), "field", at, valid);
  }

  void elements(const Json& schema, const Json& value, const std::string& at, bool& valid) {
    if (const auto items = schema.find("items"); items != schema.end()) {
      for (std::size_t i = 0; i < value.size() && !done(valid); ++i) {
        if (items->is_array() && i >= items->size()) break;
        valid = judge(items->is_array() ? (*items)[i] : *items, value[i], at + "/" + std::to_string(i)) && valid;
      }
    }
    sized(schema, "minItems", "maxItems", value.size(), "element", at, valid);
  }

  /// What a field that is missing should have been.
  static std::string expected_of(const Json& named, const std::string& name) {
    const auto field = named.find(name);
    if (field == named.end() || !field->is_object() || !field->contains("type")) return "a value";
    return types_text((*field)["type"]);
  }

  /// None of them fits: tells what is wrong with the one that comes closest, which is wrong furthest inside; something of the wrong form is
  /// closer than nothing.
  bool alternatives(const Json& any, const Json& value, const std::string& at) {
    if (max_ == 0) return false;
    std::optional<Problem> best;
    std::string others;
    std::pair<std::ptrdiff_t, bool> best_rank;
    for (const Json& one : any) {
      Judge judge(1);
      judge.judge(one, value, at);
      if (judge.found_.empty()) continue;  // it fits after all: the Validator knows better
      Problem problem = std::move(judge.found_.front());
      const std::pair rank(std::count(problem.pointer.begin(), problem.pointer.end(), '/'), problem.found != "nothing");
      if (!best || rank > best_rank) {
        best = std::move(problem);
        best_rank = rank;
        others.clear();
      } else if (rank == best_rank && problem.pointer != best->pointer) {
        others += ", or " + problem.pointer;
      } else if (rank == best_rank) {
        others += " or " + problem.expected;
      }
    }
    if (!best) return false;
    best->expected += others;
    if (found_.size() < max_) found_.push_back(*std::move(best));
    return false;
  }

  const std::size_t max_;
  std::vector<Problem> found_;
};

// --- Fields that no schema names

/// The schema itself and what it applies to the same value.
void same_place(const Json& schema, std::vector<const Json*>& out) {
  if (!schema.is_object()) return;
  out.push_back(&schema);
  for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
    if (const auto several = schema.find(keyword); several != schema.end()) {
      for (const Json& one : *several) same_place(one, out);
    }
  }
  for (const char* keyword : {"if", "then", "else"}) {
    if (const auto one = schema.find(keyword); one != schema.end()) same_place(*one, out);
  }
}

}  // namespace

std::string Problem::text() const { return pointer + ": expected " + expected + ", found " + found; }

std::string printable(std::string_view text, std::size_t max) {
  constexpr std::string_view kCut = "...";
  std::string out;
  for (const char c : text) {
    std::array<char, 8> escaped{c};
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte > 0x7e) std::snprintf(escaped.data(), escaped.size(), "\\x%02X", byte);
    const std::string_view piece(escaped.data());
    if (out.size() + piece.size() > max) {
      out.resize(std::min(out.size(), max - std::min(max, kCut.size())));
      return out.append(kCut);
    }
    out.append(piece);
  }
  return out;
}

std::vector<std::string> flaws(const Json& schema) {
  Flaws flaws;
  flaws.look(schema, "", 0);
  return flaws.take();
}

std::vector<Problem> explain(const Json& schema, const Json& value, const std::string& pointer, std::size_t max) {
  Judge judge(max);
  judge.judge(schema, value, pointer);
  return judge.take();
}

void undeclared(std::span<const Json* const> schemas, const Json& value, const std::string& pointer, std::size_t max,
                std::vector<std::string>& out) {
  std::vector<const Json*> places;
  for (const Json* schema : schemas) same_place(*schema, places);
  std::vector<const Json*> below;
  if (value.is_array()) {
    for (const Json* place : places) {
      const auto items = place->find("items");
      if (items != place->end() && items->is_object()) below.push_back(&*items);
    }
    if (below.empty()) return;
    for (const Json& element : value) {
      if (out.size() >= max) return;
      undeclared(below, element, pointer + "/*", max, out);
    }
    return;
  }
  if (!value.is_object()) return;
  const auto any = [&](const char* keyword) {
    return std::any_of(places.begin(), places.end(), [&](const Json* place) { return place->contains(keyword); });
  };
  if (!any("properties") || any("additionalProperties")) return;
  for (const auto& [name, field] : value.items()) {
    if (out.size() >= max) return;
    below.clear();
    bool known = false;
    for (const Json* place : places) {
      const auto properties = place->find("properties");
      if (properties == place->end()) continue;
      const auto found = properties->find(name);
      if (found == properties->end()) continue;
      known = true;
      below.push_back(&*found);
    }
    const std::string at = pointer + step(name);
    if (known) {
      undeclared(below, field, at, max, out);
    } else if (std::find(out.begin(), out.end(), at) == out.end()) {
      out.push_back(at);
    }
  }
}

}  // namespace hookfleet::schema
