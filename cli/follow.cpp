#include "cli/follow.hpp"

namespace hookfleet::cli {

Follower::Follower(Fleet& fleet, std::optional<unsigned> partition, bool dead) : fleet_(fleet) {
  std::vector<Words> commands;
  for (const bool of_the_dead : {false, true}) {
    for (unsigned p = 0; p < fleet.partitions(); ++p) {
      if ((of_the_dead && !dead) || (partition && *partition != p)) continue;
      followed_.push_back({p, of_the_dead, of_the_dead ? fleet.keys().dlq(p) : fleet.keys().stream(p), "0-0"});
      commands.push_back({"EXISTS", followed_.back().key});
    }
  }
  // `$` would be taken anew by each XREAD and lose what comes between two: the last ids are asked for once.
  const auto exists = fleet.ask_all(commands);
  for (std::size_t i = 0; i < followed_.size(); ++i) {
    if (exists[i].view().integer() == 0) continue;
    const redis::Reply info = fleet.call({"XINFO", "STREAM", followed_[i].key});
    followed_[i].last = info.view().field("last-generated-id").text();
  }
}

void Follower::read(std::chrono::milliseconds wait, const std::function<void(const Found&)>& each) {
  Words words{"XREAD", "COUNT", "16", "BLOCK", std::to_string(wait.count()), "STREAMS"};
  for (const Followed& one : followed_) words.push_back(one.key);
  for (const Followed& one : followed_) words.push_back(one.last);
  const std::vector<std::string_view> argv(words.begin(), words.end());
  const redis::Reply reply = fleet_.call(redis::Argv(argv));
  for (std::size_t i = 0; i < reply.view().size(); ++i) {
    const redis::ReplyView stream = reply.view()[i];
    for (Followed& one : followed_) {
      if (one.key != stream[0].text()) continue;
      for (std::size_t k = 0; k < stream[1].size(); ++k) {
        const Found found = read_record(one.partition, one.dead, stream[1][k]);
        one.last = found.ref.id.text();
        each(found);
      }
    }
  }
}

}  // namespace hookfleet::cli
