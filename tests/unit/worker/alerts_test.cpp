#include "worker/alerts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/alert/notice.hpp"
#include "tests/support/told.hpp"

namespace hookfleet::worker {
namespace {

using namespace std::chrono_literals;
using alert::Kind;
using testing::HasSubstr;

base::BootTime at(std::chrono::nanoseconds since) { return base::BootTime(1h + since); }

class AlertsTest : public testing::Test {
 protected:
  static dispatch::Record record(dispatch::Outcome outcome) {
    auto content = std::make_shared<dispatch::Content>();
    content->notification.id = "01a2152b-19e5-7307-8923-9763e198b499";
    content->notification.type_webhook = "incomingMessageReceived";
    content->notification.id_instance = 1101000001;
    content->notification.chat = "79001234567@c.us";
    content->notification.body = std::make_shared<const std::string>("{}");
    dispatch::Record made;
    made.content = content;
    made.outcome = outcome;
    made.reason = "no such order";
    return made;
  }

  support::Told told_;
  Alerts alerts_{told_, {.backlog = 100, .dead_letters = 10, .memory_max_percent = 80, .window = 10min}, 2};
};

TEST_F(AlertsTest, TellsOfEachDeadLetterWithTheNotification) {
  auto dead = record(dispatch::Outcome::kDead);
  dead.dead_class = stream::DeadClass::kFailed;
  alerts_.attempt(dead);
  const auto alerts = told_.alerts();
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].kind, Kind::kDeadLetter);
  EXPECT_THAT(alerts[0].text, HasSubstr("class failed: no such order"));
  EXPECT_EQ(alerts[0].id, dead.content->notification.id);
  EXPECT_EQ(alerts[0].chat, "79001234567@c.us");
  EXPECT_EQ(*alerts[0].body, "{}");
}

TEST_F(AlertsTest, QuotesNothingOfAMalformedBodyWhereItsWordsMustNotGo) {
  auto dead = record(dispatch::Outcome::kDead);
  auto content = std::make_shared<dispatch::Content>(*dead.content);
  content->unfit = stream::DeadClass::kMalformed;
  dead.content = content;
  dead.dead_class = stream::DeadClass::kMalformed;
  dead.reason = "duplicate_key: John Smith twice in the root";
  alerts_.attempt(dead);
  const auto alerts = told_.of(Kind::kDeadLetter);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_THAT(alerts[0].text, HasSubstr("class malformed: duplicate_key: John Smith twice in the root. `hookfleet show`"));
  EXPECT_THAT(alerts[0].redacted, HasSubstr("class malformed: duplicate_key. `hookfleet show`"));
}

TEST_F(AlertsTest, TellsOfEachFirstSightByItself) {
  using What = stream::Kind::What;
  const auto content = record(dispatch::Outcome::kDone).content;
  const auto told_of = [&](What what, const char* name) {
    alerts_.unknown({1, stream::Kind::of(what, name), "", content});
    return told_.alerts().back();
  };
  const auto one = told_of(What::kTypeMessage, "newMessage");
  EXPECT_EQ(one.kind, Kind::kUnknownType);
  EXPECT_THAT(one.text, HasSubstr("a typeMessage that isn't documented came for the first time: newMessage."));
  EXPECT_EQ(one.redacted, one.text);
  EXPECT_NE(alert::repeat_digest(told_of(What::kTypeMessage, "newerMessage")), alert::repeat_digest(one));
  EXPECT_NE(alert::repeat_digest(told_of(What::kField, "newMessage")), alert::repeat_digest(one));
  EXPECT_EQ(alert::repeat_digest(told_of(What::kTypeMessage, "newMessage")), alert::repeat_digest(one));
}

TEST_F(AlertsTest, NamesNothingThatIsNoNameWhereWordsOfTheBodyMustNotGo) {
  using What = stream::Kind::What;
  const auto content = record(dispatch::Outcome::kDone).content;
  for (const auto& kind : {stream::Kind::of(What::kTypeWebhook, "John Smith"), stream::Kind::of(What::kTypeMessage, "John Smith"),
                           stream::Kind::of(What::kField, "incomingCall/textMessage:/from/John Smith/*")}) {
    alerts_.unknown({1, kind, "", content});
    EXPECT_THAT(told_.alerts().back().text, HasSubstr(kind.name));
    EXPECT_THAT(told_.alerts().back().redacted, testing::Not(HasSubstr("John")));
  }
  EXPECT_THAT(told_.alerts().back().redacted, testing::ContainsRegex(R"(incomingCall/textMessage:/from/\[10 #[0-9a-f]+\]/\*\.)"));
}

TEST_F(AlertsTest, LeavesInvalidOnesToWhoKnowsWhatIsWrongWithThem) {
  auto dead = record(dispatch::Outcome::kDead);
  dead.dead_class = stream::DeadClass::kInvalid;
  alerts_.attempt(dead);
  EXPECT_TRUE(told_.alerts().empty());
}

TEST_F(AlertsTest, TellsOfATargetThatHasBeenAwayForAMinute) {
  auto retry = record(dispatch::Outcome::kRetry);
  retry.unavailable = true;
  retry.action = "forward:shop";
  retry.blocked = 59s;
  alerts_.attempt(retry);
  EXPECT_TRUE(told_.alerts().empty());
  retry.blocked = 63s;
  alerts_.attempt(retry);
  ASSERT_EQ(told_.of(Kind::kTargetUnavailable).size(), 1U);
  EXPECT_THAT(told_.alerts()[0].text, HasSubstr("what forward:shop needs has been away for 63 s"));
  retry.action = "forward:crm";
  alerts_.attempt(retry);
  EXPECT_NE(alert::repeat_digest(told_.alerts()[1]), alert::repeat_digest(told_.alerts()[0])) << "each target is told of";
  auto content = std::make_shared<dispatch::Content>(*retry.content);
  content->notification.id_instance += 1;
  content->notification.type_webhook = "stateInstanceChanged";
  retry.content = content;
  alerts_.attempt(retry);
  EXPECT_EQ(alert::repeat_digest(told_.alerts()[2]), alert::repeat_digest(told_.alerts()[1])) << "whatever waits for it";
}

TEST_F(AlertsTest, SaysWhatIsWrongWithAnInvalidOne) {
  auto dead = record(dispatch::Outcome::kDead);
  auto content = std::make_shared<dispatch::Content>(*dead.content);
  content->notification.invalid_at = "/timestamp";
  content->why = "/timestamp: expected integer, found string";
  content->unfit = dead.dead_class = stream::DeadClass::kInvalid;
  dead.content = content;
  dead.first = true;
  alerts_.attempt(dead);
  const auto alerts = told_.of(Kind::kInvalid);
  ASSERT_EQ(alerts.size(), 1U);
  EXPECT_EQ(alerts[0].text, "a notification breaks its schema at /timestamp: expected integer, found string. It is a dead letter now");
  EXPECT_EQ(alerts[0].redacted, "a notification breaks its schema at /timestamp. It is a dead letter now");
}

TEST_F(AlertsTest, TellsNothingOfWhatGoesAsItShould) {
  for (const auto outcome :
       {dispatch::Outcome::kDone, dispatch::Outcome::kIgnored, dispatch::Outcome::kRepeat, dispatch::Outcome::kRetry}) {
    alerts_.attempt(record(outcome));
  }
  EXPECT_TRUE(told_.alerts().empty());
}

TEST_F(AlertsTest, SumsAllPartitionsAndTellsWhenTheThresholdIsReached) {
  alerts_.partition(0, 60, 4);
  alerts_.tick(at(0s));
  alerts_.partition(1, 39, 4);
  alerts_.tick(at(1s));
  EXPECT_TRUE(told_.alerts().empty());
  alerts_.partition(1, 40, 6);
  alerts_.tick(at(2s));
  alerts_.tick(at(3s));
  ASSERT_EQ(told_.of(Kind::kBacklog).size(), 1U);
  EXPECT_THAT(told_.of(Kind::kBacklog)[0].text, HasSubstr("100 notifications wait"));
  EXPECT_EQ(told_.of(Kind::kDeadLetters).size(), 1U);
  alerts_.tick(at(2s + 10min));
  EXPECT_EQ(told_.of(Kind::kBacklog).size(), 2U) << "again each window";
  EXPECT_EQ(told_.of(Kind::kDeadLetters).size(), 1U) << "they lie there until somebody comes: once a day is enough";
}

TEST_F(AlertsTest, SaysWhenMemoryWillStopTheIntake) {
  constexpr std::uint64_t kMax = 1000UL << 20;
  RedisFigures figures;
  figures.memory_max = kMax;
  alerts_.partition(0, 7, 1);
  alerts_.partition(1, 0, 0);
  for (unsigned i = 0; i < 200; ++i) {  // 1 MiB in 5 s
    figures.memory_used = (400UL + i) << 20;
    alerts_.memory(figures, at(5s * i));
  }
  EXPECT_TRUE(told_.alerts().empty());
  figures.memory_used = 600UL << 20;
  alerts_.memory(figures, at(5s * 200));
  ASSERT_EQ(told_.of(Kind::kRedisMemory).size(), 1U);
  const std::string text = told_.alerts()[0].text;
  EXPECT_THAT(text, HasSubstr("600 MiB of 1000 MiB (60 %)"));
  EXPECT_THAT(text, HasSubstr("at 80 %"));
  EXPECT_THAT(text, HasSubstr("in about 17 min"));  // 200 MiB
  EXPECT_THAT(text, HasSubstr("7 notifications that wait, 1 dead letters"));
}

TEST_F(AlertsTest, SaysThatMemoryIsFullAlreadyAndNothingWithoutALimit) {
  RedisFigures figures;
  figures.memory_used = 900UL << 20;
  figures.memory_max = 0;
  alerts_.memory(figures, at(0s));
  EXPECT_TRUE(told_.alerts().empty());
  figures.memory_max = 1000UL << 20;
  alerts_.memory(figures, at(5s));
  ASSERT_EQ(told_.alerts().size(), 1U);
  EXPECT_THAT(told_.alerts()[0].text, HasSubstr("which is so now"));
}

TEST_F(AlertsTest, TellsOfRedisOnlyWhenItIsAwayForLongerThanARestart) {
  alerts_.redis(false, "refused", at(0s));
  alerts_.tick(at(14s));
  alerts_.redis(true, {}, at(14s));
  alerts_.tick(at(20s));
  EXPECT_TRUE(told_.alerts().empty());
  alerts_.redis(false, "refused", at(30s));
  alerts_.redis(false, "refused again", at(40s));
  alerts_.tick(at(45s));
  ASSERT_EQ(told_.of(Kind::kRedisDown).size(), 1U);
  EXPECT_THAT(told_.alerts()[0].text, HasSubstr("refused again"));
}

TEST(RedisWatch, TellsThatTheIntakeIsClosedAtOnceAndEachWindow) {
  support::Told told;
  alert::RedisWatch watch(told, 10min);
  watch.say(Kind::kRedisFull, true, "full", at(0s));
  EXPECT_EQ(told.of(Kind::kRedisFull).size(), 1U);
  watch.tick(at(9min));
  EXPECT_EQ(told.alerts().size(), 1U);
  watch.tick(at(10min));
  EXPECT_EQ(told.alerts().size(), 2U);
  watch.say(Kind::kRedisFull, false, {}, at(11min));
  watch.tick(at(30min));
  EXPECT_EQ(told.alerts().size(), 2U);
}

}  // namespace
}  // namespace hookfleet::worker
