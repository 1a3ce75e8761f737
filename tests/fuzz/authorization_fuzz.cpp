// Any bytes as Authorization: what is admitted is exactly what names a configured token.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/check.hpp"
#include "ingress/accept/acceptor.hpp"

namespace {

using namespace hookfleet::accept;

Options options_with(std::string_view token) {
  Options options;
  options.tokens.emplace_back(std::string(token));
  return options;
}

Verdict judge(const Acceptor& acceptor, std::string_view authorization) {
  return acceptor.judge(
      {.method = "POST", .path = "/webhook", .peer = "192.0.2.1", .authorization = authorization, .forwarded_for = {}, .refused = {}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  const std::string_view token = token_of(header);

  // A part of the header, without control characters, without blanks around.
  HOOKFLEET_CHECK(token.empty() || header.find(token) != std::string_view::npos);
  HOOKFLEET_CHECK(std::none_of(token.begin(), token.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
  HOOKFLEET_CHECK(token.empty() || (token.front() != ' ' && token.back() != ' '));

  static const Acceptor fixed(options_with("secret"));
  HOOKFLEET_CHECK(judge(fixed, header).right_token == (token == "secret"));
  HOOKFLEET_CHECK(judge(fixed, header).refusal.has_value() == (token != "secret"));

  // Configured with the same words it is right in every form, but never for an empty one.
  const Acceptor own(options_with(header));
  HOOKFLEET_CHECK(judge(own, header).right_token == !token.empty());
  HOOKFLEET_CHECK(judge(own, "bEARER \t" + std::string(token)).right_token == !token.empty());
  HOOKFLEET_CHECK(!judge(own, "").right_token);
  return 0;
}
