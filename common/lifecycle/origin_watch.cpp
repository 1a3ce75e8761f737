#include "common/lifecycle/origin_watch.hpp"

#include <utility>

namespace hookfleet::lifecycle {

void OriginWatch::read(std::vector<config::Origin> origins) {
  read_ = std::move(origins);
  before_ = read_;
}

bool OriginWatch::changed() {
  std::vector<config::Origin> now = read_;
  for (config::Origin& origin : now) origin.state = config::state_of(origin.path);
  const bool settled = now == before_;
  before_ = std::move(now);
  return settled && before_ != read_;
}

}  // namespace hookfleet::lifecycle
