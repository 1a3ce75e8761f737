#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/wakeup.hpp"
#include "common/durability/durability.hpp"
#include "common/metrics/registry.hpp"
#include "ingress/append/fifo.hpp"
#include "ingress/append/inbox.hpp"
#include "ingress/append/memory_gate.hpp"
#include "ingress/append/metrics.hpp"
#include "ingress/append/outcome.hpp"
#include "ingress/append/preflight.hpp"
#include "ingress/append/schedule.hpp"

namespace hookfleet::append {
namespace {

using namespace durability;
using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Outcome, OnlyStoredIsAcknowledged) {
  EXPECT_EQ(http_status(Outcome::kStored), 200);
  EXPECT_EQ(http_status(Outcome::kOverloaded), 503);   // nginx tries the next ingress
  EXPECT_EQ(http_status(Outcome::kUnavailable), 504);  // nginx doesn't
  EXPECT_EQ(http_status(Outcome::kUnknown), 504);
}

// ---- durability ----

// As Redis 7.0.15 says it, shortened.
constexpr std::string_view kInfo =
    "# Server\r\nredis_version:7.0.15\r\nrun_id:aaaa\r\n\r\n"
    "# Memory\r\nused_memory:1000000\r\nused_memory_human:976.56K\r\nmaxmemory:268435456\r\nmaxmemory_policy:noeviction\r\n\r\n"
    "# Persistence\r\nloading:0\r\naof_enabled:1\r\naof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0\r\n"
    "aof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\naof_current_size:89\r\naof_base_size:0\r\n\r\n"
    "# Replication\r\nrole:master\r\nconnected_slaves:0\r\nmaster_replid:bbbb\r\n\r\n"
    "# Commandstats\r\ncmdstat_config|get:calls=9,usec=90\r\ncmdstat_config|set:calls=3,usec=49,usec_per_call=16.33\r\n";

/// kInfo with some values changed; a value "-" takes the line away.
std::string info(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  std::string text(kInfo);
  for (const auto& [name, value] : changes) {
    const std::size_t at = text.find("\n" + name + ":") + 1;
    const std::size_t end = text.find("\r\n", at);
    text.replace(at, end - at, value == "-" ? "" : name + ":" + value);
  }
  return text;
}

ServerFacts facts(const std::vector<std::pair<std::string, std::string>>& changes = {}) {
  ServerFacts facts;
  facts.read_info(info(changes));
  facts.config_readable = true;
  facts.read_config("appendfsync", "always");
  facts.read_config("no-appendfsync-on-rewrite", "no");
  facts.read_config("aof-load-truncated", "no");
  return facts;
}

std::vector<Check> failing(const ServerFacts& facts, const Requirements& requirements = {}) {
  AofHistory history;
  std::vector<Check> checks;
  for (const Failing& one : judge(facts, requirements, history).failing) checks.push_back(one.check);
  return checks;
}

TEST(Durability, ReadsWhatInfoSays) {
  const ServerFacts read = facts();
  EXPECT_EQ(read.run_id, "aaaa");
  EXPECT_EQ(read.role, "master");
  EXPECT_EQ(read.used_memory, 1'000'000U);
  EXPECT_EQ(read.maxmemory, 268'435'456U);
  EXPECT_EQ(read.maxmemory_policy, "noeviction");
  EXPECT_EQ(read.aof_enabled, true);
  EXPECT_EQ(read.rewrite_in_progress, false);
  EXPECT_EQ(read.rewrite_scheduled, false);
  EXPECT_EQ(read.config_sets, 3U);
  EXPECT_EQ(read.aof_last_write_status, "ok");
  EXPECT_EQ(read.connected_replicas, 0U);
}

TEST(Durability, OddInfoGivesAbsentFacts) {
  ServerFacts read;
  for (const std::string_view text : {"", ":", "\n\n", "role", "maxmemory:12x", "aof_enabled:yes", "maxmemory:", "no end of line"}) {
    read.read_info(text);
  }
  EXPECT_FALSE(read.role);
  EXPECT_FALSE(read.maxmemory);
  EXPECT_FALSE(read.aof_enabled);
}

TEST(Durability, ADurableMasterPasses) { EXPECT_THAT(failing(facts()), IsEmpty()); }

TEST(Durability, EachCheckFailsByItself) {
  struct Row {
    const char* label;
    ServerFacts facts;
    Check check;
  };
  const auto with_config = [](std::string_view name, std::string_view value) {
    ServerFacts changed = facts();
    changed.read_config(name, value);
    return changed;
  };
  ServerFacts refused_replay = facts();
  refused_replay.read_dry_run("OK");
  refused_replay.read_dry_run("User default has no permissions to run the 'xdel' command");
  refused_replay.read_dry_run("OK");
  const Row rows[] = {
      {"its log can't be read as a whole", refused_replay, Check::kAofUser},
      {"still reads its log", facts({{"loading", "1"}, {"aof_enabled", "0"}}), Check::kLoading},
      {"a replica", facts({{"role", "slave"}}), Check::kRole},
      {"role not told", facts({{"role", "-"}}), Check::kRole},
      {"memory without bound", facts({{"maxmemory", "0"}}), Check::kMaxmemory},
      {"evicts", facts({{"maxmemory_policy", "allkeys-lru"}}), Check::kMaxmemoryPolicy},
      {"evicts what expires", facts({{"maxmemory_policy", "volatile-ttl"}}), Check::kMaxmemoryPolicy},
      {"no AOF", facts({{"aof_enabled", "0"}}), Check::kAppendonly},
      {"AOF not told", facts({{"aof_enabled", "-"}}), Check::kAppendonly},
      {"fsync every second", with_config("appendfsync", "everysec"), Check::kAppendfsync},
      {"never fsync", with_config("appendfsync", "no"), Check::kAppendfsync},
      {"no fsync while rewriting", with_config("no-appendfsync-on-rewrite", "yes"), Check::kNoAppendfsyncOnRewrite},
      {"torn transactions stay open", with_config("aof-load-truncated", "yes"), Check::kAofLoadTruncated},
      {"last write failed", facts({{"aof_last_write_status", "err"}}), Check::kAofLastWrite},
      {"last write not told", facts({{"aof_last_write_status", "-"}}), Check::kAofLastWrite},
      {"rewriting, server new to us", facts({{"aof_rewrite_in_progress", "1"}}), Check::kAofLive},
      {"rewrite scheduled, server new to us", facts({{"aof_rewrite_scheduled", "1"}}), Check::kAofLive},
      {"rewrite not told", facts({{"aof_rewrite_in_progress", "-"}}), Check::kAofLive},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.label);
    EXPECT_THAT(failing(row.facts), ElementsAre(row.check));
  }
}

/// A server that answers a preflight; `odd` replaces the answers to some commands, by their words.
Preflight::Conclusion preflight(const std::map<std::string, std::string>& odd = {}, const Requirements& requirements = {}) {
  const auto bulk = [](const std::string& text) { return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n"; };
  const auto pair = [&](const std::string& name, const std::string& value) { return "*2\r\n" + bulk(name) + bulk(value); };
  std::map<std::string, std::string> answers{{"WAIT 0 0", ":0\r\n"},
                                             {"MULTI", "+OK\r\n"},
                                             {"EXEC", "*0\r\n"},
                                             {"HSETNX hf:meta layout 1 32 chat", ":0\r\n"},
                                             {"HGETALL hf:meta", pair("layout", "1 32 chat")},
                                             {"INFO", bulk(info())},
                                             {"INFO commandstats", bulk("")},
                                             {"CONFIG GET appendfsync", pair("appendfsync", "always")},
                                             {"CONFIG GET aof-load-truncated", pair("aof-load-truncated", "no")},
                                             {"CONFIG GET no-appendfsync-on-rewrite", pair("no-appendfsync-on-rewrite", "no")}};
  for (const auto& command : durability::dry_runs_of_the_log("hf:meta")) {
    std::string words;
    for (const std::string& word : command) words.append(words.empty() ? "" : " ").append(word);
    answers[words] = "+OK\r\n";
  }
  for (const auto& [command, answer] : odd) answers[command] = answer;
  Preflight preflight({}, requirements);
  std::vector<std::string> asked;
  const std::size_t count = preflight.ask([&](redis::Argv argv) {
    std::string words;
    for (const std::string_view word : argv) words.append(words.empty() ? "" : " ").append(word);
    asked.push_back(words);
  });
  EXPECT_EQ(count, asked.size());
  for (const std::string& command : asked) {
    const auto reply = redis::Reply::parse(answers[command]);
    if (!reply) {
      ADD_FAILURE() << "no such answer to " << command;
      continue;
    }
    EXPECT_EQ(preflight.answered(reply->view()), &command == &asked.back()) << command;
  }
  AofHistory history;
  return preflight.conclude(history);
}

TEST(Preflight, ADurableServerOfOurFleetPasses) {
  const auto conclusion = preflight();
  EXPECT_THAT(conclusion.judgement.failing, IsEmpty());
  EXPECT_TRUE(conclusion.transactions);
  EXPECT_TRUE(conclusion.sync_always);
  EXPECT_FALSE(conclusion.foreign_layout);
  EXPECT_EQ(conclusion.maxmemory, 268'435'456U);
}

TEST(Preflight, TransactionsNeedBothMultiAndExec) {
  EXPECT_FALSE(preflight({{"MULTI", "-NOPERM no\r\n"}, {"EXEC", "-ERR EXEC without MULTI\r\n"}}).transactions);
  EXPECT_FALSE(preflight({{"EXEC", "-NOPERM no\r\n"}}).transactions);
  EXPECT_THAT(preflight({{"EXEC", "-NOPERM no\r\n"}}).judgement.failing, IsEmpty()) << "it goes without";
}

TEST(Preflight, AnotherFleetsLayoutIsForeignAMissingOneIsNot) {
  const auto foreign = preflight({{"HGETALL hf:meta", "*2\r\n$6\r\nlayout\r\n$9\r\n1 64 chat\r\n"}});
  EXPECT_TRUE(foreign.foreign_layout);
  EXPECT_THAT(foreign.judgement.text(), AllOf(HasSubstr("layout: "), HasSubstr("1 64 chat")));
  for (const char* answer : {"*0\r\n", "-NOPERM no\r\n"}) {
    const auto missing = preflight({{"HGETALL hf:meta", answer}});
    EXPECT_FALSE(missing.foreign_layout);
    EXPECT_THAT(missing.judgement.text(), HasSubstr("layout: hf:meta "));
  }
}

TEST(Preflight, OneRefusedConfigGetMakesConfigUnreadable) {
  for (const char* name : {"appendfsync", "aof-load-truncated", "no-appendfsync-on-rewrite"}) {
    EXPECT_THAT(preflight({{std::string("CONFIG GET ") + name, "-NOPERM no\r\n"}}).judgement.text(), HasSubstr("config: ")) << name;
  }
}

TEST(Preflight, ADefaultUserWhoMayNotRunTheLogIsFoundOutWhereItMayBeAsked) {
  const std::string question = "ACL DRYRUN default XDEL hf:meta 0-1";
  EXPECT_THAT(preflight({{question, "$13\r\nno permission\r\n"}}).judgement.text(), StartsWith("aof_user: no permission"));
  for (const char* unknown : {"-NOPERM no\r\n", "-ERR unknown subcommand 'DRYRUN'\r\n"}) {
    EXPECT_THAT(preflight({{question, unknown}}).judgement.failing, IsEmpty());
  }
}

TEST(Preflight, AServerThatStillReadsItsDataLacksNothingElse) {
  constexpr const char* kRefused = "-LOADING Redis is loading the dataset in memory\r\n";
  const std::string loading = info({{"loading", "1"}, {"aof_enabled", "0"}});
  const auto conclusion = preflight({{"INFO", "$" + std::to_string(loading.size()) + "\r\n" + loading + "\r\n"},
                                     {"WAIT 0 0", kRefused},
                                     {"MULTI", kRefused},
                                     {"EXEC", kRefused},
                                     {"HSETNX hf:meta layout 1 32 chat", kRefused},
                                     {"HGETALL hf:meta", kRefused}},
                                    {.wait_replicas = 1});
  EXPECT_EQ(conclusion.judgement.text(), "loading: it still reads its data after a start");
  EXPECT_TRUE(conclusion.judgement.loading());
}

TEST(Preflight, ARefusedWaitCountsWhereReplicasAreWanted) {
  EXPECT_THAT(preflight({{"WAIT 0 0", "-NOPERM no WAIT\r\n"}}, {.wait_replicas = 1}).judgement.text(),
              HasSubstr("WAIT is refused: NOPERM no WAIT"));
}

TEST(Durability, NamesEveryFailingCheckAndWhy) {
  ServerFacts bad = facts({{"role", "slave"}, {"maxmemory", "0"}});
  bad.read_config("appendfsync", "everysec");
  AofHistory history;
  const std::string text = judge(bad, {}, history).text();
  EXPECT_THAT(text, HasSubstr("role: is slave, must be master"));
  EXPECT_THAT(text, HasSubstr("maxmemory: is 0"));
  EXPECT_THAT(text, HasSubstr("appendfsync: is everysec, must be always"));
}

TEST(Durability, NothingIsAssumedWhenInfoIsRefused) { EXPECT_THAT(failing({}), ElementsAre(Check::kInfo)); }

TEST(Durability, EverysecIsEnoughWhereTheOperatorSaysSo) {
  ServerFacts everysec = facts();
  everysec.read_config("appendfsync", "everysec");
  EXPECT_THAT(failing(everysec, {.required = Required::kEverysec}), IsEmpty());
  EXPECT_THAT(failing(facts(), {.required = Required::kEverysec}), IsEmpty());  // always is more
  everysec.read_config("appendfsync", "no");
  EXPECT_THAT(failing(everysec, {.required = Required::kEverysec}), ElementsAre(Check::kAppendfsync));
}

TEST(Durability, NoneAsksNothingOfTheDiskButNeverEviction) {
  const Requirements none{.required = Required::kNone};
  ServerFacts bare;
  bare.read_info(info({{"aof_enabled", "0"}, {"maxmemory", "0"}, {"maxmemory_policy", "noeviction"}}));
  EXPECT_THAT(failing(bare, none), IsEmpty());
  bare.read_info(info({{"aof_enabled", "0"}, {"maxmemory_policy", "allkeys-lru"}}));
  EXPECT_THAT(failing(bare, none), ElementsAre(Check::kMaxmemoryPolicy));
  bare.read_info(info({{"role", "slave"}}));
  EXPECT_THAT(failing(bare, none), ElementsAre(Check::kRole));
}

TEST(Durability, WhereConfigIsForbiddenTheOperatorsWordStandsIn) {
  ServerFacts managed;
  managed.read_info(info({{"aof_enabled", "0"}}));  // as managed services with a log of their own say
  EXPECT_THAT(failing(managed), ElementsAre(Check::kAppendonly, Check::kConfig));

  AofHistory history;
  const Judgement vouched = judge(managed, {.assume = Assumption::kAlways}, history);
  EXPECT_TRUE(vouched.ok());
  EXPECT_TRUE(vouched.assumed);

  EXPECT_THAT(failing(managed, {.assume = Assumption::kEverysec}), ElementsAre(Check::kAppendfsync));
  EXPECT_THAT(failing(managed, {.required = Required::kEverysec, .assume = Assumption::kEverysec}), IsEmpty());
}

TEST(Durability, WhatCanBeReadWinsOverTheOperatorsWord) {
  ServerFacts everysec = facts();
  everysec.read_config("appendfsync", "everysec");
  AofHistory history;
  const Judgement judgement = judge(everysec, {.assume = Assumption::kAlways}, history);
  EXPECT_FALSE(judgement.ok());
  EXPECT_FALSE(judgement.assumed);
}

TEST(Durability, CountsTheReplicasThatWaitNeeds) {
  EXPECT_THAT(failing(facts({{"connected_slaves", "1"}}), {.wait_replicas = 2}), ElementsAre(Check::kReplicas));
  EXPECT_THAT(failing(facts({{"connected_slaves", "2"}}), {.wait_replicas = 2}), IsEmpty());
}

TEST(AofHistory, ARewriteOnAServerSeenCompleteIsOrdinary) {
  AofHistory history;
  EXPECT_TRUE(history.live(facts()));
  EXPECT_TRUE(history.live(facts({{"aof_rewrite_in_progress", "1"}})));
  EXPECT_TRUE(history.live(facts({{"aof_rewrite_scheduled", "1"}})));
}

TEST(AofHistory, AppendonlyJustSwitchedOnIsLiveOnlyAfterItsFirstRewrite) {
  AofHistory history;
  EXPECT_TRUE(history.live(facts()));
  history.live(facts({{"aof_enabled", "0"}}));
  EXPECT_FALSE(history.live(facts({{"aof_rewrite_scheduled", "1"}})));
  EXPECT_FALSE(history.live(facts({{"aof_rewrite_in_progress", "1"}})));
  EXPECT_TRUE(history.live(facts()));
}

TEST(AofHistory, ASwitchOffAndOnBetweenTwoLooksIsSeenByTheConfigSets) {
  AofHistory history;
  EXPECT_TRUE(history.live(facts()));
  EXPECT_FALSE(history.live(facts({{"cmdstat_config|set", "calls=5,usec=1"}, {"aof_rewrite_in_progress", "1"}})));
  EXPECT_TRUE(history.live(facts({{"cmdstat_config|set", "calls=5,usec=1"}})));
  EXPECT_TRUE(history.live(facts({{"cmdstat_config|set", "calls=5,usec=1"}, {"aof_rewrite_in_progress", "1"}})));
}

TEST(AofHistory, AServerThatCountsNoConfigSetsIsKnownByItsRun) {
  AofHistory history;
  EXPECT_TRUE(history.live(facts({{"cmdstat_config|set", "-"}})));
  EXPECT_TRUE(history.live(facts({{"cmdstat_config|set", "-"}, {"aof_rewrite_in_progress", "1"}})));
}

TEST(AofHistory, ANewRunOrRoleHasToShowACompleteAofAgain) {
  AofHistory history;
  const auto rewriting = [](const char* run) { return facts({{"run_id", run}, {"aof_rewrite_in_progress", "1"}}); };
  EXPECT_TRUE(history.live(facts()));
  EXPECT_FALSE(history.live(rewriting("cccc")));
  EXPECT_TRUE(history.live(rewriting("aaaa")));  // the old one again: it was complete
  history.live(facts({{"role", "slave"}}));
  EXPECT_FALSE(history.live(rewriting("aaaa")));
  EXPECT_TRUE(history.live(facts()));
  EXPECT_TRUE(history.live(rewriting("aaaa")));
}

// ---- memory ----

TEST(MemoryGate, ClosesAboveTheLimitAndOpensFivePointsBelow) {
  MemoryGate gate(80);
  EXPECT_FALSE(gate.update(800, 1000));
  EXPECT_TRUE(gate.update(801, 1000));
  EXPECT_TRUE(gate.update(790, 1000));
  EXPECT_TRUE(gate.update(750, 1000));
  EXPECT_FALSE(gate.update(749, 1000));
  EXPECT_FALSE(gate.update(800, 1000));
}

TEST(MemoryGate, MemoryWithoutABoundNeverCloses) {
  MemoryGate gate(80);
  EXPECT_FALSE(gate.update(1UL << 40, 0));
}

TEST(MemoryGate, AHigherMaxmemoryOpensIt) {
  MemoryGate gate(80);
  EXPECT_TRUE(gate.update(900, 1000));
  EXPECT_FALSE(gate.update(900, 2000));
}

// ---- schedule ----

TEST(Schedule, AnUnansweredAppendIsRepeatedTwiceAtMostAndApart) {
  const base::BootTime now(1h);
  EXPECT_EQ(next_append(1, now, now + 20s), now + 250ms);
  EXPECT_EQ(next_append(2, now, now + 20s), now + 250ms);
  EXPECT_EQ(next_append(3, now, now + 20s), std::nullopt);
}

TEST(Schedule, NothingIsRepeatedPastItsDeadline) {
  const base::BootTime now(1h);
  EXPECT_EQ(next_append(1, now, now + 250ms), std::nullopt);
  EXPECT_EQ(next_append(1, now, now - 1s), std::nullopt);
  EXPECT_EQ(next_append(1, now, now + 251ms), now + 250ms);
}

TEST(Schedule, PausesGrowToAQuarterOfASecond) {
  EXPECT_EQ(pause_after(1), 50ms);
  EXPECT_EQ(pause_after(2), 100ms);
  EXPECT_EQ(pause_after(3), 200ms);
  EXPECT_EQ(pause_after(4), 250ms);
  EXPECT_EQ(pause_after(1'000'000), 250ms);
}

// ---- fifo, inbox ----

std::vector<int> content(Fifo<int>& fifo) { return {fifo.begin(), fifo.end()}; }

TEST(Fifo, KeepsOrderAcrossBothEndsAndItsOwnCompaction) {
  Fifo<int> fifo;
  std::vector<int> more{1, 2, 3};
  fifo.append(more);
  EXPECT_THAT(more, IsEmpty());
  EXPECT_EQ(fifo.pop_front(), 1);
  more = {4, 5};
  fifo.append(more);
  more = {8, 9};
  fifo.prepend(more);
  EXPECT_THAT(content(fifo), ElementsAre(8, 9, 2, 3, 4, 5));
  fifo.drop_if([](int number) { return number % 2 == 0; });
  EXPECT_THAT(content(fifo), ElementsAre(9, 3, 5));

  fifo.clear();
  int in = 0;
  int out = 0;
  while (out < 10'000) {  // never empty: the front is cut off now and then
    while (in < out + 700) fifo.push_back(in++);
    for (int i = 0; i < 300; ++i) ASSERT_EQ(fifo.pop_front(), out++);
  }
  EXPECT_EQ(fifo.size(), static_cast<std::size_t>(in - out));
}

Pending pending(std::size_t bytes) {
  Pending made;
  made.bytes = bytes;
  return made;
}

TEST(Inbox, IsBoundedByEntriesAndBytesThatAreUnanswered) {
  base::Wakeup wakeup;
  Inbox inbox(3, 100, wakeup);
  Fifo<Pending> queue;
  Pending one = pending(40);
  Pending two = pending(40);
  Pending three = pending(40);
  EXPECT_EQ(inbox.put(one), std::nullopt);
  EXPECT_EQ(inbox.put(two), std::nullopt);
  EXPECT_EQ(inbox.put(three), Overload::kBytes);
  EXPECT_EQ(inbox.take(queue, {}).held.bytes, 80U);
  EXPECT_EQ(inbox.put(three), Overload::kBytes);  // taken isn't answered
  EXPECT_EQ(inbox.take(queue, {1, 40}).held.entries, 1U);
  EXPECT_EQ(inbox.put(three), std::nullopt);
  Pending small = pending(1);
  Pending smaller = pending(1);
  EXPECT_EQ(inbox.put(small), std::nullopt);
  EXPECT_EQ(inbox.put(smaller), Overload::kQueue);
}

TEST(Inbox, TakesAnEntryLargerThanAllWhenItIsAlone) {
  base::Wakeup wakeup;
  Inbox inbox(3, 100, wakeup);
  Pending huge = pending(1000);
  Pending next = pending(1);
  EXPECT_EQ(inbox.put(huge), std::nullopt);
  EXPECT_EQ(inbox.put(next), Overload::kBytes);
}

TEST(Inbox, RefusesWhileMemoryIsHighAndForGoodOnceClosed) {
  base::Wakeup wakeup;
  Inbox inbox(3, 100, wakeup);
  Pending one = pending(1);
  inbox.set_memory_closed(true);
  EXPECT_EQ(inbox.put(one), Overload::kMemory);
  inbox.set_memory_closed(false);
  EXPECT_EQ(inbox.put(one), std::nullopt);
  inbox.close();
  Pending two = pending(1);
  EXPECT_EQ(inbox.put(two), Overload::kStopping);
  Fifo<Pending> queue;
  EXPECT_TRUE(inbox.take(queue, {}).closed);
  EXPECT_EQ(queue.size(), 1U);
}

// ---- metrics ----

TEST(AppendMetrics, EverySeriesExistsFromTheStart) {
  metrics::Registry registry(kTable, "test");
  const Metrics metrics(registry, 2);
  const std::string text = registry.text();
  for (const char* series :
       {"hookfleet_append_entries_total{outcome=\"stored\"} 0", "hookfleet_append_entries_total{outcome=\"unknown\"} 0",
        "hookfleet_append_overloads_total{reason=\"memory\"} 0", "hookfleet_append_retries_total{reason=\"lost\"} 0",
        "hookfleet_append_refusals_total{error=\"oom\"} 0", "hookfleet_append_check_failed{check=\"appendfsync\"} 0",
        "hookfleet_append_durable 0", "hookfleet_stream_backlog_entries{partition=\"1\"} 0"}) {
    EXPECT_THAT(text, HasSubstr(series));
  }
}

TEST(AppendMetrics, ChecksHaveDistinctNames) {
  std::set<std::string_view> names;
  for (const Check check : kChecks) names.insert(to_text(check));
  EXPECT_EQ(names.size(), kChecks.size());
}

}  // namespace
}  // namespace hookfleet::append
