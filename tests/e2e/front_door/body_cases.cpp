// Who may, and what the body holds.
#include "tests/e2e/front_door/cases.hpp"

namespace hookfleet::front_door {

using namespace support::front_door;

namespace {

std::string repeated(const std::string& text, std::size_t times) {
  std::string all;
  all.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

Group authorization() {
  const auto with = [](const std::string& lines) { return request("POST /webhook HTTP/1.1", kHost + lines, kBody); };
  const auto value = [&](const std::string& text) { return with("Authorization: " + text + "\r\n"); };
  const std::string t = kToken;
  return {
      "authorization",
      {
          sent("Bearer", value("Bearer " + t)).stores(),
          sent("bearer", value("bearer " + t)).stores(),
          sent("BEARER", value("BEARER " + t)).stores(),
          sent("Basic, undecoded", value("Basic " + t)).stores(),
          sent("bAsIc, undecoded", value("bAsIc " + t)).stores(),
          sent("the token alone", value(t)).stores(),
          sent("two blanks behind the scheme", value("Bearer  " + t)).stores(),
          sent("a tab behind the scheme", value("Bearer\t" + t)).stores(),
          sent("blanks around it all", value("   Bearer " + t + "   ")).stores(),
          sent("no blank behind the colon", with("Authorization:Bearer " + t + "\r\n")).stores(),
          sent("the header in capitals", with("AUTHORIZATION: Bearer " + t + "\r\n")).stores(),
          sent("the header in small letters", with("authorization: Bearer " + t + "\r\n")).stores(),
          sent("no header", with("")).gets({401}),
          sent("an empty header", value("")).gets({401}),
          sent("the scheme alone", value("Bearer")).gets({401}),
          sent("the scheme and a blank", value("Bearer ")).gets({401}),
          sent("a wrong token", value("Bearer wrong")).gets({401}),
          sent("a beginning of the token", value("Bearer " + t.substr(0, t.size() - 1))).gets({401}),
          sent("the token and a letter", value("Bearer " + t + "x")).gets({401}),
          sent("a letter and the token", value("Bearer x" + t)).gets({401}),
          sent("the token in capitals", value("Bearer E2E-TOKEN")).gets({401}),
          sent("the scheme twice", value("Bearer Bearer " + t)).gets({401}),
          sent("Bearer and Basic", value("Bearer Basic " + t)).gets({401}),
          sent("an unknown scheme", value("Token " + t)).gets({401}),
          sent("Digest", value("Digest username=\"" + t + "\"")).gets({401}),
          sent("no blank behind the scheme", value("Bearer" + t)).gets({401}),
          sent("a colon behind the scheme", value("Bearer: " + t)).gets({401}),
          sent("an equals sign behind the scheme", value("Bearer=" + t)).gets({401}),
          sent("the token in quotes", value("Bearer \"" + t + "\"")).gets({401}),
          sent("the token in angle brackets", value("Bearer <" + t + ">")).gets({401}),
          sent("Basic, encoded", value("Basic ZTJlLXRva2Vu")).gets({401}),
          sent("two tokens by a comma", value("Bearer wrong, Bearer " + t)).gets({401}),
          sent("two tokens by a blank", value("Bearer " + t + " " + t)).gets({401}),
          sent("two headers, the first right", with("Authorization: Bearer " + t + "\r\nAuthorization: Bearer wrong\r\n"))
              .gets({400})
              .directly_stores(),
          sent("two headers, the second right", with("Authorization: Bearer wrong\r\nAuthorization: Bearer " + t + "\r\n"))
              .gets({400})
              .directly_gets({401}),
          sent("a zero byte behind the token", value(std::string("Bearer ") + t + std::string("\0", 1))).gets({400}).directly_gets({401}),
          sent("a zero byte and more", value(std::string("Bearer ") + t + std::string("\0x", 2))).gets({400}).directly_gets({401}),
          sent("a bell behind the token", value("Bearer " + t + "\a")).gets({401}),
          sent("a delete character behind the token", value("Bearer " + t + "\x7f")).gets({401}),
          sent("a no-break space behind the scheme", value("Bearer\xc2\xa0" + t)).gets({401}),
          sent("a zero-width space in the token", value("Bearer e2e\xe2\x80\x8b-token")).gets({401}),
          sent("a Cyrillic letter in the token", value("Bearer e2\xd0\xb5-token")).gets({401}),
          sent("the token percent-encoded", value("Bearer e2e%2dtoken")).gets({401}),
          sent("a token of 8,000 bytes", value("Bearer " + std::string(8000, 't'))).gets({401}),
          sent("a token of 100,000 bytes", value("Bearer " + std::string(100'000, 't'))).gets({400}).directly_gets({401}),
          sent("a wildcard", value("Bearer *")).gets({401}),
          sent("SQL", value("Bearer ' OR '1'='1")).gets({401}),
          sent("in X-Authorization", with("X-Authorization: Bearer " + t + "\r\n")).gets({401}),
          sent("in Proxy-Authorization", with("Proxy-Authorization: Bearer " + t + "\r\n")).gets({401}),
          sent("in a cookie", with("Cookie: Authorization=" + t + "; token=" + t + "\r\n")).gets({401}),
          sent("in the query", request("POST /webhook?token=" + t + "&access_token=" + t + " HTTP/1.1", kHost, kBody)).gets({401}),
          sent("as user of the target", request("POST http://" + t + "@door/webhook HTTP/1.1", kHost, kBody))
              .gets({400, 401})
              .directly_gets({404}),
          sent("in the body", request("POST /webhook HTTP/1.1", kHost, R"({"token":")" + t + R"("})")).gets({401}),
          sent("a folded header", with("Authorization: Bearer\r\n " + t + "\r\n")).gets({400}).directly_gets({401}),
          sent("a wrong token and a body that is no JSON", request("POST /webhook HTTP/1.1", kHost + "Authorization: x\r\n", "{"))
              .gets({401}),
          sent("no token for an unknown path", request("POST /nothing HTTP/1.1", kHost, kBody)).gets({404}),
          sent("no token for another method", request("PUT /webhook HTTP/1.1", kHost, kBody)).gets({405}),
      }};
}

Group encodings() {
  const auto with = [](const std::string& lines, const std::string& body) { return post(body, lines); };
  const std::string gzip("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00", 22);
  const std::string utf16("\xff\xfe{\0}\0", 6);
  const std::string all_bytes = [] {
    std::string bytes;
    for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
    return bytes;
  }();
  std::vector<Case> cases{
      sent("gzip as Content-Encoding", with("Content-Encoding: gzip\r\n", gzip)).stores(gzip),
      sent("gzip that isn't said", with("", gzip)).stores(gzip),
      sent("Content-Encoding without such a body", with("Content-Encoding: br\r\n", kBody)).stores(),
      sent("an unknown Content-Encoding", with("Content-Encoding: what\r\n", kBody)).stores(),
      sent("many Content-Encodings", with("Content-Encoding: gzip, gzip, gzip, br, identity\r\n", gzip)).stores(gzip),
      sent("a gzip bomb's beginning", with("Content-Encoding: gzip\r\n", gzip + std::string(10'000, '\0')))
          .stores(gzip + std::string(10'000, '\0')),
      sent("Accept-Encoding of all", with("Accept-Encoding: gzip, br, *;q=0\r\n", kBody)).stores(),
      sent("a form", with("Content-Type: application/x-www-form-urlencoded\r\n", "a=b&c=d")).stores("a=b&c=d"),
      sent("XML with an entity", with("Content-Type: text/xml\r\n", "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"))
          .stores("<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>"),
      sent("a byte order mark", post("\xef\xbb\xbf" + kBody)).stores("\xef\xbb\xbf" + kBody),
      sent("UTF-16", post(utf16)).stores(utf16),
      sent("every byte value", post(all_bytes)).stores(all_bytes),
      sent("CRLFs only", post("\r\n\r\n\r\n")).stores("\r\n\r\n\r\n"),
      sent("a zero byte", post(std::string(1, '\0'))).stores(std::string(1, '\0')),
      sent("zero bytes", post(std::string(5000, '\0'))).stores(std::string(5000, '\0')),
  };
  struct Text {
    std::string name, text;
  };
  for (const Text& one :
       std::vector<Text>{{"overlong UTF-8", "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf"},
                         {"half a surrogate pair in UTF-8", "\xed\xa0\x80"},
                         {"beyond the last code point", "\xf4\x90\x80\x80\xf8\x88\x80\x80\x80"},
                         {"a cut UTF-8 sequence", "\xf0\x9f\x98"},
                         {"continuation bytes alone", "\x80\xbf\x80"},
                         {"right-to-left override and zero-width characters",
                          "\xe2\x80\xae"
                          "abc\xe2\x80\x8b\xef\xbb\xbf"},
                         {"line separators", "\xe2\x80\xa8\xe2\x80\xa9\xc2\x85"},
                         {"escape sequences of terminals", R"(\u001b[2J\u001b]0;x\u0007)"},
                         {"emoji of many code points", "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7"}}) {
    const std::string body = R"({"typeWebhook":")" + one.text + R"(","senderData":{"senderName":")" + one.text + R"("}})";
    cases.push_back(sent("a text of " + one.name, post(body)).stores(body));
  }
  return {"encodings", std::move(cases)};
}

Group json_bodies() {
  struct Body {
    std::string name, body;
  };
  const std::string head = R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":7},)";
  std::vector<Body> bodies{
      {"nothing", ""},
      {"a blank", " "},
      {"null", "null"},
      {"a number", "1"},
      {"a text", "\"text\""},
      {"an array", "[]"},
      {"an empty object", "{}"},
      {"an object cut off", "{\"typeWebhook\":\"frontDoor\""},
      {"a text cut off", "{\"typeWebhook\":\"front"},
      {"an escape cut off", "{\"typeWebhook\":\"\\u12"},
      {"half a surrogate pair", head + R"("x":"\ud83d"})"},
      {"a wrong surrogate pair", head + R"("x":"\udc00\ud800"})"},
      {"an escaped zero byte", head + R"("x":"\u0000"})"},
      {"a raw control character", head + "\"x\":\"\x01\"}"},
      {"a raw line end in a text", head + "\"x\":\"a\nb\"}"},
      {"an unknown escape", head + R"("x":"\x41"})"},
      {"single quotes", "{'typeWebhook':'frontDoor'}"},
      {"a name without quotes", "{typeWebhook:\"frontDoor\"}"},
      {"a comma too much", head + R"("x":1,})"},
      {"a comment", head + R"("x":1/* comment */})"},
      {"two documents", kBody + kBody},
      {"garbage behind the document", kBody + "garbage"},
      {"NaN", head + R"("x":NaN})"},
      {"Infinity", head + R"("x":-Infinity})"},
      {"a leading zero", head + R"("x":0123})"},
      {"a number of 10,000 digits", head + "\"x\":" + std::string(10'000, '9') + "}"},
      {"an exponent of a million", head + R"("x":1e1000000})"},
      {"a small number of a million", head + R"("x":1e-1000000})"},
      {"10,000 digits behind the point", head + "\"x\":0." + std::string(10'000, '1') + "}"},
      {"an instance beyond 64 bits", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":18446744073709551616}})"},
      {"a negative instance", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":-1}})"},
      {"an instance that is a fraction", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":7.5}})"},
      {"an instance that is a text", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":"7"}})"},
      {"an instance that is an object", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":{"a":[]}}})"},
      {"instanceData that is an array", R"({"typeWebhook":"frontDoor","instanceData":[7]})"},
      {"a type that is a number", R"({"typeWebhook":1,"instanceData":{"idInstance":7}})"},
      {"a type of 100,000 bytes", "{\"typeWebhook\":\"" + std::string(100'000, 't') + "\"}"},
      {"a type that forges a Redis command", R"({"typeWebhook":"x\r\n*1\r\n$8\r\nFLUSHALL\r\n","instanceData":{"idInstance":7}})"},
      {"a type that forges a log line", R"({"typeWebhook":"x\",\"level\":\"ERROR\",\"y\":\"\n","instanceData":{"idInstance":7}})"},
      {"a type of formats", R"({"typeWebhook":"%s%n%x{}{0}","instanceData":{"idInstance":7}})"},
      {"the type twice", R"({"typeWebhook":"frontDoor","typeWebhook":"other","instanceData":{"idInstance":7}})"},
      {"the instance twice", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":7,"idInstance":8}})"},
      {"instanceData twice", R"({"typeWebhook":"frontDoor","instanceData":{"idInstance":7},"instanceData":{"idInstance":8}})"},
      {"the type by an escaped name", R"({"\u0074ypeWebhook":"frontDoor","typeWebhook":"other"})"},
      {"a chat of 100,000 bytes", head + R"("senderData":{"chatId":")" + std::string(100'000, '7') + "\"}}"},
      {"a chat that is no text", head + R"("senderData":{"chatId":[1]}})"},
      {"__proto__", head + R"("__proto__":{"admin":true},"constructor":{"prototype":{}}})"},
      {"an empty name", head + R"("":{"":""}})"},
      {"a name of a megabyte", head + "\"" + std::string(1U << 20, 'n') + "\":1}"},
      {"a text of a megabyte of escapes", head + "\"x\":\"" + repeated("\\u0041", 175'000) + "\"}"},
      {"a megabyte of quotes", repeated("\"", 1U << 20)},
      {"a megabyte of backslashes", head + "\"x\":\"" + repeated("\\", 1U << 20)},
      {"a megabyte of blanks", kBody + std::string(1U << 20, ' ')},
      {"64 arrays in each other", head + "\"x\":" + repeated("[", 62) + repeated("]", 62) + "}"},
      {"100,000 open arrays", repeated("[", 100'000)},
      {"100,000 arrays in each other", repeated("[", 100'000) + repeated("]", 100'000)},
      {"100,000 open objects", repeated("{\"a\":", 100'000)},
      {"100,000 objects in each other", repeated("{\"a\":", 100'000) + "1" + repeated("}", 100'000)},
      {"two million open arrays", repeated("[", 2'000'000)},
      {"arrays and objects in turn", repeated("[{\"a\":", 50'000)},
      {"20,000 names", head + "\"x\":{" +
                           [] {
                             std::string names;
                             for (int i = 0; i < 20'000; ++i) names += "\"k" + std::to_string(i) + "\":1,";
                             return names;
                           }() +
                           "\"z\":1}}"},
      {"200,000 equal names", head + "\"x\":{" + repeated("\"k\":1,", 200'000) + "\"z\":1}}"},
      {"an array of 500,000 numbers", head + "\"x\":[" + repeated("1,", 500'000) + "1]}"},
      {"500,000 empty arrays", head + "\"x\":[" + repeated("[],", 300'000) + "[]]}"},
      {"500,000 commas", repeated(",", 500'000)},
      {"an address to fetch", head + R"("downloadUrl":"http://127.0.0.1:1/","x":"http://169.254.169.254/latest/meta-data/"})"},
  };
  std::vector<Case> cases;
  for (const Body& one : bodies) cases.push_back(sent(one.name, post(one.body)).stores(one.body));
  cases.push_back(sent("another instance than the path's: the body counts", post(kBody, {}, "/webhook/8")).stores());
  return {"json_bodies", std::move(cases)};
}

}  // namespace hookfleet::front_door
