#include "worker/routes/routes.hpp"

#include <utility>

#include "common/base/check.hpp"

namespace hookfleet::routes {
namespace {

using handlers::Handled;

/// `log`: every attempt leaves a record with its notification, at info when it is done; so that is all there is to do.
class LogAction final : public handlers::Handler {
 public:
  Handled handle(const handlers::Notification&, const std::stop_token&) override { return Handled::done(); }
};

/// `stream`: the effect of the acknowledgement that copies the entry.
class StreamAction final : public handlers::Handler {
 public:
  explicit StreamAction(const StreamOptions& options) : key_(options.key), maxlen_(std::to_string(options.maxlen)) {}

  Handled handle(const handlers::Notification& notification, const std::stop_token&) override {
    return Handled::done({{.op = stream::Effect::Op::kAppend,
                           .on = stream::Effect::On::kStream,
                           .part = key_,
                           .field = notification.idempotency_key(),
                           .value = maxlen_,
                           .expiry = {}}});
  }

 private:
  const std::string key_;
  const std::string maxlen_;
};

Action bind(const NamedAction& named, const handlers::Handlers& handlers, const Routes::MakeForward& make_forward) {
  Action action{named.name};
  const auto own = [&action](auto handler) {
    action.handler = handler.get();
    action.owned = std::move(handler);
    return action;
  };
  if (named.options.log) return own(std::make_shared<LogAction>());
  if (named.options.stream) return own(std::make_shared<StreamAction>(*named.options.stream));
  if (named.options.forward) {
    action.async = make_forward(named.name, *named.options.forward);
  } else {
    action.handler = handlers.find(named.options.handler);
  }
  HOOKFLEET_CHECK(action.handler != nullptr || action.async != nullptr);
  return action;
}

}  // namespace

Routes::Routes(const Options& options, const handlers::Handlers& handlers, const MakeForward& make_forward)
    : table_(options, handlers.names()) {
  for (const Route& route : table_.routes()) {
    HOOKFLEET_CHECK(route.actions.size() <= kActionsMax);
    auto& actions = actions_.emplace_back();
    for (const NamedAction& action : route.actions) actions.push_back(bind(action, handlers, make_forward));
  }
}

std::span<const Action> Routes::find(const notification::Notification& notification) const {
  const auto route = table_.find(notification);
  if (!route) return {};
  return actions_[*route];
}

}  // namespace hookfleet::routes
