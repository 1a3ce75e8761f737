#include "worker/handlers/shipped.hpp"

#include "worker/handlers/call.hpp"
#include "worker/handlers/device.hpp"
#include "worker/handlers/instance_state.hpp"
#include "worker/handlers/message.hpp"
#include "worker/handlers/message_status.hpp"
#include "worker/handlers/quota.hpp"

namespace hookfleet::handlers {
namespace {

template <class Shipped, class... Needs>
void add(Handlers& handlers, const char* name, Needs&... needs) {
  if (handlers.find(name) == nullptr) handlers.add(name, std::make_unique<Shipped>(needs...));
}

}  // namespace

void add_shipped(Handlers& handlers) {
  add<MessageHandler>(handlers, "message");
  add<MessageStatusHandler>(handlers, "message_status", handlers.operators());
  add<InstanceStateHandler>(handlers, "instance_state", handlers.operators());
  add<CallHandler>(handlers, "call");
  add<QuotaHandler>(handlers, "quota", handlers.operators());
  add<DeviceHandler>(handlers, "device");
}

}  // namespace hookfleet::handlers
