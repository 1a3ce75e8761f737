// The model of Redis against the scripts in a redis-server: random calls, every reply and every key compared.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/uuid.hpp"
#include "common/digest/digest.hpp"
#include "common/lease/lease.hpp"
#include "common/lease/members.hpp"
#include "common/stream/keys.hpp"
#include "common/stream/scripts.hpp"
#include "tests/simulation/redis_model.hpp"
#include "tests/simulation/schedule.hpp"
#include "tests/support/redis_server.hpp"

namespace hookfleet::simulation {
namespace {

using namespace std::chrono_literals;
using stream::StreamId;

constexpr unsigned kPartitions = 2;
constexpr std::int64_t kReceived = 1'750'000'000'000;

notification::Identity identity_of(unsigned number) {
  notification::Identity identity{};
  identity[0] = static_cast<std::uint8_t>(number);
  return identity;
}
notification::BodyDigest digest_of(unsigned version) {
  notification::BodyDigest digest{};
  digest[0] = static_cast<std::uint8_t>(version);
  return digest;
}
stream::Entry written(const RedisModel::Entry& entry) {
  return {entry.id,     1,  std::to_string(entry.number), "incomingMessageReceived", entry.received_ms,
          entry.source, "", std::to_string(entry.version)};
}

class Comparison : public testing::Test {
 protected:
  Comparison() {
    server_.config_set("appendfsync", "no");
    auto connection = server_.connect();
    EXPECT_TRUE(redis::load(connection, scripts_.all()).has_value());
    EXPECT_TRUE(redis::load(connection, lease_scripts_.all()).has_value());
  }

  void begin(std::uint64_t seed) {
    server_.call({"FLUSHDB"});
    random_.emplace(seed);
    model_.emplace(kPartitions);
    epochs_ = {};
    known_.clear();
    sightings_.clear();
    members_.clear();
  }

  std::string owner() { return random_->pick<std::string>({"a", "b", "c"}); }
  /// Mostly the one that holds the partition.
  std::pair<std::string, std::string> fence(unsigned partition) {
    const auto& control = model_->partition(partition).control;
    if (random_->chance(0.85)) return {control.owner, control.epoch};
    return {owner(), random_->chance(0.5) ? control.epoch : "17"};
  }
  std::chrono::milliseconds ttl() { return random_->pick<std::chrono::milliseconds>({-5s, 10s, 10s, 20s}); }
  std::int64_t number(std::initializer_list<std::string_view> command) { return std::stoll("0" + server_.text(command)); }
  std::int64_t until(unsigned partition) { return number({"HGET", keys_.ctl(partition), "until"}); }

  void acquire(unsigned partition) {
    const std::string who = owner();
    const auto lives = ttl();
    const std::string known = random_->chance(0.5) ? epochs_[partition] : "";
    const std::string unchanged = random_->chance(0.3) ? sightings_[partition] : "";
    redis::Command command;
    lease::acquire(command, lease_scripts_, {keys_.ctl(partition), keys_.stream(partition), who, lives, known, unchanged});
    const redis::Reply reply = server_.call(command.argv());
    const auto real = lease::decode_acquired(reply.view());
    ASSERT_TRUE(real.has_value());
    // What the server's clock said follows from what it wrote or answered.
    const auto* refused = std::get_if<lease::Refused>(&*real);
    model_->now_ms = until(partition) - (refused != nullptr ? refused->remaining : lives).count();
    const auto ours = model_->acquire(partition, who, lives, known, unchanged);
    ASSERT_EQ(ours.index(), real->index());
    if (refused != nullptr) {
      const auto& expected = std::get<lease::Refused>(ours);
      EXPECT_EQ(expected.owner, refused->owner);
      EXPECT_EQ(expected.remaining, refused->remaining);
      EXPECT_EQ(expected.state, refused->state);
      sightings_[partition] = refused->state;
      return;
    }
    const auto& held = std::get<lease::Held>(*real);
    const auto& expected = std::get<lease::Held>(ours);
    EXPECT_EQ(expected.epoch, held.epoch);
    EXPECT_EQ(expected.how, held.how);
    EXPECT_EQ(expected.last_id, held.last_id);
    epochs_[partition] = held.epoch;
  }

  void renew_or_release(unsigned partition) {
    const auto [who, epoch] = fence(partition);
    const lease::Tenure tenure{who, epoch};  // the command borrows it
    redis::Command command;
    if (random_->chance(0.6)) {
      const auto lives = ttl();
      lease::renew(command, lease_scripts_, keys_.ctl(partition), tenure, lives);
      const auto real = lease::decode_held(server_.call(command.argv()).view());
      model_->now_ms = until(partition) - lives.count();
      EXPECT_EQ(model_->renew(partition, who, epoch, lives), real.value());
    } else {
      lease::release(command, lease_scripts_, keys_.ctl(partition), tenure);
      const auto real = lease::decode_held(server_.call(command.argv()).view());
      EXPECT_EQ(model_->release(partition, who, epoch), real.value());
    }
  }

  void heartbeat() {
    const std::string who = owner();
    const auto lives = random_->pick<std::chrono::milliseconds>({1ms, 100s, 100s});
    std::vector<std::pair<std::string, std::string>> unchanged;
    for (const auto& member : members_) {
      if (random_->chance(0.3)) unchanged.emplace_back(member.name, std::to_string(member.score + (random_->chance(0.3) ? 1 : 0)));
    }
    redis::Command command;
    command.clear().evalsha(lease_scripts_.heartbeat, 1).borrow(keys_.members()).borrow(who).number(lives.count());
    for (const auto& [name, score] : unchanged) command.borrow(name).borrow(score);
    const redis::Reply reply = server_.call(command.argv());
    members_.clear();
    for (std::size_t i = 0; i + 1 < reply.view().size(); i += 2) {
      members_.push_back({std::string(reply.view()[i].text()), reply.view()[i + 1].integer()});
      if (members_.back().name == who) model_->now_ms = members_.back().score;
    }
    EXPECT_EQ(model_->heartbeat(who, lives, unchanged), members_);
    if (random_->chance(0.2)) {
      server_.call({"ZREM", keys_.members(), who});
      model_->leave(who);
    }
  }

  void add(unsigned partition) {
    RedisModel::Entry entry;
    entry.id = base::make_uuid_v7(base::from_unix_ms(kReceived));
    entry.number = random_->below(4);
    entry.version = random_->below(7);
    entry.received_ms = kReceived + random_->below(100'000);
    const stream::Entry real = written(entry);
    const stream::XaddCommand command(keys_.stream(partition), real);
    const auto id = StreamId::parse(server_.call(command.argv()).view().text()).value();
    model_->now_ms = static_cast<std::int64_t>(id.ms);
    known_[{partition, id}] = entry;
    EXPECT_EQ(model_->add(partition, std::move(entry)), id);
  }

  /// Some ids of a partition: there, or there once.
  std::vector<StreamId> some_ids(unsigned partition) {
    std::vector<StreamId> ids;
    for (const auto& [at, entry] : known_) {
      if (at.first == partition && random_->chance(model_->partition(partition).stream.contains(at.second) ? 0.4 : 0.1)) {
        ids.push_back(at.second);
      }
    }
    return ids;
  }

  template <class Batch>
  std::optional<std::string> send(Batch& batch) {
    const redis::Reply reply = server_.call(batch.argv());
    const stream::BatchAnswer answer(reply.view(), batch.size());
    if (answer.kind() == stream::BatchAnswer::Kind::kFenced) return std::nullopt;
    EXPECT_EQ(answer.kind(), stream::BatchAnswer::Kind::kAnswered) << answer.error_text();
    std::string letters;
    for (std::size_t i = 0; i < batch.size(); ++i) letters += static_cast<char>(answer.written(i));
    return letters;
  }

  void ack(unsigned partition) {
    const auto [who, epoch] = fence(partition);
    std::vector<RedisModel::Ended> ended;
    bool death = false;  // one a call, so that its time is known
    for (const StreamId id : some_ids(partition)) {
      const RedisModel::Entry& entry = known_.at({partition, id});
      RedisModel::Ended& one = ended.emplace_back();
      one.stream_id = id;
      if (random_->chance(0.8)) {
        one.identity = identity_of(entry.number);
        one.mark = {entry.received_ms, entry.id, {digest_of(entry.version)}};
      }
      if (!death && random_->chance(0.3)) {
        death = true;
        one.death = stream::Death{stream::DeadClass::kFailed, "why", 3, kReceived, kReceived + 1, who, {}};
        if (random_->chance(0.5)) one.death->actions = {"one", "two"};
        continue;
      }
      using Effect = stream::Effect;
      const std::string part(16, static_cast<char>('a' + entry.number));
      if (random_->chance(0.5)) one.effects.push_back({Effect::Op::kIncrement, Effect::On::kCounts, "", "n", "-2", 0ms});
      if (random_->chance(0.3)) one.effects.push_back({Effect::Op::kSet, Effect::On::kInstances, "", "1", "state " + entry.id, 0ms});
      if (random_->chance(0.5)) {
        one.effects.push_back({Effect::Op::kAdvance, Effect::On::kMessage, part, "status", std::to_string(entry.version) + " v", 1h});
      }
      if (random_->chance(0.2)) one.effects.push_back({Effect::Op::kSet, Effect::On::kChat, part, "last", entry.id, 0ms});
      if (random_->chance(0.3))
        one.effects.push_back({Effect::Op::kAppend, Effect::On::kStream, "copies", "key " + entry.id, "100000", 0ms});
    }
    if (ended.empty()) return;
    ack_.start({who, epoch, partition});
    for (const auto& one : ended) {
      std::optional<stream::Seen> seen;
      if (one.identity) seen = stream::Seen{*one.identity, one.mark.digests.front(), one.mark.received_ms, one.mark.first_id};
      ack_.add(one.stream_id, seen, one.effects, one.death ? &*one.death : nullptr);
    }
    const auto real = send(ack_);
    const redis::Reply last = server_.call({"XREVRANGE", keys_.dlq(partition), "+", "-", "COUNT", "1"});
    if (last.view().size() > 0) model_->now_ms = static_cast<std::int64_t>(StreamId::parse(last.view()[0][0].text())->ms);
    EXPECT_EQ(model_->ack(partition, who, epoch, ended), real);
  }

  void write_attempts(unsigned partition) {
    const auto [who, epoch] = fence(partition);
    const std::vector<StreamId> ids = some_ids(partition);
    if (ids.empty()) return;
    std::vector<stream::Attempts> values;
    attempts_.start({who, epoch, partition});
    for (const StreamId id : ids) {
      stream::Attempts& value = values.emplace_back();
      value.failed = random_->below(5);
      value.begun = random_->below(3);
      value.due_ms = kReceived;
      attempts_.write(id, value);
    }
    const auto real = send(attempts_);
    EXPECT_EQ(model_->write_attempts(partition, who, epoch, ids, values), real);
  }

  void redrive(unsigned partition) {
    const auto& dead = model_->partition(partition).dead_letters;
    std::vector<StreamId> ids{{1, 1}};
    if (!dead.empty()) {
      const auto chosen = std::next(dead.begin(), random_->below(static_cast<unsigned>(dead.size())));
      ids.push_back(chosen->first);
      ids.push_back(chosen->first);
    }
    redis::Command command;
    stream::redrive(command, scripts_, keys_, partition, ids);
    const auto real = stream::decode_redriven(server_.call(command.argv()).view());
    ASSERT_TRUE(real.has_value());
    if (ids.size() > 1 && real->at(1)) {
      model_->now_ms = static_cast<std::int64_t>(real->at(1)->ms);
      known_[{partition, *real->at(1)}] = dead.at(ids[1]).entry;
      known_[{partition, *real->at(1)}].source = stream::Source::kRedrive;
    }
    EXPECT_EQ(model_->redrive(partition, ids), *real);
  }

  std::map<std::string, std::string> hash(std::string_view key) {
    const redis::Reply reply = server_.call({"HGETALL", key});
    std::map<std::string, std::string> fields;
    for (std::size_t i = 0; i + 1 < reply.view().size(); i += 2) {
      fields.emplace(reply.view()[i].text(), reply.view()[i + 1].text());
    }
    return fields;
  }

  void compare(unsigned partition) {
    const RedisModel::Partition& at = model_->partition(partition);
    const auto control = hash(keys_.ctl(partition));
    if (!control.empty()) {
      const std::map<std::string, std::string> expected{{"v", "1"},
                                                        {"owner", at.control.owner},
                                                        {"epoch", at.control.epoch},
                                                        {"until", std::to_string(at.control.until_ms)},
                                                        {"how", at.control.how}};
      EXPECT_EQ(control, expected);
    }
    const redis::Reply entries = server_.call({"XRANGE", keys_.stream(partition), "-", "+"});
    ASSERT_EQ(entries.view().size(), at.stream.size());
    std::size_t i = 0;
    for (const auto& [id, entry] : at.stream) {
      EXPECT_EQ(entries.view()[i][0].text(), id.text());
      const auto real = stream::decode(entries.view()[i++][1]);
      EXPECT_TRUE(real.has_value() && *real == written(entry));
    }
    std::map<std::string, std::string> attempts;
    for (const auto& [id, value] : at.attempts) attempts.emplace(id.text(), value.text());
    EXPECT_EQ(hash(keys_.att(partition)), attempts);
    for (unsigned n = 0; n < 4; ++n) {
      const auto mark = at.marks.find(identity_of(n));
      EXPECT_EQ(server_.text({"GET", keys_.mark(partition, digest::as_bytes(identity_of(n)))}),
                mark == at.marks.end() ? "" : mark->second.text());
    }
    const redis::Reply dead = server_.call({"XRANGE", keys_.dlq(partition), "-", "+"});
    ASSERT_EQ(dead.view().size(), at.dead_letters.size());
    i = 0;
    for (const auto& [id, letter] : at.dead_letters) {
      EXPECT_EQ(dead.view()[i][0].text(), id.text());
      const auto real = stream::decode_dead_letter(dead.view()[i++][1]);
      ASSERT_TRUE(real.has_value());
      EXPECT_EQ(real->original, letter.original);
      EXPECT_TRUE(real->death == letter.death);
      EXPECT_TRUE(real->entry.has_value() && *real->entry == written(letter.entry));
    }
    for (const auto& [suffix, fields] : at.hashes) EXPECT_EQ(hash(keys_.of(partition, suffix)), fields) << suffix;
    std::vector<RedisModel::Copy> copies;
    const redis::Reply copied = server_.call({"XRANGE", "copies", "-", "+"});
    for (std::size_t c = 0; c < copied.view().size(); ++c) {
      const redis::ReplyView fields = copied.view()[c][1];
      ASSERT_EQ(fields.size(), 2 * stream::kCopyFields.size());
      copies.push_back({std::string(fields[1].text()), std::string(fields[3].text())});
    }
    const auto expected = model_->copies().find("copies");
    EXPECT_EQ(copies, expected == model_->copies().end() ? std::vector<RedisModel::Copy>{} : expected->second);
  }

  support::RedisServer server_;
  const stream::Scripts scripts_;
  const lease::Scripts lease_scripts_;
  const stream::Keys keys_{stream::Layout{"hf", kPartitions, stream::PartitionBy::kChat}};
  stream::AckBatch ack_{scripts_, keys_, 25h};
  stream::AttemptsBatch attempts_{scripts_, keys_};

  std::optional<Random> random_;
  std::optional<RedisModel> model_;
  std::array<std::string, kPartitions> epochs_;
  std::map<unsigned, std::string> sightings_;
  std::map<std::pair<unsigned, StreamId>, RedisModel::Entry> known_;
  std::vector<RedisModel::Member> members_;
};

TEST_F(Comparison, ModelAndScriptsAgree) {
  for (std::uint64_t seed = 1; seed <= 40 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    begin(seed);
    for (int step = 0; step < 120 && !HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      const unsigned partition = random_->below(kPartitions);
      const unsigned what = random_->below(20);
      if (what < 4) {
        acquire(partition);
      } else if (what < 6) {
        renew_or_release(partition);
      } else if (what < 7) {
        heartbeat();
      } else if (what < 12) {
        add(partition);
      } else if (what < 16) {
        ack(partition);
      } else if (what < 18) {
        write_attempts(partition);
      } else {
        redrive(partition);
      }
      compare(partition);
    }
  }
}

}  // namespace
}  // namespace hookfleet::simulation
