#include "cli/simulate/fake_api.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <poll.h>
#include <unistd.h>

#include <future>
#include <thread>

#include <nlohmann/json.hpp>

#include "common/base/descriptor.hpp"
#include "tests/support/http.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::simulate {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using support::HttpClient;
using support::Response;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t kId = 1101000001;
const std::string kPrefix = "/waInstance1101000001/";

class FakeApiTest : public testing::Test {
 protected:
  static FakeApi::Options options() {
    FakeApi::Options options;
    options.second = 20ms;
    return options;
  }
  // One instance with token "secret".
  void start(const FakeApi::Options& options, FakeApi::WebhookHook hook = nullptr) {
    api_ = std::make_unique<FakeApi>(options, std::move(hook));
    api_->add_instance({kId, "secret"});
    client_ = std::make_unique<HttpClient>(api_->port(), 10s);
  }
  void start() { start(options()); }

  Response ask(std::string_view method, const std::string& target, std::string_view body = {}) {
    return client_->request(method, target, {}, body).value_or(Response{});
  }
  Response receive(const std::string& query = "") { return ask("GET", kPrefix + "receiveNotification/secret" + query); }
  Response remove(std::int64_t receipt) { return ask("DELETE", kPrefix + "deleteNotification/secret/" + std::to_string(receipt)); }
  Response set(const std::string& settings) { return ask("POST", kPrefix + "setSettings/secret", settings); }

  std::unique_ptr<FakeApi> api_;
  std::unique_ptr<HttpClient> client_;
};

std::string delivered(std::int64_t receipt, const std::string& body) {
  return R"({"receiptId":)" + std::to_string(receipt) + R"(,"body":)" + body + "}";
}

TEST_F(FakeApiTest, GivesTheSameNotificationUntilItIsDeletedThenTheNext) {
  start();
  const std::string first = R"({ "a" : 1.0,"ä":"\u00e4" })";
  const auto one = api_->enqueue(kId, first);
  const auto two = api_->enqueue(kId, "{}");
  EXPECT_EQ(receive().body, delivered(one, first));
  EXPECT_EQ(receive().body, delivered(one, first));
  EXPECT_EQ(json::parse(remove(one).body)["result"], true);
  EXPECT_EQ(json::parse(remove(one).body)["result"], false);
  EXPECT_EQ(receive().body, delivered(two, "{}"));
  const FakeApi::Record record = api_->record(kId);
  EXPECT_THAT(record.received, ElementsAre(one, one, two));
  ASSERT_EQ(record.deleted.size(), 1U);
  EXPECT_EQ(record.deleted[0].body, first);
  EXPECT_EQ(record.enqueued, 2U);
  EXPECT_EQ(record.waiting, 1U);
  EXPECT_EQ(record.receives_at_once_max, 1U);
}

TEST_F(FakeApiTest, SaysNullWhenNothingComesInTime) {
  start();
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(receive("?receiveTimeout=10").body, "null");
  EXPECT_GE(std::chrono::steady_clock::now() - before, 10 * 20ms);
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == 0; }));
}

TEST_F(FakeApiTest, AnswersWhoWaitsAsSoonAsSomethingComes) {
  FakeApi::Options slow;  // 60 s are 60 s
  start(slow);
  auto answer = std::async(std::launch::async, [&] { return receive("?receiveTimeout=60"); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == 1; }));
  const auto receipt = api_->enqueue(kId, "{}");
  EXPECT_EQ(answer.get().body, delivered(receipt, "{}"));
}

TEST_F(FakeApiTest, CountsReceivesAtTheSameTime) {
  start(FakeApi::Options{});
  HttpClient second(api_->port(), 10s);
  auto one = std::async(std::launch::async, [&] { return receive("?receiveTimeout=60"); });
  auto two = std::async(std::launch::async, [&] { return second.get(kPrefix + "receiveNotification/secret?receiveTimeout=60"); });
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == 2; }));
  const auto receipt = api_->enqueue(kId, "{}");
  EXPECT_EQ(one.get().body, delivered(receipt, "{}"));
  EXPECT_EQ(two.get()->body, delivered(receipt, "{}"));
  EXPECT_EQ(api_->record(kId).receives_at_once_max, 2U);
}

TEST_F(FakeApiTest, ForgetsAReceiverWhoseConnectionEnds) {
  start(FakeApi::Options{});
  {
    const base::Descriptor socket(support::connect_to(api_->port()));
    const std::string request = "GET " + kPrefix + "receiveNotification/secret?receiveTimeout=60 HTTP/1.1\r\n\r\n";
    ASSERT_EQ(::write(socket.get(), request.data(), request.size()), static_cast<ssize_t>(request.size()));
    ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == 1; }));
  }
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == 0; }));
  const auto receipt = api_->enqueue(kId, "{}");
  EXPECT_EQ(receive().body, delivered(receipt, "{}"));
  EXPECT_EQ(api_->record(kId).receives_at_once_max, 1U);
}

TEST_F(FakeApiTest, RefusesAsTheServiceDoes) {
  start();
  api_->enqueue(kId, "{}");
  const struct {
    const char* label;
    const char* method;
    const char* target;
    int status;
  } kRows[] = {
      {"wrong token", "GET", "/waInstance1101000001/receiveNotification/other", 401},
      {"no token", "GET", "/waInstance1101000001/receiveNotification", 401},
      {"wrong instance", "GET", "/waInstance1101000002/receiveNotification/secret", 403},
      {"no number", "GET", "/waInstanceX/receiveNotification/secret", 403},
      {"unknown call", "GET", "/waInstance1101000001/reboot/secret", 404},
      {"wrong method", "POST", "/waInstance1101000001/receiveNotification/secret", 404},
      {"another path", "GET", "/", 404},
      {"waits too short", "GET", "/waInstance1101000001/receiveNotification/secret?receiveTimeout=4", 400},
      {"waits too long", "GET", "/waInstance1101000001/receiveNotification/secret?receiveTimeout=61", 400},
      {"waits nonsense", "GET", "/waInstance1101000001/receiveNotification/secret?receiveTimeout=x", 400},
      {"no receipt", "DELETE", "/waInstance1101000001/deleteNotification/secret/", 400},
  };
  for (const auto& row : kRows) EXPECT_EQ(ask(row.method, row.target).status, row.status) << row.label;
  EXPECT_EQ(set("[1]").status, 400);
  EXPECT_EQ(api_->record(kId).deleted.size(), 0U);
  api_->refuse(kId, 466, "quota");
  EXPECT_EQ(receive().status, 466);
  api_->refuse(kId, 0, "");
  EXPECT_EQ(receive().status, 200);
}

TEST_F(FakeApiTest, ThrottlesAboveTheRates) {
  FakeApi::Options few = options();
  few.rates.receive = 2;
  start(few);
  api_->enqueue(kId, "{}");
  EXPECT_EQ(receive().status, 200);
  EXPECT_EQ(receive().status, 200);
  EXPECT_EQ(receive().status, 429);
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return receive().status == 200; }));
}

TEST_F(FakeApiTest, KeepsSettingsAndTellsTheWebhookWhenTheyWork) {
  std::promise<std::string> told;
  FakeApi::Options settles = options();
  settles.settling = 100ms;
  settles.rates.settings = 0;
  start(settles, [&](std::uint64_t id, const std::string& url, const std::string& token) {
    told.set_value(std::to_string(id) + ' ' + url + ' ' + token);
  });
  const auto receipt = api_->enqueue(kId, "{}");
  EXPECT_EQ(set(R"({"webhookUrl":"http://127.0.0.1:1/","webhookUrlToken":"t","incomingWebhook":"yes"})").body, R"({"saveSettings":true})");
  EXPECT_EQ(json::parse(ask("GET", kPrefix + "getSettings/secret").body)["incomingWebhook"], "yes");
  EXPECT_EQ(json::parse(ask("GET", kPrefix + "getSettings/secret").body)["outgoingWebhook"], "no");
  EXPECT_EQ(told.get_future().get(), "1101000001 http://127.0.0.1:1/ t");
  const Response refused = receive();
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, HasSubstr("custom webhook url is set"));
  ASSERT_TRUE(api_->front(kId));
  EXPECT_EQ(api_->front(kId)->receipt_id, receipt);
}

TEST_F(FakeApiTest, GivesAgainWhatWaitsWhenTheWebhookIsTakenAway) {
  start();
  api_->set_settings(kId, R"({"webhookUrl":"http://127.0.0.1:1/"})");
  const auto one = api_->enqueue(kId, "{}");
  const auto two = api_->enqueue(kId, "{}");
  EXPECT_TRUE(api_->remove(kId, one));
  EXPECT_FALSE(api_->remove(kId, one));
  EXPECT_EQ(receive().status, 400);
  EXPECT_EQ(set(R"({"webhookUrl":""})").status, 200);
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return receive().status == 200; }));
  EXPECT_EQ(receive().body, delivered(two, "{}"));
}

TEST_F(FakeApiTest, CountsClearsAndTellsTheState) {
  start();
  api_->enqueue(kId, "{}");
  EXPECT_EQ(ask("GET", kPrefix + "getWebhooksCount/secret").body, R"({"count":1})");
  api_->enqueue(kId, "{}");
  EXPECT_EQ(ask("GET", kPrefix + "getWebhooksCount/secret").body, R"({"count":1})");  // refreshed every 10 s
  EXPECT_EQ(json::parse(ask("DELETE", kPrefix + "clearWebhooksQueue/secret").body)["isCleared"], true);
  EXPECT_EQ(json::parse(ask("DELETE", kPrefix + "clearWebhooksQueue/secret").body)["isCleared"], false);
  EXPECT_EQ(api_->record(kId).cleared, 2U);
  api_->set_state(kId, "notAuthorized");
  EXPECT_EQ(ask("GET", kPrefix + "getStateInstance/secret").body, R"({"stateInstance":"notAuthorized"})");
}

TEST_F(FakeApiTest, ForgetsWhatIsOlderThanItKeeps) {
  FakeApi::Options brief = options();
  brief.keep = 0ms;
  start(brief);
  api_->enqueue(kId, "{}");
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return !api_->front(kId); }));
  EXPECT_EQ(api_->record(kId).expired, 1U);
}

struct FaultCase {
  const char* name;
  double FakeApi::Faults::*which;
  int status;    // 0: no answer
  bool deletes;  // what was asked for is done
};
void PrintTo(const FaultCase& row, std::ostream* out) { *out << row.name; }

class FakeApiFault : public FakeApiTest, public testing::WithParamInterface<FaultCase> {};

TEST_P(FakeApiFault, HappensWithItsProbability) {
  FakeApi::Options faulty = options();
  faulty.faults.late_by = 30ms;
  faulty.faults.*GetParam().which = 1;
  start(faulty);
  const auto receipt = api_->enqueue(kId, "{}");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(remove(receipt).status, GetParam().status);
  EXPECT_GE(std::chrono::steady_clock::now() - before, GetParam().which == &FakeApi::Faults::late ? 30ms : 0ms);
  EXPECT_EQ(api_->record(kId).deleted.size(), GetParam().deletes ? 1U : 0U);
  EXPECT_EQ(api_->record(kId).faults, 1U);
  api_->set_faults({});
  EXPECT_EQ(remove(receipt).status, 200);
}

INSTANTIATE_TEST_SUITE_P(, FakeApiFault,
                         testing::Values(FaultCase{"Error500", &FakeApi::Faults::error_500, 500, false},
                                         FaultCase{"Error502", &FakeApi::Faults::error_502, 502, false},
                                         FaultCase{"Throttled", &FakeApi::Faults::throttled, 429, false},
                                         FaultCase{"CutBefore", &FakeApi::Faults::cut_before, 0, false},
                                         FaultCase{"CutAfter", &FakeApi::Faults::cut_after, 0, true},
                                         FaultCase{"Late", &FakeApi::Faults::late, 200, true}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(FakeApiTest, HasTheSameFaultsWithTheSameSeed) {
  FakeApi::Options faulty = options();
  faulty.rates.remove = 0;
  faulty.faults.error_500 = 0.3;
  faulty.faults.throttled = 0.3;
  const auto statuses = [&](std::uint64_t seed) {
    faulty.seed = seed;
    start(faulty);
    std::string all;
    for (int i = 0; i < 50; ++i) all += std::to_string(remove(1).status) + ' ';
    return all;
  };
  const std::string seven = statuses(7);
  EXPECT_EQ(seven, statuses(7));
  EXPECT_NE(seven, statuses(8));
  EXPECT_THAT(seven, HasSubstr("500 "));
  EXPECT_THAT(seven, HasSubstr("429 "));
}

TEST_F(FakeApiTest, HoldsManyInstancesThatWait) {
  constexpr std::uint64_t kInstances = 2000;
  start(FakeApi::Options{});
  std::vector<base::Descriptor> sockets;
  for (std::uint64_t i = 1; i <= kInstances; ++i) {
    api_->add_instance({i, "t"});
    sockets.emplace_back(support::connect_to(api_->port()));
    const std::string request = "GET /waInstance" + std::to_string(i) + "/receiveNotification/t?receiveTimeout=60 HTTP/1.1\r\n\r\n";
    ASSERT_EQ(::write(sockets.back().get(), request.data(), request.size()), static_cast<ssize_t>(request.size()));
  }
  ASSERT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == kInstances; }));
  for (std::uint64_t i = 1; i <= kInstances; ++i) api_->enqueue(i, "{}");
  for (const base::Descriptor& socket : sockets) {
    pollfd ready{socket.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&ready, 1, 20'000), 1);
  }
  EXPECT_TRUE(support::wait_until(support::kSoon, [&] { return api_->receives_now() == 0; }));
}

TEST_F(FakeApiTest, TakesOnlyWhatIsSwitchedOn) {
  auto with_switches = options();
  with_switches.switches = true;
  start(with_switches);
  const auto takes = [&](const std::string& body) { return api_->enqueue(kId, body) != 0; };
  const auto message = [](const std::string& type, const std::string& kind) {
    return json({{"typeWebhook", type}, {"messageData", {{"typeMessage", kind}}}}).dump();
  };
  struct Row {
    std::string body;
    std::vector<std::string> needs;
  };
  const Row rows[] = {
      {message("incomingMessageReceived", "textMessage"), {"incomingWebhook"}},
      {message("outgoingMessageReceived", "textMessage"), {"outgoingMessageWebhook"}},
      {message("outgoingAPIMessageReceived", "textMessage"), {"outgoingAPIMessageWebhook"}},
      {message("incomingMessageReceived", "pollUpdateMessage"), {"incomingWebhook", "pollMessageWebhook"}},
      {message("outgoingMessageReceived", "editedMessage"), {"outgoingMessageWebhook", "editedMessageWebhook"}},
      {message("incomingMessageReceived", "deletedMessage"), {"incomingWebhook", "deletedMessageWebhook"}},
      {R"({"typeWebhook":"outgoingMessageStatus","status":"sent"})", {"outgoingWebhook"}},
      {R"({"typeWebhook":"incomingCall"})", {"incomingWebhook", "incomingCallWebhook"}},
      {R"({"typeWebhook":"outgoingCall"})", {"outgoingCallWebhook"}},
      {R"({"typeWebhook":"stateInstanceChanged"})", {"stateWebhook"}},
      {R"({"typeWebhook":"deviceInfo"})", {"deviceWebhook"}},
      {R"({"typeWebhook":"incomingBlock"})", {"incomingBlockWebhook"}},
      {R"({"typeWebhook":"outgoingMessageStatus","status":"failed"})", {}},
      {R"({"typeWebhook":"quotaExceeded"})", {}},
      {R"({"typeWebhook":"nobodyKnows"})", {}},
  };
  for (const Row& row : rows) {
    for (const std::string& name : row.needs) {
      EXPECT_FALSE(takes(row.body)) << row.body << " without " << name;
      api_->set_settings(kId, json({{name, "yes"}}).dump());
    }
    EXPECT_TRUE(takes(row.body)) << row.body;
    for (const std::string& name : row.needs) api_->set_settings(kId, json({{name, "no"}}).dump());
  }
}

TEST_F(FakeApiTest, HandsOutWhatWasDeleted) {
  auto handing_out = options();
  handing_out.hand_out_deleted = true;
  start(handing_out);
  const std::int64_t first = api_->enqueue(kId, R"({"a":1})");
  api_->enqueue(kId, R"({"a":2})");
  EXPECT_THAT(api_->take_deleted(), ElementsAre());
  remove(first);
  EXPECT_THAT(api_->take_deleted(), ElementsAre(R"({"a":1})"));
  EXPECT_THAT(api_->take_deleted(), ElementsAre());
}

}  // namespace
}  // namespace hookfleet::simulate
