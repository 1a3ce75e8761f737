#include "common/schema/schemas.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "common/notification/envelope.hpp"
#include "common/notification/types.hpp"
#include "common/schema/explain.hpp"
#include "tests/support/samples.hpp"
#include "tests/support/temp_dir.hpp"

namespace hookfleet::schema {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const fs::path kFiles = fs::path(HOOKFLEET_SOURCE_DIR) / "common/schema/files";
const fs::path kSuite = "/usr/share/json-schema-test-suite/tests/draft7";

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const Schemas& shipped() {
  static const auto kShipped = Schemas::load("");
  EXPECT_TRUE(kShipped.has_value());
  return *kShipped;
}

/// As the worker does it: types as the envelope says.
std::vector<Problem> check(const Schemas& schemas, const std::string& body) {
  const auto envelope = notification::read_envelope(body);
  if (envelope.type_webhook.empty()) return Schemas::untyped(Json::parse(body));
  return schemas.check(envelope.type_webhook, envelope.type_message, Json::parse(body));
}
std::vector<Problem> check(const std::string& body) { return check(shipped(), body); }

std::vector<std::string> texts(const std::vector<Problem>& problems) {
  std::vector<std::string> out;
  for (const Problem& problem : problems) out.push_back(problem.text());
  return out;
}

Json text_message() { return Json::parse(support::sample("incomingMessageReceived/text.json").body); }

// --- The shipped schemas

TEST(ShippedSchemas, AreThereForEachDocumentedType) {
  for (const auto type : notification::type_webhook_names()) EXPECT_TRUE(shipped().knows(type)) << type;
  for (const auto type : notification::type_message_names()) EXPECT_TRUE(shipped().knows_message(type)) << type;
}

TEST(ShippedSchemas, AcceptEveryDocumentedBody) {
  const auto samples = support::samples();
  EXPECT_EQ(samples.size(), 107U);
  for (const auto& sample : samples) EXPECT_THAT(texts(check(sample.body)), IsEmpty()) << sample.path;
}

TEST(ShippedSchemas, NameEveryFieldOfTheDocumentedBodies) {
  for (const auto& sample : support::samples()) {
    const auto envelope = notification::read_envelope(sample.body);
    EXPECT_THAT(shipped().undeclared(envelope.type_webhook, envelope.type_message, Json::parse(sample.body)), IsEmpty()) << sample.path;
  }
}

TEST(ShippedSchemas, AcceptFieldsThatNobodyListed) {
  Json body = text_message();
  body["new"] = {1, "two"};
  body["senderData"]["new"] = nullptr;
  body["messageData"]["textMessageData"]["new"] = Json::object();
  EXPECT_THAT(check(body.dump()), IsEmpty());
}

TEST(ShippedSchemas, AcceptOptionalFieldsThatAreNullButNotOfAnotherType) {
  Json body = text_message();
  body["senderData"]["senderName"] = nullptr;
  EXPECT_THAT(check(body.dump()), IsEmpty());
  body["senderData"]["senderName"] = 5;
  EXPECT_THAT(texts(check(body.dump())), ElementsAre("/senderData/senderName: expected string or null, found integer"));
}

/// A place that a schema makes mandatory in a body.
struct Mandatory {
  Json::json_pointer at;
  Json schema;
};

/// All of them, by the schemas' `required` alone. Where one of several forms is mandatory, those of the form that the body has.
void mandatory(const Json& schema, const Json& body, const Json::json_pointer& at, std::vector<Mandatory>& out) {
  if (!schema.is_object()) return;
  const Json& value = body[at];
  const Json properties = schema.value("properties", Json::object());
  for (const Json& name : schema.value("required", Json::array())) out.push_back({at / name.get<std::string>(), properties.at(name)});
  if (value.is_object()) {
    for (const auto& [name, field] : properties.items()) {
      if (value.contains(name)) mandatory(field, body, at / name, out);
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) mandatory(schema["items"], body, at / i, out);
  }
  for (const Json& form : schema.value("anyOf", Json::array())) {
    if (explain(form, value, "", 1).empty()) mandatory(form, body, at, out);
  }
}

/// A value of a type that isn't allowed there.
Json other_type(const Json& schema) {
  const Json types = schema.at("type").is_array() ? schema["type"] : Json::array({schema["type"]});
  const auto allowed = [&](const char* type) { return std::find(types.begin(), types.end(), type) != types.end(); };
  if (!allowed("object")) return Json::object();
  return Json(5);
}

TEST(ShippedSchemas, NameEachMandatoryFieldThatIsMissingOrOfAnotherType) {
  std::size_t cases = 0;
  std::set<std::string> places;
  for (const auto& sample : support::samples()) {
    const Json body = Json::parse(sample.body);
    std::vector<Mandatory> all;
    mandatory(Json::parse(read_file(kFiles / (sample.type_webhook + ".json"))), body, Json::json_pointer(), all);
    if (const Json message = body.value("messageData", Json()); message.is_object()) {
      const std::string type = message.at("typeMessage");
      mandatory(Json::parse(read_file(kFiles / "message" / (type + ".json"))), body, Json::json_pointer("/messageData"), all);
    }
    EXPECT_GE(all.size(), 4U) << sample.path;
    for (const Mandatory& one : all) {
      const std::string pointer = one.at.to_string();
      places.insert(sample.type_webhook + " " + pointer);
      Json without = body;
      without[one.at.parent_pointer()].erase(one.at.back());
      Json retyped = body;
      retyped[one.at] = other_type(one.schema);
      for (const Json* broken : {&without, &retyped}) {
        const auto problems = check(broken->dump());
        ++cases;
        ASSERT_FALSE(problems.empty()) << sample.path << ": " << pointer << " in " << broken->dump();
        EXPECT_THAT(problems.front().text(), HasSubstr(pointer)) << sample.path;
        EXPECT_EQ(problems.front().found == "nothing", broken == &without) << sample.path << " " << problems.front().text();
      }
    }
  }
  EXPECT_GE(cases, 1000U);
  EXPECT_GE(places.size(), 100U);
}

TEST(ShippedSchemas, TellWhichOfSeveralFormsIsMissing) {
  Json body = Json::parse(support::sample("deviceInfo/device.json").body);
  body.erase("deviceData");
  EXPECT_THAT(texts(check(body.dump())), ElementsAre("/deviceData: expected object, or /avatarInfo, found nothing"));
  body["avatarInfo"] = nullptr;
  EXPECT_THAT(texts(check(body.dump())), ElementsAre("/avatarInfo: expected object, found null"));
  body = Json::parse(support::sample("incomingMessageReceived/sticker-telegram.json").body);
  body["messageData"]["stickerMessageData"].erase("downloadUrl");
  EXPECT_THAT(texts(check(body.dump())), ElementsAre("/messageData/stickerMessageData/downloadUrl: expected string, found nothing"));
}

TEST(ShippedSchemas, SayNothingOfATypeThatHasNone) {
  EXPECT_THAT(check(R"({"typeWebhook":"somethingNew"})"), IsEmpty());
  Json body = text_message();
  body["messageData"] = {{"typeMessage", "newMessage"}};
  EXPECT_THAT(check(body.dump()), IsEmpty());
}

TEST(ShippedSchemas, DemandATypeWebhook) {
  EXPECT_THAT(texts(check("{}")), ElementsAre("/typeWebhook: expected string, found nothing"));
  EXPECT_THAT(texts(check(R"({"typeWebhook":""})")), ElementsAre("/typeWebhook: expected at least 1 character, found 0 characters"));
  EXPECT_THAT(texts(check(R"({"typeWebhook":[]})")), ElementsAre("/typeWebhook: expected string, found array"));
}

TEST(ShippedSchemas, TellTheFirstProblemsOnly) {
  EXPECT_EQ(check(R"({"typeWebhook":"incomingMessageReceived"})").size(), Schemas::kProblemsMax);
}

TEST(ShippedSchemas, NeverQuoteWhatTheyFind) {
  Json body = text_message();
  body["senderData"]["chatId"] = {"secret-name"};
  body["messageData"]["typeMessage"] = 79001234567;
  for (const auto& text : texts(check(body.dump()))) {
    EXPECT_EQ(text.find("secret-name"), std::string::npos) << text;
    EXPECT_EQ(text.find("7900"), std::string::npos) << text;
  }
}

TEST(ShippedSchemas, FindFieldsThatNobodyListed) {
  Json body = Json::parse(support::sample("incomingMessageReceived/poll.json").body);
  body["fresh"] = 1;
  body["senderData"]["a/b"] = 1;
  for (auto& option : body["messageData"]["pollMessageData"]["options"]) option["colour"] = "red";
  const auto fields = shipped().undeclared("incomingMessageReceived", "pollMessage", body);
  EXPECT_THAT(fields, testing::UnorderedElementsAre("/fresh", "/senderData/a~1b", "/messageData/pollMessageData/options/*/colour"));
  EXPECT_THAT(shipped().undeclared("incomingMessageReceived", "newMessage", body),
              testing::UnorderedElementsAre("/fresh", "/senderData/a~1b"));
  EXPECT_THAT(shipped().undeclared("somethingNew", "", body), IsEmpty());
}

TEST(ShippedSchemas, BoundTheFieldsTheyFind) {
  Json body = text_message();
  for (int i = 0; i < 1000; ++i) body[std::string(5000, 'x') + "\n" + std::to_string(i)] = i;
  const auto fields = shipped().undeclared("incomingMessageReceived", "textMessage", body);
  EXPECT_LE(fields.size(), Schemas::kFieldsMax);
  for (const auto& field : fields) {
    EXPECT_LE(field.size(), 80U);
    EXPECT_EQ(field.find('\n'), std::string::npos);
  }
}

// --- The public test suite

struct Group {
  std::string name;
  Json schema, tests;
};

std::vector<Group> groups(const std::string& keyword) {
  std::vector<Group> out;
  const fs::path file = kSuite / (keyword + ".json");
  if (!fs::exists(file)) return out;
  for (const Json& group : Json::parse(read_file(file))) {
    out.push_back({keyword + ": " + group["description"].get<std::string>(), group["schema"], group["tests"]});
  }
  return out;
}

void keywords_of(const Json& schema, std::set<std::string>& out) {
  if (!schema.is_object()) return;
  for (const auto& [keyword, value] : schema.items()) {
    out.insert(keyword);
    if (keyword == "properties") {
      for (const Json& field : value) keywords_of(field, out);
    } else if (value.is_array()) {
      for (const Json& one : value) keywords_of(one, out);
    } else {
      keywords_of(value, out);
    }
  }
}

TEST(SchemaTestSuite, EveryKeywordOfTheShippedSchemasPasses) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "the package json-schema-test-suite is not installed";
  std::set<std::string> used;
  for (const auto& file : fs::recursive_directory_iterator(kFiles)) {
    if (file.is_regular_file()) keywords_of(Json::parse(read_file(file.path())), used);
  }
  for (const char* annotation : {"$schema", "title", "description"}) used.erase(annotation);
  used.insert("boolean_schema");  // `true` stands for a field that may be anything
  EXPECT_GE(used.size(), 6U);
  for (const std::string& keyword : used) {
    const auto all = groups(keyword);
    EXPECT_FALSE(all.empty()) << keyword << " has no tests";
    for (const Group& group : all) {
      const auto validator = Validator::compile(group.schema);
      ASSERT_TRUE(validator) << group.name << ": " << validator.error();
      for (const Json& test : group.tests) {
        EXPECT_EQ(validator->accepts(test["data"]), test["valid"].get<bool>()) << group.name << " / " << test["description"];
      }
    }
  }
}

TEST(SchemaTestSuite, WhatUsersMayWriteIsJudgedRightlyAndPutIntoWords) {
  if (!fs::exists(kSuite)) GTEST_SKIP() << "the package json-schema-test-suite is not installed";
  std::size_t tests = 0;
  for (const char* keyword : {"additionalProperties",
                              "allOf",
                              "anyOf",
                              "boolean_schema",
                              "const",
                              "default",
                              "enum",
                              "exclusiveMaximum",
                              "items",
                              "if-then-else",
                              "maxItems",
                              "maxLength",
                              "exclusiveMinimum",
                              "maxProperties",
                              "maximum",
                              "minItems",
                              "minProperties",
                              "minLength",
                              "minimum",
                              "not",
                              "oneOf",
                              "properties",
                              "required",
                              "type"}) {
    std::size_t usable = 0;
    for (const Group& group : groups(keyword)) {
      if (!flaws(group.schema).empty()) continue;  // with a keyword that we don't take
      ++usable;
      const auto validator = Validator::compile(group.schema);
      ASSERT_TRUE(validator) << group.name;
      for (const Json& test : group.tests) {
        ++tests;
        const bool valid = test["valid"];
        EXPECT_EQ(validator->accepts(test["data"]), valid) << group.name << " / " << test["description"];
        EXPECT_EQ(explain(group.schema, test["data"], "", 3).empty(), valid) << group.name << " / " << test["description"];
      }
    }
    EXPECT_GE(usable, 1U) << keyword;
  }
  EXPECT_GE(tests, 200U);
}

// --- Words

std::string first(const char* schema, const char* value) {
  const Json json = Json::parse(schema);
  EXPECT_THAT(flaws(json), IsEmpty()) << schema;
  const auto problems = explain(json, Json::parse(value), "", 1);
  return problems.empty() ? "" : problems.front().text();
}

TEST(Explain, NamesWhatWasExpectedAndFound) {
  const struct {
    const char *schema, *value, *text;
  } rows[] = {
      {R"({"type":["integer","null"]})", "1.0", "/: expected integer or null, found number"},
      {R"({"enum":["a","b",3]})", R"("c\n\u0000é")", R"(/: expected one of "a", "b", 3, found "c\x0A\x00\xC3\xA9")"},
      {R"({"const":7})", R"({"secret":1})", "/: expected 7, found object"},
      {R"({"required":["a~b/c"]})", "{}", "/a~0b~1c: expected a value, found nothing"},
      {R"({"properties":{"a":{"items":{"type":"string"}}}})", R"({"a":["x",1]})", "/a/1: expected string, found integer"},
      {R"({"additionalProperties":{"type":"string"}})", R"({"b":1})", "/b: expected string, found integer"},
      {R"({"additionalProperties":false})", R"({"b":1})", "/b: expected nothing, found integer"},
      {R"({"minLength":2})", R"("a")", "/: expected at least 2 characters, found 1 character"},
      {R"({"maxItems":1})", "[1,2,3]", "/: expected at most 1 element, found 3 elements"},
      {R"({"minProperties":1})", "{}", "/: expected at least 1 field, found 0 fields"},
      {R"({"exclusiveMinimum":0})", "0", "/: expected a number above 0, found another number"},
      {R"({"not":{"type":"string"}})", R"("a")", "/: expected another form, found string"},
      {R"({"oneOf":[{"type":"integer"},{"minimum":2}]})", "3",
       "/: expected what only one of several forms allows, found what fits several"},
      {R"({"anyOf":[{"type":"string"},{"type":"boolean"}]})", "3", "/: expected string or boolean, found integer"},
      {R"({"if":{"type":"object"},"then":{"required":["a"]},"else":{"type":"array"}})", "3", "/: expected array, found integer"},
  };
  for (const auto& [schema, value, text] : rows) EXPECT_EQ(first(schema, value), text);
}

TEST(Explain, CutsWhatComesFromOutside) {
  const Json value = {{std::string(5000, 'k') + "\r\n", std::string(5000, 'v')}};
  const auto problems = explain(Json::parse(R"({"additionalProperties":{"enum":["a"]}})"), value, "", 1);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_LE(problems[0].pointer.size(), 80U);
  EXPECT_LE(problems[0].found.size(), 40U);
  EXPECT_THAT(problems[0].found, HasSubstr("..."));
}

TEST(Printable, LeavesNothingThatActsOnATerminalOrAHeader) {
  EXPECT_EQ(printable(std::string_view("a\0b\x1b[1m\r\n\xff\\", 11), 100), R"(a\x00b\x1B[1m\x0D\x0A\xFF\)");
  EXPECT_EQ(printable("abcdefgh", 6), "abc...");
  EXPECT_EQ(printable("abcdef", 6), "abcdef");
}

// --- Loading

class SchemaDirectory : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    const fs::path path = fs::path(directory / name);
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::vector<std::string> problems() {
    const auto loaded = Schemas::load(directory / "");
    return loaded ? std::vector<std::string>() : loaded.error();
  }
  support::TempDir directory;
};

TEST_F(SchemaDirectory, AddsAndReplaces) {
  write("somethingNew.json", R"({"required":["x"]})");
  write("deviceInfo.json", R"({"required":["ours"]})");
  write("message/newMessage.json", R"({"required":["newMessageData"]})");
  write("README.md", "not looked at");
  write(".hidden/x.json", "not looked at");
  const auto schemas = Schemas::load(directory / "");
  ASSERT_TRUE(schemas) << schemas.error().front();
  EXPECT_THAT(texts(check(*schemas, R"({"typeWebhook":"somethingNew"})")), ElementsAre("/x: expected a value, found nothing"));
  EXPECT_THAT(texts(check(*schemas, R"({"typeWebhook":"deviceInfo"})")), ElementsAre("/ours: expected a value, found nothing"));
  Json body = text_message();
  body["messageData"] = {{"typeMessage", "newMessage"}};
  EXPECT_THAT(texts(check(*schemas, body.dump())), ElementsAre("/messageData/newMessageData: expected a value, found nothing"));
  EXPECT_THAT(check(*schemas, text_message().dump()), IsEmpty());
}

TEST_F(SchemaDirectory, IsRefusedWithAllProblemsByFileAndPointer) {
  write("a.json", "{\"type\":");
  write("b.json", R"({"properties":{"x":{"pattern":"^a"}},"requird":["x"]})");
  write("message/c.json", R"({"type":"text","required":[1],"minLength":-1,"enum":[],"properties":{"\u0000":{}},"anyOf":[]})");
  write("messages/d.json", "{}");
  const auto found = problems();
  const auto has = [&](const std::string& file, const std::string& text) {
    EXPECT_THAT(found, testing::Contains(testing::AllOf(HasSubstr(file), HasSubstr(text))));
  };
  has("a.json", "no JSON");
  has("b.json", "/properties/x/pattern: this keyword is not known here; known are $comment");
  has("b.json", "/requird: ");
  has("message/c.json", "/type: has to be a type");
  has("message/c.json", "/required: ");
  has("message/c.json", "/minLength: ");
  has("message/c.json", "/enum: ");
  has("message/c.json", "/properties/\\x00: ");
  has("message/c.json", "/anyOf: ");
  has("messages", "only files");
  EXPECT_EQ(found.size(), 10U) << testing::PrintToString(found);
}

TEST_F(SchemaDirectory, HasLimits) {
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"not":)";
  deep += "true" + std::string(100'000, '}');
  write("deep.json", deep);
  write("large.json", std::string(Schemas::kFileBytesMax + 1, ' '));
  EXPECT_THAT(problems(), testing::UnorderedElementsAre(HasSubstr("nested deeper than 64"), HasSubstr("larger than")));
}

TEST_F(SchemaDirectory, HasToBeThere) { EXPECT_THAT(Schemas::load(directory / "missing").error(), ElementsAre(HasSubstr("No such file"))); }

}  // namespace
}  // namespace hookfleet::schema
