#include "ingress/append/preflight.hpp"

#include <string_view>
#include <utility>

#include "common/base/check.hpp"
#include "common/stream/layout.hpp"

namespace hookfleet::append {

Preflight::Preflight(const stream::Layout& layout, const durability::Requirements& requirements)
    : layout_(layout), meta_(stream::Keys(layout).meta()), requirements_(requirements) {
  // WAIT, MULTI and EXEC only to see whether they are allowed.
  if (requirements_.wait_replicas > 0) questions_.push_back({Topic::kWait, {"WAIT", "0", "0"}});
  questions_.push_back({Topic::kMulti, {"MULTI"}});
  questions_.push_back({Topic::kExec, {"EXEC"}});
  questions_.push_back({Topic::kLayoutSet, {"HSETNX", meta_, "layout", stream::to_text(layout)}});
  questions_.push_back({Topic::kLayout, {"HGETALL", meta_}});
  questions_.push_back({Topic::kInfo, {"INFO"}});
  questions_.push_back({Topic::kInfo, {"INFO", "commandstats"}});
  for (const char* name : durability::kConfigNames) {
    questions_.push_back({Topic::kConfig, {"CONFIG", "GET", name}});
  }
  for (std::vector<std::string>& command : durability::dry_runs_of_the_log(meta_)) {
    questions_.push_back({Topic::kDryRun, std::move(command)});
  }
}

std::size_t Preflight::ask(const std::function<void(redis::Argv)>& send) {
  next_ = 0;
  facts_ = {};
  facts_.config_readable = true;  // until one of them is refused
  multi_allowed_ = exec_allowed_ = foreign_layout_ = false;
  wait_problem_.clear();
  layout_problem_.clear();
  for (const Question& question : questions_) {
    const std::vector<std::string_view> argv(question.argv.begin(), question.argv.end());
    send(argv);
  }
  return questions_.size();
}

bool Preflight::answered(redis::ReplyView reply) {
  HOOKFLEET_CHECK(next_ < questions_.size());
  switch (questions_[next_++].topic) {
    case Topic::kWait:
      if (reply.is_error()) wait_problem_ = reply.text();
      break;
    case Topic::kMulti: multi_allowed_ = !reply.is_error(); break;
    case Topic::kExec: exec_allowed_ = reply.is_array(); break;
    case Topic::kLayoutSet: break;  // HGETALL tells what stands there
    case Topic::kLayout: read_layout(reply); break;
    case Topic::kInfo: facts_.read_info(reply.is_error() ? std::string_view() : reply.text()); break;
    case Topic::kConfig:
      if (!reply.is_array()) facts_.config_readable = false;
      facts_.read_config(reply[0].text(), reply[1].text());
      break;
    case Topic::kDryRun:
      if (reply.is_text()) facts_.read_dry_run(reply.text());  // an error: it may not be asked
      break;
  }
  return next_ == questions_.size();
}

void Preflight::read_layout(redis::ReplyView reply) {
  const redis::ReplyView stored = reply.field("layout");
  if (reply.is_error()) {
    layout_problem_ = meta_ + " can't be read: " + std::string(reply.text());
  } else if (!stored.is_text()) {
    layout_problem_ = meta_ + " could not be written yet";
  } else if (auto difference = stream::difference(layout_, stored.text())) {
    layout_problem_ = *std::move(difference);
    foreign_layout_ = true;
  }
}

Preflight::Conclusion Preflight::conclude(durability::AofHistory& history) const {
  Conclusion conclusion;
  conclusion.judgement = judge(facts_, requirements_, history);
  auto& failing = conclusion.judgement.failing;
  if (!conclusion.judgement.loading()) {  // otherwise it refused these for that reason
    if (!wait_problem_.empty()) failing.push_back({durability::Check::kReplicas, "WAIT is refused: " + wait_problem_});
    if (!layout_problem_.empty()) failing.push_back({durability::Check::kLayout, layout_problem_});
  }
  conclusion.foreign_layout = foreign_layout_;
  conclusion.transactions = multi_allowed_ && exec_allowed_;
  conclusion.sync_always = facts_.appendfsync.value_or("always") == "always";
  conclusion.used_memory = facts_.used_memory;
  conclusion.maxmemory = facts_.maxmemory;
  return conclusion;
}

}  // namespace hookfleet::append
