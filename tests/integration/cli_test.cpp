#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/base/uuid.hpp"
#include "common/digest/digest.hpp"
#include "common/notification/envelope.hpp"
#include "common/notification/identity.hpp"
#include "common/redis/script.hpp"
#include "common/stream/attempts.hpp"
#include "common/stream/entry.hpp"
#include "common/stream/mark.hpp"
#include "common/stream/netstring.hpp"
#include "common/stream/news.hpp"
#include "common/stream/poll_trouble.hpp"
#include "common/stream/scripts.hpp"
#include "tests/support/called.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/tcp_gate.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/wait_until.hpp"

namespace hookfleet::cli {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using stream::StreamId;
using support::kSoon;
using support::wait_until;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t kInstance = 1'101'000'001;

/// A Redis with the layout of a fleet, and the command line called as its main() does.
class Cli : public testing::Test {
 protected:
  Cli() { server_.call({"HSET", keys_.meta(), "layout", "1 32 chat"}); }
  void TearDown() override { server_.expect_nothing_refused(); }

  Called call(std::vector<std::string> arguments) {
    return called(arguments, {{"HOOKFLEET_REDIS__URL", server_.url_of("cli")}, {"USER", "tester"}});
  }

  static stream::Entry entry(const std::string& chat, const std::string& id_message, const std::string& text = "hello") {
    const auto now = std::chrono::system_clock::now();
    return {base::make_uuid_v7(now),
            kInstance,
            chat,
            "incomingMessageReceived",
            base::unix_ms(now),
            stream::Source::kWebhook,
            "trace",
            R"({"typeWebhook":"incomingMessageReceived","instanceData":{"idInstance":1101000001,"typeInstance":"whatsapp"},)"
            R"("timestamp":1764113835,"senderData":{"chatId":")" +
                chat + R"("},"idMessage":")" + id_message +
                R"(","messageData":{"typeMessage":"textMessage","textMessageData":{"textMessage":")" + text + R"("}}})"};
  }
  unsigned partition(const std::string& chat) const { return stream::partition_of(kInstance, chat, keys_.partitions()); }

  StreamId add(const stream::Entry& entry) {
    const stream::XaddCommand command(keys_.stream(partition(entry.chat)), entry);
    return StreamId::parse(server_.text_of(command.argv())).value();
  }
  /// Straight into the dead letters, as `ack` writes them.
  StreamId bury(const stream::Entry& entry, stream::DeadClass dead_class = stream::DeadClass::kFailed, const std::string& error = "boom") {
    const stream::XaddCommand command(keys_.dlq(partition(entry.chat)), entry);
    std::vector<std::string_view> argv(command.argv().begin(), command.argv().end());
    for (std::string_view word : {"dead", "1", "orig", "1-1", "class", "failed", "error", "boom", "attempts", "8", "first", "1764113835123",
                                  "last", "1764113835999", "worker", "w", "actions", ""}) {
      argv.push_back(word == "boom" ? std::string_view(error) : word == "failed" ? stream::to_text(dead_class) : word);
    }
    return StreamId::parse(server_.text_of(redis::Argv(argv))).value();
  }
  std::uint64_t length(const std::string& key) { return std::stoull(server_.text({"XLEN", key})); }
  std::string ref(const std::string& chat, StreamId id) const { return std::to_string(partition(chat)) + '/' + id.text(); }

  struct Server : support::RedisServer {
    using support::RedisServer::RedisServer;
    std::string text_of(redis::Argv argv) { return std::string(call(argv).view().text()); }
  };
  Server server_{{.roles = true}};
  const stream::Keys keys_{stream::Layout{}};
};

/// The program itself, its output in a file.
class Program {
 public:
  Program(std::vector<std::string> arguments, const std::string& url) {
    arguments.insert(arguments.begin(), HOOKFLEET_BIN_DIR "/hookfleet");
    process_.emplace(support::Process::Options{arguments, {{"HOOKFLEET_REDIS__URL", url}}, dir_ / "output"});
  }
  std::string output() const { return support::read_file(dir_ / "output"); }
  bool says(const std::string& text) {
    return wait_until(kSoon, [&] { return output().find(text) != std::string::npos; });
  }
  void interrupt() { process_->signal(SIGINT); }
  std::optional<int> wait() { return process_->wait(kSoon); }

 private:
  support::TempDir dir_;
  std::optional<support::Process> process_;
};

// ---- status

TEST_F(Cli, StatusShowsOwnersBacklogRetriesDeadLettersMembersAndHolds) {
  const stream::Entry waiting = entry("a@c.us", "1");
  const StreamId id = add(waiting);
  bury(entry("b@c.us", "2"));
  const unsigned p = partition("a@c.us");
  server_.call({"HSET", keys_.att(p), id.text(), stream::Attempts{.failed = 1}.text()});
  const std::string now = server_.text({"EVAL", "return string.format('%d', redis.call('TIME')[1] * 1000)", "0"});
  std::string hold = "1";
  stream::put(hold, std::string_view(now));
  server_.call({"HSET", keys_.ctl(p), "v", "1", "owner", "w:1", "epoch", "5", "until", std::to_string(std::stoll(now) + 60'000),
                "hold:incomingCall", hold});
  server_.call({"ZADD", keys_.members(), now, "w:1"});

  const Called table = call({"status"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("partitions 1/32 owned  backlog 1"), HasSubstr("retries 1  dead letters 1 (oldest"),
                               HasSubstr("holds 1"), HasSubstr("hookfleet resume incomingCall"), HasSubstr("w:1")));
  const json status = json::parse(call({"status", "-o", "json"}).out);
  EXPECT_EQ(status["partitions"][p]["owner"], "w:1");
  EXPECT_EQ(status["partitions"][p]["backlog"], 1);
  EXPECT_EQ(status["partitions"][p]["retries"], 1);
  EXPECT_EQ(status["total"]["dead_letters"], 1);
  EXPECT_EQ(status["members"][0]["partitions"], 1);
  EXPECT_EQ(status["partitions"][p]["holds"][0]["held"], true);
}

TEST_F(Cli, StatusOfAnEmptyRedisSaysThatNoFleetHasRun) {
  server_.call({"FLUSHALL"});
  const Called empty = call({"status"});
  EXPECT_EQ(empty.code, 0);
  EXPECT_THAT(empty.out, AllOf(HasSubstr("none yet (no program of the fleet has run)"), HasSubstr("no members: no worker runs")));
  EXPECT_EQ(server_.text({"DBSIZE"}), "0") << "looking writes nothing";
}

TEST_F(Cli, StatusAndDoctorShowPollersAndTheInstancesThatFailOrThatNobodyHas) {
  EXPECT_THAT(call({"status"}).out, Not(HasSubstr("POLLER"))) << "none runs, none is needed";
  const std::int64_t now = std::stoll(server_.text({"EVAL", "return string.format('%d', redis.call('TIME')[1] * 1000)", "0"}));
  const std::string until = std::to_string(now + 60'000);
  server_.call({"ZADD", keys_.pollers(), std::to_string(now), "alpha:7:1"});
  server_.call({"ZADD", keys_.polled(), "1", "11", "1", "12", "1", "13", "1", "14", "1", "15"});
  const auto lease = [&](std::uint64_t id, const std::string& epoch, const std::string& ends, const stream::PollTrouble& trouble) {
    server_.call({"HSET", keys_.poll(id), "v", "1", "owner", "alpha:7:1", "epoch", epoch, "until", ends, "trouble",
                  trouble.kind.empty() ? "" : trouble.text()});
  };
  const std::string early = std::to_string(now - 3'600'000);
  lease(11, early, until, {});
  lease(12, std::to_string(now), until,
        {.epoch = std::to_string(now), .since_ms = now - 190'000, .kind = "unauthorized", .message = "HTTP 401\x1b[2J"});
  lease(13, std::to_string(now), until, {.epoch = std::to_string(now), .since_ms = now - 1'000, .kind = "retry", .message = "HTTP 502"});
  lease(14, std::to_string(now), std::to_string(now - 1), {.epoch = "1", .since_ms = 1, .kind = "retry", .message = "ran out"});

  const Called pollers = call({"status", "--pollers"});
  EXPECT_EQ(pollers.code, 0) << pollers.err;
  EXPECT_THAT(pollers.out, testing::ContainsRegex("alpha:7:1 +[0-9.]+m?s ago  20[0-9T:.-]+Z +3 +2\n"));
  EXPECT_THAT(pollers.out, HasSubstr("instances 5  failing 2  unowned 2\n"));
  EXPECT_THAT(pollers.out, testing::ContainsRegex("12  paused +3m1.s  alpha:7:1  unauthorized: HTTP 401"));
  EXPECT_THAT(pollers.out, HasSubstr("HTTP 401\\u001b[2J\n"));
  EXPECT_THAT(pollers.out, testing::ContainsRegex("13  failing +[0-9.]+s  alpha:7:1  retry: HTTP 502\n"));
  EXPECT_THAT(pollers.out, testing::ContainsRegex("14  unowned +-  - +no poller holds it\n"));
  EXPECT_THAT(pollers.out, AllOf(HasSubstr("15  unowned"), Not(HasSubstr("\n      11")), Not(HasSubstr("ran out"))));
  EXPECT_THAT(call({"status"}).out,
              AllOf(HasSubstr("\nPOLLER "), HasSubstr("\ninstances 5  failing 2  unowned 2\n"), HasSubstr("15  unowned")));

  // Another tenure's word is void.
  lease(13, std::to_string(now), until, {.epoch = "5", .since_ms = now, .kind = "retry", .message = "HTTP 502"});
  const json status = json::parse(call({"status", "-o", "json"}).out);
  EXPECT_EQ(status["pollers"][0]["instances"], 3);
  EXPECT_EQ(status["pollers"][0]["failing"], 1);
  EXPECT_EQ(status["pollers"][0]["since"], base::rfc3339(base::from_unix_ms(now - 3'600'000)));
  EXPECT_EQ(status["polled"][1]["trouble"]["kind"], "unauthorized");
  EXPECT_FALSE(status["polled"][2].contains("trouble"));
  EXPECT_TRUE(status["polled"][3]["poller"].is_null());

  const Called doctor = call({"doctor"});
  EXPECT_EQ(doctor.code, 1);
  EXPECT_THAT(doctor.out, AllOf(HasSubstr("1 live, 5 instances"), testing::ContainsRegex("fail  pollers.unowned +14, 15\n"),
                                testing::ContainsRegex("fail  pollers.unauthorized +12 \\(HTTP 401")));
  server_.call({"DEL", keys_.pollers()});
  EXPECT_THAT(call({"doctor"}).out, testing::ContainsRegex("fail  pollers +none lives; 5 instances are to be fetched for\n"));
}

TEST_F(Cli, StatusTakesTheFleetsOwnNumberOfPartitions) {
  server_.call({"HSET", keys_.meta(), "layout", "1 4 instance"});
  EXPECT_EQ(json::parse(call({"status", "-o", "json"}).out)["partitions"].size(), 4U);
}

TEST_F(Cli, StatusGoesOnOverAKeyOfAnotherTypeAndFails) {
  server_.call({"SET", keys_.att(3), "x"});
  add(entry("a@c.us", "1"));
  const Called odd = call({"status"});
  EXPECT_EQ(odd.code, 1);
  EXPECT_THAT(odd.out, AllOf(HasSubstr("backlog 1"), HasSubstr("unreadable: " + keys_.att(3)), HasSubstr("WRONGTYPE")));
}

TEST_F(Cli, StatusWatchShowsRatesAndEndsAtAnInterrupt) {
  Program watch({"status", "--watch", "--interval", "100ms"}, server_.url_of("cli"));
  ASSERT_TRUE(watch.says("IN/S")) << watch.output();
  EXPECT_THAT(watch.output(), Not(HasSubstr("\x1b"))) << "no terminal, no escape sequences";
  watch.interrupt();
  EXPECT_EQ(watch.wait(), 0);
}

TEST_F(Cli, StatusWatchUnderNohupOutlivesItsTerminal) {
  support::TempDir dir;
  support::Process watch({{"/usr/bin/nohup", HOOKFLEET_BIN_DIR "/hookfleet", "status", "--watch", "--interval", "100ms"},
                          {{"HOOKFLEET_REDIS__URL", server_.url_of("cli")}},
                          dir / "output"});
  const auto shows = [&](std::size_t from) {
    return wait_until(kSoon, [&] { return support::read_file(dir / "output").find("IN/S", from) != std::string::npos; });
  };
  ASSERT_TRUE(shows(0)) << support::read_file(dir / "output");
  watch.signal(SIGHUP);
  const auto before = support::read_file(dir / "output").size();
  EXPECT_TRUE(shows(before)) << "it goes on";
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(kSoon), 0);
}

TEST_F(Cli, StatusWatchOutlivesARestartOfRedis) {
  Program watch({"status", "--watch", "--interval", "100ms", "-o", "json"}, server_.url_of("cli"));
  ASSERT_TRUE(watch.says("in_per_s"));
  server_.kill();
  ASSERT_TRUE(watch.says("trying again")) << watch.output();
  const auto before = watch.output().size();
  server_.start();
  EXPECT_TRUE(wait_until(kSoon, [&] { return watch.output().find("in_per_s", before) != std::string::npos; })) << watch.output();
  watch.interrupt();
  EXPECT_EQ(watch.wait(), 0);
}

// ---- tail

TEST_F(Cli, TailFollowsAllPartitionsFiltersAndNeverShowsControlCharacters) {
  add(entry("old@c.us", "0"));
  Program tail({"tail", "-n", "2", "--dead-letters", "--body", "--instance", std::to_string(kInstance)}, server_.url_of("cli"));
  ASSERT_TRUE(tail.says("following 64 streams"));
  stream::Entry other = entry("a@c.us", "1");
  other.id_instance = 5;
  add(other);
  stream::Entry nasty = entry("evil\x1b[2J\r\n@c.us", "2", "x");
  nasty.body = "\x1b]0;owned\x07 not JSON";
  add(nasty);
  bury(entry("b@c.us", "3"), stream::DeadClass::kCrash, "died \x1b[31m");
  EXPECT_EQ(tail.wait(), 0) << tail.output();
  EXPECT_THAT(tail.output(),
              AllOf(HasSubstr("evil\\u001b[2J\\u000d\\u000a@c.us"), HasSubstr("DEAD crash: died \\u001b[31m"), HasSubstr("\\u001b]0;owned"),
                    Not(HasSubstr("\x1b")), Not(HasSubstr("\x07")), Not(HasSubstr("old@c.us"))));
}

// ---- show and find

TEST_F(Cli, ShowFindsAnEntryByItsIdWithAttemptsMarkAndExactBody) {
  stream::Entry wanted = entry("a@c.us", "M1");
  wanted.body += " \n";
  const StreamId id = add(wanted);
  for (int i = 0; i < 20; ++i) add(entry("a@c.us", std::to_string(i)));
  server_.call({"HSET", keys_.att(partition("a@c.us")), id.text(), stream::Attempts{.failed = 3, .due_ms = 1'764'113'835'123}.text()});
  const Called shown = call({"show", wanted.id});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("ref " + ref("a@c.us", id)), HasSubstr("3 failed, next at 2025-11-25T23:37:15.123Z"),
                               HasSubstr("M1"), HasSubstr("mark         none")));
  EXPECT_THAT(shown.err, HasSubstr("looked at: stream from"));
  EXPECT_EQ(call({"show", wanted.id, "--raw"}).out, wanted.body);
  EXPECT_EQ(call({"show", ref("a@c.us", id), "--raw"}).out, wanted.body);
  const json found = json::parse(call({"show", wanted.id, "-o", "json"}).out);
  EXPECT_EQ(found["found"][0]["body"], wanted.body);
  EXPECT_EQ(found["found"][0]["attempts"]["failed"], 3);
}

TEST_F(Cli, ShowFindsADeadLetterByItsId) {
  const stream::Entry dead = entry("a@c.us", "M1");
  bury(dead, stream::DeadClass::kRejected, "no\nsuch\x1b[2J");
  const Called shown = call({"show", dead.id});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("dead letters, ref"), HasSubstr("class        rejected"), HasSubstr("no\\u000asuch\\u001b[2J"),
                               Not(HasSubstr("\x1b"))));
}

TEST_F(Cli, ShowSaysWhereItLookedForWhatIsNowhere) {
  const Called nothing = call({"show", base::make_uuid_v7(std::chrono::system_clock::now())});
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.err, AllOf(HasSubstr("not found; looked at: stream from"), HasSubstr("dead letters since"),
                                 HasSubstr("hookfleet find --id-message")));
  EXPECT_EQ(call({"show", "99/1-1"}).code, 2);
  EXPECT_EQ(call({"show", "1/1-1"}).code, 1);
  EXPECT_EQ(call({"show", "123e4567-e89b-42d3-a456-426614174000"}).code, 2) << "a UUIDv4 carries no time";
}

TEST_F(Cli, FindLooksIntoStreamDeadLettersAndMarks) {
  const stream::Entry waiting = entry("a@c.us", "M1");
  const stream::Entry dead = entry("b@c.us", "M1");
  add(waiting);
  bury(dead);
  const auto envelope = notification::read_envelope(waiting.body);
  const auto identity = notification::identity_of(kInstance, "incomingMessageReceived", "c@c.us", envelope, waiting.body);
  server_.call({"SET", keys_.mark(partition("c@c.us"), digest::as_bytes(identity)),
                stream::Mark{1'764'113'835'123, waiting.id, {notification::body_digest(waiting.body, envelope)}}.text()});

  const Called all = call({"find", "--id-message", "M1"});
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.out, AllOf(HasSubstr(waiting.id), HasSubstr(dead.id)));
  EXPECT_THAT(all.err, AllOf(HasSubstr("all 32 partitions"), HasSubstr("marks not: that needs --chat and --instance")));

  const std::string instance = std::to_string(kInstance);
  const Called ended = call({"find", "--id-message", "M1", "--chat", "c@c.us", "--instance", instance});
  EXPECT_EQ(ended.code, 0);
  EXPECT_THAT(ended.out, HasSubstr("ended: incomingMessageReceived: a version received 2025-11-25T23:37:15.123Z"));
  EXPECT_THAT(ended.err, HasSubstr("partition " + std::to_string(partition("c@c.us"))));

  const Called chat = call({"find", "--chat", "a@c.us", "--instance", instance, "-o", "json"});
  EXPECT_EQ(json::parse(chat.out)["found"].size(), 1U);
  EXPECT_EQ(call({"find", "--chat", "nobody@c.us"}).code, 1);
  EXPECT_THAT(call({"find", "--chat", "nobody@c.us", "--limit", "1"}).err, HasSubstr("the bound is reached"));
}

TEST_F(Cli, FindLooksUpTheMarksOfEveryStatus) {
  for (const auto& [type, status] : {std::pair{"outgoingMessageStatus", "noActiveSession"}, std::pair{"outgoingCall", "hungUp"}}) {
    notification::Envelope envelope;
    envelope.id_message = "M1";
    envelope.status = status;
    const auto identity = notification::identity_of(kInstance, type, "c@c.us", envelope, "");
    server_.call(
        {"SET", keys_.mark(partition("c@c.us"), digest::as_bytes(identity)),
         stream::Mark{1'764'113'835'123, base::make_uuid_v7(std::chrono::system_clock::now()), {notification::BodyDigest{}}}.text()});
    const Called found = call({"find", "--id-message", "M1", "--chat", "c@c.us", "--instance", std::to_string(kInstance)});
    EXPECT_THAT(found.out, HasSubstr("ended: " + std::string(type) + ' ' + status)) << found.err;
  }
}

// ---- dead letters

TEST_F(Cli, DeadLettersAreListedByEveryFilter) {
  bury(entry("a@c.us", "1"), stream::DeadClass::kFailed);
  bury(entry("b@c.us", "2"), stream::DeadClass::kCrash);
  server_.call({"XADD", keys_.dlq(5), "*", "what", "ever"});
  const auto count = [&](std::vector<std::string> filters) {
    filters.insert(filters.begin(), {"dead-letters", "list", "-o", "json"});
    const Called listed = call(filters);
    EXPECT_EQ(listed.code, 0) << listed.err;
    return std::count(listed.out.begin(), listed.out.end(), '\n');
  };
  EXPECT_EQ(count({}), 3);
  EXPECT_EQ(count({"--class", "crash"}), 1);
  EXPECT_EQ(count({"--type", "incomingMessageReceived"}), 2);
  EXPECT_EQ(count({"--type", "incomingCall"}), 0);
  EXPECT_EQ(count({"--instance", std::to_string(kInstance), "--chat", "a@c.us"}), 1);
  EXPECT_EQ(count({"--chat", "b@c.us"}), 1);
  EXPECT_EQ(count({"--since", "1h"}), 3);
  EXPECT_EQ(count({"--until", "1h"}), 0);
  EXPECT_EQ(count({"--limit", "2"}), 2);
  const Called table = call({"dead-letters", "list"});
  EXPECT_THAT(table.out, AllOf(HasSubstr("REF"), HasSubstr("foreign"), HasSubstr("boom")));
  EXPECT_THAT(table.err, HasSubstr("3: 1 crash, 1 failed, 1 foreign"));
}

TEST_F(Cli, TheOldestAreListedOfAllPartitions) {
  std::vector<unsigned> partitions{9, 3, 20, 3, 0, 9};  // in the order of their deaths
  for (std::size_t i = 0; i < partitions.size(); ++i) {
    server_.call({"XADD", keys_.dlq(partitions[i]), std::to_string(1'764'113'835'000 + i) + "-0", "what", "ever"});
  }
  for (std::size_t limit = 1; limit <= partitions.size(); ++limit) {
    const Called listed = call({"dead-letters", "list", "-o", "json", "--limit", std::to_string(limit)});
    std::istringstream lines(listed.out);
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) EXPECT_EQ(json::parse(line)["partition"], partitions.at(count)) << limit;
    EXPECT_EQ(count, limit);
  }
  EXPECT_THAT(call({"dead-letters", "list", "--limit", "5"}).err, HasSubstr("5: 5 foreign; there may be more"));
  EXPECT_THAT(call({"dead-letters", "list", "--limit", "6"}).err, Not(HasSubstr("there may be more")));
}

TEST_F(Cli, IdsGivenAreNotCutByTheDefaultLimitNorCalledMissing) {
  std::vector<std::string> ids{"dead-letters", "show"};
  for (int i = 0; i < 12; ++i) {
    const stream::Entry dead = entry("c" + std::to_string(i) + "@c.us", std::to_string(i));
    const StreamId id = bury(dead);
    ids.push_back(i % 2 == 0 ? dead.id : ref(dead.chat, id));
  }
  const Called all = call(ids);
  EXPECT_EQ(all.code, 0) << all.err;
  for (const std::string verb : {"show", "list", "export", "redrive"}) {
    SCOPED_TRACE(verb);
    std::vector<std::string> limited = ids;
    limited[1] = verb;
    limited.insert(limited.end(), {"--limit", "9"});
    if (verb == "redrive") limited.emplace_back("--dry-run");
    const Called some = call(limited);
    EXPECT_THAT(some.err, Not(HasSubstr("is no dead letter")));
    if (verb == "list") continue;  // it looks at all, and shows the oldest
    EXPECT_EQ(some.code, 1);
    EXPECT_THAT(some.err, HasSubstr("was not looked for to the end"));
  }
  ids.push_back(base::make_uuid_v7(std::chrono::system_clock::now()));
  const Called missing = call(ids);
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, AllOf(HasSubstr(ids.back() + ": is no dead letter"), Not(HasSubstr("not looked for"))));
}

TEST_F(Cli, ExportKeepsTheExactBytes) {
  stream::Entry binary = entry("a@c.us", "1");
  binary.body = std::string("\xff\0\x1b{", 4);
  stream::Entry text = entry("b@c.us", "2", "Привет \\u0000 \xc2\x9b");
  bury(binary);
  bury(text);
  const Called exported = call({"dead-letters", "export"});
  EXPECT_EQ(exported.code, 0);
  EXPECT_THAT(exported.out, AllOf(Not(HasSubstr("\x1b")), Not(HasSubstr("\xc2\x9b"))));
  std::istringstream lines(exported.out);
  std::map<std::string, json> by_id;
  for (std::string line; std::getline(lines, line);) {
    json one = json::parse(line);
    by_id[one["id"]] = one;
  }
  EXPECT_EQ(by_id.at(binary.id)["body_base64"], digest::to_base64(binary.body));
  EXPECT_EQ(by_id.at(text.id)["body"], text.body);
  for (const char* name : {"v", "id", "i", "c", "t", "r", "s", "q"}) EXPECT_TRUE(by_id.at(text.id).contains(name)) << name;
}

TEST_F(Cli, RedriveMovesWhatMatchesOnceAndLeavesAnAuditRecord) {
  const stream::Entry failed = entry("a@c.us", "1");
  bury(failed);
  bury(entry("b@c.us", "2"), stream::DeadClass::kCrash);
  const std::vector<std::string> redrive{"dead-letters", "redrive", "--class", "failed"};
  const auto with = [&](std::string flag) {
    auto arguments = redrive;
    arguments.push_back(std::move(flag));
    return call(arguments);
  };
  EXPECT_THAT(with("--dry-run").out, HasSubstr("would be redriven: 1"));
  EXPECT_EQ(length(keys_.dlq(partition("a@c.us"))), 1U) << "a dry run changes nothing";
  EXPECT_EQ(server_.text({"EXISTS", keys_.audit()}), "0");
  const Called unasked = call(redrive);
  EXPECT_EQ(unasked.code, 2);
  EXPECT_THAT(unasked.err, HasSubstr("add --yes"));

  const Called done = with("--yes");
  EXPECT_EQ(done.code, 0) << done.err;
  EXPECT_EQ(done.out, "redriven 1\n");
  EXPECT_EQ(length(keys_.dlq(partition("a@c.us"))), 0U);
  EXPECT_EQ(length(keys_.dlq(partition("b@c.us"))), 1U);
  const redis::Reply back = server_.call({"XRANGE", keys_.stream(partition("a@c.us")), "-", "+"});
  stream::Entry expected = failed;
  expected.source = stream::Source::kRedrive;
  EXPECT_EQ(stream::decode(back.view()[0][1]), expected);
  EXPECT_EQ(with("--yes").code, 0) << "again: nothing matches, nothing is doubled";
  EXPECT_EQ(length(keys_.stream(partition("a@c.us"))), 1U);

  const redis::Reply audit = server_.call({"XRANGE", keys_.audit(), "-", "+"});
  ASSERT_EQ(audit.view().size(), 2U);
  std::map<std::string, std::string> end;
  for (std::size_t i = 0; i + 1 < audit.view()[1][1].size(); i += 2)
    end[std::string(audit.view()[1][1][i].text())] = audit.view()[1][1][i + 1].text();
  EXPECT_EQ(end["verb"], "dead-letters redrive");
  EXPECT_EQ(end["filters"], "class=failed");
  EXPECT_EQ(end["phase"], "end");
  EXPECT_EQ(end["done"], "1");
  EXPECT_THAT(end["who"], testing::StartsWith("tester@"));
  EXPECT_THAT(end["ids"], testing::StartsWith(std::to_string(partition("a@c.us")) + "/"));
}

TEST_F(Cli, RedriveRefusesWhatIsStaleUnlessForced) {
  stream::Entry old = entry("a@c.us", "M");
  old.received_ms -= 120'000;
  const StreamId id = bury(old);
  const auto envelope = notification::read_envelope(old.body);
  const auto identity = notification::identity_of(kInstance, old.type_webhook, old.chat, envelope, old.body);
  const stream::Mark later{old.received_ms + 60'000, old.id, {notification::BodyDigest{1}}};
  server_.call({"SET", keys_.mark(partition("a@c.us"), digest::as_bytes(identity)), later.text()});

  const Called refused = call({"dead-letters", "redrive", ref("a@c.us", id), "--yes"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.out, AllOf(HasSubstr("refused " + ref("a@c.us", id)), HasSubstr("stale: received"), HasSubstr("--force")));
  EXPECT_EQ(length(keys_.dlq(partition("a@c.us"))), 1U);

  const Called forced = call({"dead-letters", "redrive", old.id, "--yes", "--force"});
  EXPECT_EQ(forced.code, 0) << forced.err;
  const redis::Reply back = server_.call({"XRANGE", keys_.stream(partition("a@c.us")), "-", "+"});
  EXPECT_EQ(stream::decode(back.view()[0][1])->source, stream::Source::kForced);
}

TEST_F(Cli, RedriveOfMoreThanOneCallKeepsOrderAndRate) {
  std::vector<std::string> ids;
  for (int i = 0; i < 250; ++i) {
    ids.push_back(entry("a@c.us", std::to_string(i)).id);
    stream::Entry one = entry("a@c.us", std::to_string(i));
    one.id = ids.back();
    bury(one);
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(call({"dead-letters", "redrive", "--all", "--yes", "--rate", "500/s"}).out, "redriven 250\n");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 350ms) << "4 more calls of 50, a tenth of a second apart";
  const redis::Reply back = server_.call({"XRANGE", keys_.stream(partition("a@c.us")), "-", "+"});
  ASSERT_EQ(back.view().size(), 250U);
  for (std::size_t i = 0; i < 250; ++i) EXPECT_EQ(stream::decode(back.view()[i][1])->id, ids[i]);
}

TEST_F(Cli, RedriveOverAConnectionThatBreaksDoublesNothing) {
  for (int i = 0; i < 300; ++i) bury(entry("a@c.us", std::to_string(i)));
  support::TcpGate gate(server_.port());
  Program redrive({"dead-letters", "redrive", "--all", "--yes", "--rate", "100/s"}, "redis://127.0.0.1:" + std::to_string(gate.port()));
  ASSERT_TRUE(wait_until(kSoon, [&] { return length(keys_.stream(partition("a@c.us"))) >= 20; })) << redrive.output();
  gate.cut();
  ASSERT_TRUE(redrive.says("trying again")) << redrive.output();
  EXPECT_EQ(redrive.wait(), 0) << redrive.output();
  EXPECT_EQ(length(keys_.stream(partition("a@c.us"))), 300U);
  EXPECT_EQ(length(keys_.dlq(partition("a@c.us"))), 0U);
}

TEST_F(Cli, RedriveThatLosesRedisForGoodSaysWhatIsKnown) {
  for (int i = 0; i < 300; ++i) bury(entry("a@c.us", std::to_string(i)));
  Program redrive({"dead-letters", "redrive", "--all", "--yes", "--rate", "50/s"}, server_.url_of("cli"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return length(keys_.stream(partition("a@c.us"))) >= 10; })) << redrive.output();
  server_.kill();
  EXPECT_EQ(redrive.wait(), 1) << redrive.output();
  EXPECT_THAT(redrive.output(),
              AllOf(HasSubstr("broken off:"), HasSubstr("it isn't known whether it happened"), HasSubstr("Run the same command again")));
  server_.start();
  EXPECT_EQ(call({"dead-letters", "redrive", "--all", "--yes"}).code, 0);
  EXPECT_EQ(length(keys_.stream(partition("a@c.us"))), 300U);
}

TEST_F(Cli, RedriveInterruptedEndsBetweenCalls) {
  for (int i = 0; i < 100; ++i) bury(entry("a@c.us", std::to_string(i)));
  Program redrive({"dead-letters", "redrive", "--all", "--yes", "--rate", "20/s"}, server_.url_of("cli"));
  ASSERT_TRUE(wait_until(kSoon, [&] { return length(keys_.stream(partition("a@c.us"))) >= 4; }));
  redrive.interrupt();
  EXPECT_EQ(redrive.wait(), 1);
  EXPECT_THAT(redrive.output(), AllOf(HasSubstr("interrupted"), HasSubstr("left ")));
  EXPECT_EQ(length(keys_.stream(partition("a@c.us"))) + length(keys_.dlq(partition("a@c.us"))), 100U);
}

TEST_F(Cli, DropDeletesWhatMatchesAlsoAtMaxmemory) {
  bury(entry("a@c.us", "1"), stream::DeadClass::kMalformed);
  bury(entry("b@c.us", "2"));
  server_.config_set("maxmemory", "1");
  const Called full = call({"dead-letters", "redrive", "--class", "failed", "--yes"});
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, AllOf(HasSubstr("Redis refuses: OOM"), HasSubstr("no audit record could be written")));
  const Called dropped = call({"dead-letters", "drop", "--class", "malformed", "--yes"});
  EXPECT_EQ(dropped.code, 0) << dropped.err;
  EXPECT_EQ(dropped.out, "dropped 1\n");
  EXPECT_EQ(length(keys_.dlq(partition("a@c.us"))), 0U);
  EXPECT_EQ(length(keys_.dlq(partition("b@c.us"))), 1U);
  server_.config_set("maxmemory", "268435456");
  const Called gone = call({"dead-letters", "drop", "3/1-1", "--yes"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.err, HasSubstr("3/1-1: is no dead letter"));
}

TEST_F(Cli, DeadLetterVerbsNameAKeyOfAnotherType) {
  server_.call({"SET", keys_.dlq(0), "x"});
  for (const char* verb : {"list", "export"}) {
    const Called odd = call({"dead-letters", verb});
    EXPECT_EQ(odd.code, 1);
    EXPECT_THAT(odd.err, AllOf(HasSubstr(keys_.dlq(0)), HasSubstr("WRONGTYPE"), HasSubstr("--prefix")));
  }
  server_.call({"DEL", keys_.dlq(0)});
  server_.call({"SET", keys_.audit(), "x"});
  bury(entry("a@c.us", "1"));
  const Called unaudited = call({"dead-letters", "drop", "--all", "--yes"});
  EXPECT_EQ(unaudited.code, 1);
  EXPECT_THAT(unaudited.err, HasSubstr("nothing more is done"));
  EXPECT_EQ(length(keys_.dlq(partition("a@c.us"))), 1U);
}

// ---- instances

TEST_F(Cli, InstancesShowsTheLatestStateOfEach) {
  EXPECT_THAT(call({"instances"}).err, AllOf(HasSubstr("no instance has told of its state"), HasSubstr("stateWebhook"),
                                             HasSubstr("hookfleet doctor --instance ID")));
  server_.call(
      {"HSET", keys_.inst(3), "1101000001 state", "1750000000 authorized", "1101000001 device", "1750000000 platform=iphone", "odd", "x"});
  server_.call({"HSET", keys_.inst(5), "1101000001 state", "1750000100 blocked\x1b[2J", "7 state", "1750000000 authorized"});
  const Called table = call({"instances"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("1101000001  blocked\\u001b[2J  2025-06-15T15:08:20.000Z  -      platform=iphone"),
                               HasSubstr("         7  authorized")));
  const auto shown = json::parse(call({"instances", "-o", "json"}).out);
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[1]["idInstance"], 1101000001);
  EXPECT_EQ(shown[0]["state"]["text"], "authorized");
  EXPECT_EQ(table.err, "");

  server_.call({"ZADD", keys_.polled(), "1", "8"});
  const Called polled = call({"instances"});
  EXPECT_EQ(polled.code, 0);
  EXPECT_THAT(polled.out, HasSubstr("         8  -"));
  EXPECT_THAT(polled.err, AllOf(HasSubstr("not 8 has told of its state"), HasSubstr("hookfleet doctor --instance 8 ")));
  const Called one = call({"instances", "7"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_THAT(one.out, AllOf(HasSubstr("7  authorized"), Not(HasSubstr("1101000001"))));
  const Called absent = call({"instances", "7", "9"});
  EXPECT_EQ(absent.code, 1);
  EXPECT_THAT(absent.err, HasSubstr("not 9 has told of its state"));
  EXPECT_EQ(call({"instances", "x"}).code, 2);
  server_.call({"DEL", keys_.inst(3)});
  server_.call({"SET", keys_.inst(3), "oops"});
  const Called broken = call({"instances"});
  EXPECT_EQ(broken.code, 1);
  EXPECT_THAT(broken.err, HasSubstr("WRONGTYPE"));
}

// ---- resume, log-level

TEST_F(Cli, ResumeRemovesTheHoldInAllPartitions) {
  std::string hold = "1";
  stream::put(hold, 1'764'113'835'123);
  for (const unsigned p : {2U, 9U}) server_.call({"HSET", keys_.ctl(p), "owner", "w", "hold:incomingCall", hold, "hold:other", hold});
  const Called resumed = call({"resume", "incomingCall"});
  EXPECT_EQ(resumed.code, 0) << resumed.err;
  EXPECT_THAT(resumed.out, HasSubstr("resumed incomingCall in 2 partitions"));
  EXPECT_EQ(server_.text({"HEXISTS", keys_.ctl(2), "hold:incomingCall"}), "0");
  EXPECT_EQ(server_.text({"HEXISTS", keys_.ctl(2), "hold:other"}), "1");
  EXPECT_EQ(server_.text({"HGET", keys_.ctl(9), "owner"}), "w");
  const Called again = call({"resume", "incomingCall"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("incomingCall is not held back; what is: other"));
  EXPECT_THAT(call({"resume", "--all"}).out, HasSubstr("resumed other in 2 partitions"));
  EXPECT_EQ(length(keys_.audit()), 2U) << "what changes nothing leaves no record";
}

TEST_F(Cli, ResumeRemovesAHoldThatItCantRead) {
  server_.call({"HSET", keys_.ctl(2), "hold:incomingCall", "2 of another version", "hold:other", "2"});
  EXPECT_EQ(call({"status"}).code, 1);
  const Called one = call({"resume", "other"});
  EXPECT_EQ(one.code, 1) << "the other one is still there";
  EXPECT_THAT(one.out, HasSubstr("removed what stood of other in 1 partition "));
  const Called all = call({"resume", "--all"});
  EXPECT_EQ(all.code, 0) << all.err;
  EXPECT_THAT(all.out, HasSubstr("removed what stood of incomingCall"));
  EXPECT_EQ(server_.text({"EXISTS", keys_.ctl(2)}), "0");
}

TEST_F(Cli, NewsListsWhatCameThatIsNotDocumented) {
  EXPECT_THAT(call({"news"}).out, HasSubstr("nothing has come"));
  const stream::News news{1'764'113'835'123, "host:1:aa", "01890000-0000-7000-8000-000000000001", 1101000001, "new\x1b[2J", 12,
                          "{\"new\":1}"};
  server_.call({"HSET", keys_.news(), "typeWebhook:new\x1b[2J", news.text(), "typeMessage:odd", "9"});
  const Called table = call({"news", "--body"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("typeWebhook  new\\u001b[2J"));
  EXPECT_THAT(table.out, HasSubstr("2025-11-25T23:37:15.123Z"));
  EXPECT_THAT(table.out, HasSubstr("\"new\": 1"));
  EXPECT_THAT(table.out, HasSubstr("(can't be read)"));
  const json list = json::parse(call({"news", "-o", "json"}).out);
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["what"], "typeWebhook");
  EXPECT_EQ(list[0]["id_instance"], 1101000001);
  EXPECT_FALSE(list[0].contains("body")) << "personal data only when asked for";
  EXPECT_EQ(call({"news", "--forget"}).code, 2) << "nobody can be asked";
  EXPECT_THAT(call({"news", "--forget", "--yes"}).out, HasSubstr("forgot 2"));
  EXPECT_EQ(server_.text({"EXISTS", keys_.news()}), "0");
  EXPECT_EQ(length(keys_.audit()), 1U);
}

TEST_F(Cli, LogLevelIsAWishInRedisUntilItIsReset) {
  EXPECT_EQ(json::parse(call({"log-level", "-o", "json"}).out)["worker"], nullptr);
  EXPECT_EQ(call({"log-level", "debug", "--process", "worker"}).code, 0);
  EXPECT_EQ(server_.text({"HGET", keys_.control(), "log_level.worker"}), "debug");
  const json all = json::parse(call({"log-level", "warn", "-o", "json"}).out);
  EXPECT_EQ(all["worker"], "warn") << "what is said to all replaces what was said to one";
  EXPECT_EQ(all["ingress"], "warn");
  EXPECT_EQ(call({"log-level", "--reset"}).code, 0);
  EXPECT_EQ(server_.text({"EXISTS", keys_.control()}), "0");
  server_.call({"SET", keys_.control(), "x"});
  const Called odd = call({"log-level", "info"});
  EXPECT_EQ(odd.code, 1);
  EXPECT_THAT(odd.err, HasSubstr("WRONGTYPE"));
}

TEST_F(Cli, ProgramsFollowTheLogLevelWhileTheyRunAndAtTheirStart) {
  EXPECT_EQ(call({"log-level", "debug"}).code, 0);
  support::TempDir dir;
  const auto start = [&](const std::string& program) {
    return support::Process({{std::string(HOOKFLEET_BIN_DIR "/hookfleet-") + program},
                             {{"HOOKFLEET_REDIS__URL", server_.url_of(program)},
                              {"HOOKFLEET_AUTH__TOKENS", "t"},
                              {"HOOKFLEET_SERVER__LISTEN", "127.0.0.1:" + std::to_string(support::free_port())},
                              {"HOOKFLEET_SERVER__METRICS_LISTEN", "127.0.0.1:" + std::to_string(support::free_port())}},
                             dir / program});
  };
  const support::Process ingress = start("ingress");
  const support::Process worker = start("worker");
  for (const char* program : {"ingress", "worker"}) {
    const auto log = [&] { return support::read_file(dir / program); };
    const auto times = [&](const std::string& text) {
      std::size_t count = 0;
      const std::string all = log();
      for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++count;
      return count;
    };
    EXPECT_TRUE(wait_until(kSoon, [&] { return times("the log level was changed by the operator") == 1; })) << log();
    EXPECT_EQ(call({"log-level", "error", "--process", program}).code, 0);
    EXPECT_TRUE(wait_until(kSoon, [&] { return times("the log level was changed by the operator") == 2; })) << log();
    EXPECT_EQ(call({"log-level", "--reset", "--process", program}).code, 0);
    EXPECT_TRUE(wait_until(kSoon, [&] { return times("the log level was changed by the operator") == 3; }))
        << "debug for all holds again: " << log();
  }
  EXPECT_EQ(call({"log-level", "--reset"}).code, 0);
  for (const char* program : {"ingress", "worker"}) {
    EXPECT_TRUE(wait_until(kSoon, [&] { return support::read_file(dir / program).find("log level was withdrawn") != std::string::npos; }))
        << program;
  }
}

// ---- doctor

TEST_F(Cli, DoctorFindsWhatIsWrong) {
  server_.config_set("appendfsync", "everysec");
  server_.call({"SET", "hf:typo", "x"});
  server_.call({"XADD", "hf:{99.1}:s", "*", "a", "b"});
  const Called sick = call({"doctor"});
  EXPECT_EQ(sick.code, 1);
  EXPECT_THAT(sick.out, AllOf(HasSubstr("fail  redis.appendfsync"), HasSubstr("is everysec, must be always"), HasSubstr("hf:typo"),
                              HasSubstr("hf:{99.1}:s"), HasSubstr("fail  workers"), HasSubstr("fail  partitions.unowned")));
}

TEST_F(Cli, DoctorPassesAHealthyFleetAndMeasuresTheMarks) {
  const std::int64_t now = std::stoll(server_.text({"EVAL", "return string.format('%d', redis.call('TIME')[1] * 1000)", "0"}));
  for (unsigned p = 0; p < keys_.partitions(); ++p) {
    server_.call({"HSET", keys_.ctl(p), "owner", "w", "epoch", "1", "until", std::to_string(now + 600'000)});
  }
  server_.call({"ZADD", keys_.members(), std::to_string(now), "w"});
  for (int i = 0; i < 100; ++i) {
    const std::string identity = "identity" + std::to_string(10'000'000 + i);
    server_.call({"SET", keys_.mark(1, identity), "1" + std::string(37, '0'), "PX", "88200000"});
  }
  const Called healthy = call({"doctor", "-o", "json"});
  EXPECT_EQ(healthy.code, 0) << healthy.out;
  const json report = json::parse(healthy.out);
  EXPECT_EQ(report["healthy"], true);
  std::string window;
  for (const auto& one : report["findings"]) {
    if (one["check"] == "memory.window") window = one["what"];
  }
  EXPECT_THAT(window, AllOf(HasSubstr("about 100 marks"), HasSubstr("within the last 30m0")));
  EXPECT_THAT(call({"doctor"}).err, "");
}

// ---- failures that all verbs share

TEST_F(Cli, AWrongPasswordIsNamedWithoutShowingIt) {
  support::RedisServer::Options options;
  options.password = "right";
  Server locked(options);
  const std::string at = "127.0.0.1:" + std::to_string(locked.port());
  for (const std::string& url : {"redis://" + at, "redis://:hunter2@" + at}) {
    const Called refused = called({"status", "--redis", url});
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("redis://USER:PASSWORD@HOST"), Not(HasSubstr("hunter2")))) << url;
  }
  EXPECT_EQ(called({"status", "--redis", locked.url()}).code, 0);
}

TEST_F(Cli, ALayoutOfAnotherVersionIsRefused) {
  server_.call({"HSET", keys_.meta(), "layout", "2 32 chat x"});
  const Called other = call({"status"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.err, HasSubstr("which this version doesn't know"));
}

// ---- change of K

TEST_F(Cli, LayoutClearRefusesWhileAnythingIsInTheWay) {
  const std::int64_t now = std::stoll(server_.text({"EVAL", "return string.format('%d', redis.call('TIME')[1] * 1000)", "0"}));
  const auto refused = [&](const std::string& why) {
    const Called answer = call({"layout", "clear", "--yes"});
    EXPECT_EQ(answer.code, 1);
    EXPECT_THAT(answer.err, AllOf(HasSubstr("the layout stays"), HasSubstr(why)));
    EXPECT_EQ(server_.text({"HGET", keys_.meta(), "layout"}), "1 32 chat");
  };
  const StreamId id = add(entry("a@c.us", "1"));
  refused("1 entries wait");
  server_.call({"XDEL", keys_.stream(partition("a@c.us")), id.text()});
  server_.call({"HSET", keys_.ctl(4), "owner", "w", "epoch", "1", "until", std::to_string(now + 60'000)});
  refused("worker w holds 1 leases");
  server_.call({"DEL", keys_.ctl(4)});
  server_.call({"ZADD", keys_.members(), std::to_string(now), "w"});
  refused("worker w lives");
  server_.call({"ZADD", keys_.members(), std::to_string(now - 60'000), "w"});
  const Called patient =
      called({"layout", "clear", "--yes"},
             {{"HOOKFLEET_REDIS__URL", server_.url_of("cli")}, {"USER", "tester"}, {"HOOKFLEET_WORKER__MEMBER_TTL", "5min"}});
  EXPECT_THAT(patient.err, HasSubstr("worker w lives")) << "as long as worker.member_ttl says";
  server_.call({"DEL", keys_.members()});
  bury(entry("a@c.us", "1"));
  refused("partition " + std::to_string(partition("a@c.us")) + ": 1 dead letters");
}

TEST_F(Cli, ThePrintedProcedureChangesTheNumberOfPartitions) {
  support::TempDir dir;
  unsigned started = 0;
  const auto start = [&](const std::string& program, const std::string& partitions) {
    return support::Process({{std::string(HOOKFLEET_BIN_DIR "/hookfleet-") + program},
                             {{"HOOKFLEET_REDIS__URL", server_.url_of(program)},
                              {"HOOKFLEET_AUTH__TOKENS", "t"},
                              {"HOOKFLEET_STREAM__PARTITIONS", partitions},
                              {"HOOKFLEET_SERVER__LISTEN", "127.0.0.1:" + std::to_string(support::free_port())},
                              {"HOOKFLEET_SERVER__METRICS_LISTEN", "127.0.0.1:" + std::to_string(support::free_port())}},
                             dir / std::to_string(started++)});
  };
  const auto status = [&] { return json::parse(call({"status", "-o", "json"}).out); };
  std::optional<support::Process> worker = start("worker", "32");
  std::optional<support::Process> ingress = start("ingress", "32");
  add(entry("a@c.us", "1"));
  add(entry("b@c.us", "2"));

  // With the new number: refuses to start and prints what to do.
  {
    support::Process early = start("worker", "8");
    EXPECT_EQ(early.wait(kSoon), 2);
    const std::string log = support::read_file(dir / std::to_string(started - 1));
    EXPECT_THAT(log, AllOf(HasSubstr("stop all ingresses"), HasSubstr("hookfleet status"), HasSubstr("hookfleet layout clear")));
  }
  // 1. stop the ingresses; 2. the workers drain; 3. no dead letters; 4. stop the workers
  ASSERT_TRUE(wait_until(kSoon, [&] { return status()["total"]["owned"] == 32 && status()["total"]["backlog"] == 0; }));
  EXPECT_EQ(call({"layout", "clear", "--yes"}).code, 1) << "the worker still runs";
  worker.reset();
  ASSERT_TRUE(wait_until(kSoon, [&] { return status()["total"]["owned"] == 0; }));
  const Called forgotten = call({"layout", "clear", "--yes"});
  EXPECT_EQ(forgotten.code, 1) << "an ingress was forgotten";
  EXPECT_THAT(forgotten.err, HasSubstr("a program with the old layout still runs"));
  ingress.reset();
  // 5. clear
  const Called cleared = call({"layout", "clear", "--yes"});
  EXPECT_EQ(cleared.code, 0) << cleared.err;
  // 6. start with the new settings
  worker = start("worker", "8");
  ASSERT_TRUE(wait_until(kSoon, [&] { return status()["layout"] == "1 8 chat" && status()["total"]["owned"] == 8; })) << status().dump();
  const stream::Keys keys{stream::Layout{.partitions = 8}};
  const stream::Entry fresh = entry("a@c.us", "3");
  const std::string& key = keys.stream(stream::partition_of(kInstance, "a@c.us", 8));
  server_.call(stream::XaddCommand(key, fresh).argv());
  EXPECT_TRUE(wait_until(kSoon, [&] { return length(key) == 0; })) << "handled under the new layout";
}

}  // namespace
}  // namespace hookfleet::cli
