// Any bytes as an answer of GREEN-API: no decoder fails otherwise than by saying so, what is received stands in the answer as it came, and
// answers that a JSON parser understands are understood alike.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "common/base/check.hpp"
#include "common/greenapi/answer.hpp"
#include "common/notification/envelope.hpp"

namespace {

using namespace hookfleet;

void check_received(const web::Result& result, std::string_view bytes) {
  const auto received = greenapi::decode_received(result);
  if (!received || !*received) return;
  const std::string& body = (*received)->body;
  HOOKFLEET_CHECK(!body.empty() && bytes.find(body) != std::string_view::npos);
  notification::read_envelope(body);
  // Where the whole is JSON, and our two keys aren't there a second time in other spelling, the member is what a parser finds.
  const auto whole = nlohmann::json::parse(bytes, nullptr, false);
  const auto part = nlohmann::json::parse(body, nullptr, false);
  if (whole.is_discarded() || bytes.find("\\u") != std::string_view::npos) return;
  HOOKFLEET_CHECK(whole.is_object() && whole.contains("body") && whole["body"] == part);
  HOOKFLEET_CHECK(whole["receiptId"] == (*received)->receipt_id);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  check_received(web::Answer{.status = 200, .headers = {}, .body = bytes, .cut = false}, bytes);
  for (const int status : {200, 400, 403, 466, 502}) {
    const web::Result result = web::Answer{.status = status, .headers = {{"retry-after", bytes}}, .body = bytes, .cut = false};
    const auto failed = greenapi::decode_settings(result);
    HOOKFLEET_CHECK(failed || (failed.error().message.size() < 512 && failed.error().status == status));
    HOOKFLEET_CHECK(status == 200 || !greenapi::decode_received(result));
    HOOKFLEET_CHECK(status == 200 || !greenapi::decode_removed(result));
    HOOKFLEET_CHECK(status == 200 || !greenapi::decode_count(result));
    HOOKFLEET_CHECK(status == 200 || !greenapi::decode_state(result));
    HOOKFLEET_CHECK(status == 200 || !greenapi::decode_set(result));
  }
  return 0;
}
