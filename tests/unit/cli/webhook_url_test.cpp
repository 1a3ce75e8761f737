#include "cli/webhook_url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hookfleet::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kInstance = 1'101'000'001;

TEST(WebhookUrl, WhatTheInternetReachesIsFine) {
  for (const char* url :
       {"https://fleet.example.com/webhook", "https://fleet.example.com:8443/webhook/", "https://8.8.8.8/webhook/1101000001",
        "https://[2a00:1450::1]/webhook", "https://local.example.com/webhook", "https://172.32.0.1/webhook"}) {
    const WebhookUrl judged = WebhookUrl::judge(url, kInstance);
    EXPECT_FALSE(judged.refused) << url << ": " << *judged.refused;
    EXPECT_THAT(judged.doubts, IsEmpty()) << url;
  }
}

TEST(WebhookUrl, WhatTheInternetCannotReachIsRefused) {
  for (const char* url : {"https://127.0.0.1/webhook",
                          "http://127.1:8080/webhook",
                          "https://localhost/webhook",
                          "https://LOCALHOST./webhook",
                          "https://x.localhost/webhook",
                          "https://10.1.2.3/webhook",
                          "https://172.16.0.1/webhook",
                          "https://172.31.255.9/webhook",
                          "https://192.168.1.1:8443/webhook",
                          "https://169.254.1.1/webhook",
                          "https://100.64.0.1/webhook",
                          "https://0.0.0.0/webhook",
                          "https://[::1]/webhook",
                          "https://[::]/webhook",
                          "https://[fd00::1]/webhook",
                          "https://[fe80::1]/webhook",
                          "https://[::ffff:10.0.0.1]/webhook",
                          "https://fleet/webhook",
                          "https://fleet.local/webhook",
                          "https://fleet.internal/webhook"}) {
    const WebhookUrl judged = WebhookUrl::judge(url, kInstance);
    ASSERT_TRUE(judged.refused) << url;
    EXPECT_THAT(*judged.refused, HasSubstr("can't be reached by GREEN-API")) << url;
  }
  EXPECT_TRUE(WebhookUrl::judge("fleet.example.com", kInstance).refused);
}

TEST(WebhookUrl, ClearTextAndAnotherPathAreDoubts) {
  EXPECT_THAT(WebhookUrl::judge("http://fleet.example.com/webhook", kInstance).doubts, ElementsAre(HasSubstr("in clear")));
  for (const char* path : {"", "/", "/hooks", "/webhooks", "/webhook/x", "/webhook/1/2"}) {
    EXPECT_THAT(WebhookUrl::judge(std::string("https://fleet.example.com") + path, kInstance).doubts,
                ElementsAre(HasSubstr("the fleet takes /webhook and /webhook/1101000001, and answers 404 to")))
        << path;
  }
  EXPECT_THAT(WebhookUrl::judge("https://fleet.example.com/webhook/7", kInstance).doubts,
              ElementsAre(HasSubstr("names instance 7, not 1101000001")));
}

}  // namespace
}  // namespace hookfleet::cli
