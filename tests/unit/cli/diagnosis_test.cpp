#include "cli/diagnosis.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const Finding* find(const std::vector<Finding>& findings, std::string_view check) {
  for (const Finding& one : findings) {
    if (one.check == check) return &one;
  }
  return nullptr;
}

TEST(WindowNeed, IsRateTimesWindowTimesBytes) {
  MemorySample sample;
  sample.keys = 10'000;
  sample.scanned = 1'000;
  sample.marks = 900;
  sample.measured = 100;
  sample.mark_bytes = 12'000;
  sample.recent = 20;
  sample.span = 1h;
  const auto need = window_need(sample, 25h);
  ASSERT_TRUE(need);
  EXPECT_DOUBLE_EQ(need->marks, 9'000);
  EXPECT_DOUBLE_EQ(need->bytes_per_mark, 120 + 56);
  EXPECT_DOUBLE_EQ(need->marks_per_second, 0.5);
  EXPECT_DOUBLE_EQ(need->projected_bytes, 0.5 * 25 * 3600 * (120 + 56));
  EXPECT_FALSE(window_need({}, 25h)) << "nothing measured, nothing claimed";
}

TEST(JudgeSample, AWindowThatMaxmemoryCantHoldFails) {
  MemorySample sample;
  sample.keys = sample.scanned = sample.marks = sample.measured = sample.recent = 1'000;
  sample.mark_bytes = 120'000;
  sample.span = 1h;  // 1,000 an hour: 25,000 marks, 4.4 MB
  EXPECT_EQ(find(judge_sample(sample, 25h, 100'000'000), "memory.window")->health, Health::kFine);
  EXPECT_EQ(find(judge_sample(sample, 25h, 7'000'000), "memory.window")->health, Health::kWarn);
  EXPECT_EQ(find(judge_sample(sample, 25h, 3'100'000), "memory.window")->health, Health::kFail);
  sample.span = 5min;
  EXPECT_EQ(find(judge_sample(sample, 25h, 3'100'000), "memory.window")->health, Health::kFine) << "a burst says nothing about a day";
}

TEST(KindOf, TellsKeysOfAFleetFromOthers) {
  const stream::Keys keys{stream::Layout{}};
  const std::string tag(keys.tag(3));
  EXPECT_EQ(kind_of("hf:meta", keys, "hf"), KeyKind::kKnown);
  EXPECT_EQ(kind_of("hf:alert:x", keys, "hf"), KeyKind::kKnown);
  for (const std::string& key : {keys.meta(), keys.members(), keys.news(), keys.control(), keys.audit(), keys.stream(3), keys.ctl(3),
                                 keys.att(3), keys.dlq(3), keys.cnt(3), keys.inst(3), keys.of(3, "msg:x"), keys.of(3, "chat:x")}) {
    EXPECT_EQ(kind_of(key, keys, "hf"), KeyKind::kKnown) << key;
  }
  EXPECT_EQ(kind_of(keys.mark(3, "0123456789abcdef"), keys, "hf"), KeyKind::kMark);
  EXPECT_EQ(kind_of("hf:{" + tag + "}:m:short", keys, "hf"), KeyKind::kUnknown);
  EXPECT_EQ(kind_of("hf:{99.1}:s", keys, "hf"), KeyKind::kOtherLayout);
  EXPECT_EQ(kind_of("hf:{3.99999}:s", keys, "hf"), KeyKind::kOtherLayout);
  EXPECT_EQ(kind_of("hf:{x}:s", keys, "hf"), KeyKind::kUnknown);
  EXPECT_EQ(kind_of("hf:typo", keys, "hf"), KeyKind::kUnknown);
  EXPECT_EQ(kind_of("hfx:meta", keys, "hf"), KeyKind::kUnknown);
}

TEST(JudgeMemory, WarnsBeforeIngressesRefuse) {
  EXPECT_EQ(judge_memory(59, 100, 80).health, Health::kFine);
  EXPECT_EQ(judge_memory(60, 100, 80).health, Health::kWarn);
  EXPECT_EQ(judge_memory(80, 100, 80).health, Health::kFail);
  EXPECT_EQ(judge_memory(80, 0, 80).health, Health::kWarn);
  EXPECT_EQ(judge_memory(std::nullopt, 100, 80).health, Health::kWarn);
}

TEST(JudgeVersion, NeedsRedisSeven) {
  EXPECT_EQ(judge_version("7.0.15").health, Health::kFine);
  EXPECT_EQ(judge_version("10.1").health, Health::kFine);
  EXPECT_EQ(judge_version("6.2.7").health, Health::kFail);
  EXPECT_EQ(judge_version("").health, Health::kFail);
}

TEST(JudgeDurability, NamesEachCheckThatFails) {
  durability::ServerFacts facts;
  facts.read_info(
      "run_id:a\r\nrole:master\r\nmaxmemory:1\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n"
      "aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\naof_last_write_status:ok\r\n");
  facts.config_readable = true;
  facts.read_config("appendfsync", "everysec");
  facts.read_config("no-appendfsync-on-rewrite", "no");
  facts.read_config("aof-load-truncated", "no");
  const auto findings = judge_durability(facts, {});
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].check, "redis.appendfsync");
  EXPECT_EQ(findings[0].health, Health::kFail);
  facts.read_config("appendfsync", "always");
  EXPECT_EQ(judge_durability(facts, {})[0].health, Health::kFine);
}

TEST(JudgeClock, MeasuresInBothDirections) {
  EXPECT_EQ(judge_clock(900, 2).health, Health::kFine);
  EXPECT_EQ(judge_clock(-5'000, 2).health, Health::kWarn);
  EXPECT_THAT(judge_clock(-5'000, 2).what, HasSubstr("5000 ms behind"));
  EXPECT_EQ(judge_clock(20'000, 2).health, Health::kFail);
}

TEST(JudgeLayout, DifferentSettingsFail) {
  EXPECT_EQ(judge_layout("1 32 chat", {}).health, Health::kFine);
  EXPECT_EQ(judge_layout("1 16 chat", {}).health, Health::kFail);
  EXPECT_EQ(judge_layout("", {}).health, Health::kWarn);
}

Snapshot snapshot() {
  Snapshot result;
  result.now_ms = 1'000'000;
  for (unsigned p = 0; p < 2; ++p) {
    PartitionState& state = result.partitions.emplace_back();
    state.partition = p;
    state.owner = "w";
    state.lease_ms = 5'000;
    state.adds_known = true;
  }
  result.members.push_back({"w", 500, 2});
  return result;
}

TEST(JudgeSnapshot, AHealthyFleetIsAllOk) {
  for (const Finding& one : judge_snapshot(snapshot(), 8s)) EXPECT_EQ(one.health, Health::kFine) << one.check;
}

TEST(JudgeSnapshot, NamesWhatIsWrongAndWhatToDo) {
  Snapshot sick = snapshot();
  sick.partitions[0].owner.clear();
  sick.partitions[1].lease_ms = -1;
  sick.partitions[1].holds.push_back({"incomingCall", stream::TypeHold{.since_ms = 1}});
  sick.partitions[1].dead_letters = 3;
  sick.partitions[1].oldest_age_ms = 600'000;
  sick.members[0].heartbeat_age_ms = 9'000;
  sick.problems.push_back("hf:{0.1}:att: WRONGTYPE");
  const auto findings = judge_snapshot(sick, 8s);
  for (const auto& [check, health] : std::initializer_list<std::pair<const char*, Health>>{{"workers", Health::kFail},
                                                                                           {"workers.silent", Health::kWarn},
                                                                                           {"partitions.unowned", Health::kFail},
                                                                                           {"partitions.expired", Health::kFail},
                                                                                           {"holds", Health::kFail},
                                                                                           {"dead_letters", Health::kWarn},
                                                                                           {"backlog", Health::kWarn},
                                                                                           {"keys.unreadable", Health::kFail}}) {
    ASSERT_NE(find(findings, check), nullptr) << check;
    EXPECT_EQ(find(findings, check)->health, health) << check;
    EXPECT_FALSE(find(findings, check)->advice.empty()) << check;
  }
}

TEST(JudgeSnapshot, AWorkerLivesAsLongAsTheSettingSays) {
  Snapshot slow = snapshot();
  for (MemberState& one : slow.members) one.heartbeat_age_ms = 9'000;
  EXPECT_EQ(find(judge_snapshot(slow, 8s), "workers")->health, Health::kFail);
  EXPECT_EQ(find(judge_snapshot(slow, 20s), "workers")->health, Health::kFine);
}

TEST(Rates, AreWhatCameAndWhatWentBetweenTwoLooks) {
  Snapshot before = snapshot();
  Snapshot after = snapshot();
  after.now_ms += 2'000;
  before.partitions[0].added = 100;
  before.partitions[0].backlog = 40;
  after.partitions[0].added = 160;
  after.partitions[0].backlog = 20;
  before.partitions[1].added = 10;  // deleted and made anew: nothing can be told
  const auto result = rates(before, after);
  ASSERT_TRUE(result[0]);
  EXPECT_DOUBLE_EQ(result[0]->in, 30);
  EXPECT_DOUBLE_EQ(result[0]->out, 40);
  EXPECT_FALSE(result[1]);
  EXPECT_FALSE(rates(after, after)[0]) << "no time between them";
}

TEST(JudgePollers, SaysNothingWhereNoneIsNeededAndWhatIsWrongOtherwise) {
  EXPECT_TRUE(judge_pollers({}, 8s).empty());
  Pollers pollers;
  pollers.pollers = {{.name = "a:1:x", .heartbeat_age_ms = 100, .since_ms = 1, .instances = 2, .in_trouble = 0}};
  pollers.instances = {{.id = 1, .poller = "a:1:x", .since_ms = 1, .trouble = {}},
                       {.id = 2, .poller = "a:1:x", .since_ms = 1, .trouble = {}}};
  for (const Finding& one : judge_pollers(pollers, 8s)) EXPECT_EQ(one.health, Health::kFine) << one.check;

  pollers.pollers.push_back({.name = "b:2:y", .heartbeat_age_ms = 8'000, .since_ms = 0, .instances = 0, .in_trouble = 0});
  pollers.instances[0].trouble = stream::PollTrouble{.epoch = "1", .since_ms = 1, .kind = "throttled", .message = "HTTP 429"};
  pollers.instances[1].trouble = stream::PollTrouble{.epoch = "1", .since_ms = 1, .kind = "of a later version", .message = "\x1b"};
  pollers.instances.push_back({.id = 3, .poller = "", .since_ms = 0, .trouble = {}});
  const auto findings = judge_pollers(pollers, 8s);
  EXPECT_EQ(find(findings, "pollers")->what, "1 live, 3 instances");
  EXPECT_EQ(find(findings, "pollers.silent")->what, "b:2:y");
  EXPECT_EQ(find(findings, "pollers.unowned")->health, Health::kFail);
  EXPECT_EQ(find(findings, "pollers.throttled")->health, Health::kWarn) << "it passes by itself";
  EXPECT_EQ(find(findings, "pollers.of a later version")->what, "2 (\\u001b)");
  EXPECT_EQ(find(findings, "pollers.of a later version")->health, Health::kFail);

  pollers.pollers[0].heartbeat_age_ms = 9'000;
  EXPECT_EQ(find(judge_pollers(pollers, 8s), "pollers")->health, Health::kFail);
}

TEST(JudgeInstance, TellsWhatIsNotAsTheFleetNeedsIt) {
  greenapi::Wanted wanted{.webhook_url = "https://fleet/webhook", .webhook_tokens = {"s3cret"}, .switches = {"incomingWebhook"}};
  InstanceAnswers answers{
      greenapi::Settings{{"webhookUrl", "https://fleet/webhook"}, {"webhookUrlToken", "Bearer s3cret"}, {"incomingWebhook", "yes"}},
      "authorized", 0U};
  for (const Finding& one : judge_instance(answers, wanted)) EXPECT_EQ(one.health, Health::kFine) << one.check << ": " << one.what;

  answers.settings = greenapi::Settings{{"webhookUrl", "https://fleet/\x1b[31m"}, {"webhookUrlToken", "0ther"}, {"incomingWebhook", "no"}};
  answers.state = "sleepMode";
  answers.count = 5'000U;
  const auto findings = judge_instance(answers, wanted);
  EXPECT_EQ(find(findings, "instance.state")->health, Health::kFail);
  EXPECT_EQ(find(findings, "instance.webhookUrl")->what, "https://fleet/\\u001b[31m instead of https://fleet/webhook");
  EXPECT_EQ(find(findings, "instance.webhookUrlToken")->what, "another one instead of the fleet's");
  EXPECT_EQ(find(findings, "instance.switches")->what, "all notifications are off: incomingWebhook");
  EXPECT_EQ(find(findings, "instance.switches")->health, Health::kFail);
  EXPECT_EQ(find(findings, "instance.queue")->health, Health::kWarn);
  EXPECT_EQ(find(findings, "instance.settings"), nullptr);
  for (const Finding& one : findings) EXPECT_FALSE(one.advice.empty()) << one.check;
}

TEST(JudgeInstance, SwitchesThatAreOffAreOneFindingAndFailWhereAllAre) {
  const auto judged = [](greenapi::Settings settings) {
    return judge_instance({std::move(settings), "authorized", 0U}, {.webhook_url = {}, .webhook_tokens = {}});
  };
  greenapi::Settings settings;
  for (const std::string& name : greenapi::notification_switches()) settings[name] = "no";
  auto findings = judged(settings);
  const Finding* all = find(findings, "instance.switches");
  ASSERT_NE(all, nullptr);
  EXPECT_EQ(all->health, Health::kFail);
  EXPECT_THAT(all->what, testing::StartsWith("all notifications are off: "));
  for (const std::string& name : greenapi::notification_switches()) EXPECT_THAT(all->what, HasSubstr(name));
  EXPECT_EQ(std::count_if(findings.begin(), findings.end(), [](const Finding& one) { return !one.advice.empty(); }), 1);

  settings["incomingWebhook"] = "yes";
  findings = judged(settings);
  EXPECT_EQ(find(findings, "instance.switches")->health, Health::kWarn) << "perhaps wanted so";
  EXPECT_THAT(find(findings, "instance.switches")->what, testing::StartsWith("off: "));
}

TEST(JudgeInstance, AnAnswerThatIsMissingIsAFinding) {
  const greenapi::Failure refused{.kind = greenapi::FailureKind::kUnauthorized, .status = 401, .message = "HTTP 401", .retry_after = {}};
  const InstanceAnswers answers{tl::unexpected(refused), tl::unexpected(refused), tl::unexpected(refused)};
  const auto findings = judge_instance(answers, {});
  ASSERT_EQ(findings.size(), 3U);
  for (const Finding& one : findings) {
    EXPECT_EQ(one.health, Health::kFail);
    EXPECT_THAT(one.advice, HasSubstr("API token"));
  }
}

}  // namespace
}  // namespace hookfleet::cli
