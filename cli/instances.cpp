#include "cli/instances.hpp"

#include "cli/text.hpp"
#include "common/stream/instance_fact.hpp"

namespace hookfleet::cli {

Instances read_instances(Fleet& fleet) {
  std::vector<Words> commands;
  for (unsigned partition = 0; partition < fleet.partitions(); ++partition) commands.push_back({"HGETALL", fleet.keys().inst(partition)});
  const std::vector<redis::Reply> replies = fleet.ask_all(commands);
  Instances instances;
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const redis::ReplyView found = replies[i].view();
    if (found.is_error()) instances.problems.push_back(shown(commands[i][1]) + ": " + shown(found.text(), 160));
    for (std::size_t at = 0; at + 1 < found.size(); at += 2) {
      const auto fact = stream::read_instance_fact(found[at].text(), found[at + 1].text());
      if (!fact) continue;
      InstanceFact& latest = instances.facts[fact->id_instance][std::string(fact->what)];
      if (fact->time >= latest.time) latest = {fact->time, std::string(fact->text)};
    }
  }
  return instances;
}

}  // namespace hookfleet::cli
