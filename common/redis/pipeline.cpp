#include "common/redis/pipeline.hpp"

#include <utility>

#include "common/redis/link.hpp"

namespace hookfleet::redis {

Pipeline::Pipeline(Connection connection) : connection_(std::move(connection)), last_received_(base::BootClock::now()) {}

void Pipeline::append(Argv argv) {
  connection_.link_->append(argv);
  ++unanswered_;
}

tl::expected<void, Error> Pipeline::io(std::chrono::milliseconds timeout, base::Wakeup* wakeup) {
  const auto progress = connection_.link_->turn(timeout, wakeup);
  if (!progress) return tl::unexpected(progress.error());
  if (*progress == Link::Progress::kSome) last_received_ = base::BootClock::now();
  return {};
}

tl::expected<std::optional<Reply>, Error> Pipeline::next() {
  auto reply = connection_.link_->next();
  if (!reply || !*reply) return reply;
  if (unanswered_ == 0) return tl::unexpected(Error{ErrorKind::kProtocol, "a reply to nothing that was asked"});
  --unanswered_;
  return reply;
}

std::size_t Pipeline::unsent_bytes() const { return connection_.link_->unsent(); }

}  // namespace hookfleet::redis
