#include "worker/handlers/shipped.hpp"

#include "worker/handlers/call.hpp"
#include "worker/handlers/device.hpp"
#include "worker/handlers/instance_state.hpp"
#include "worker/handlers/message.hpp"
#include "worker/handlers/message_status.hpp"
#include "worker/handlers/quota.hpp"

namespace hookfleet::handlers {
namespace {

template <class Shipped>
void add(Handlers& handlers, const char* name) {
  if (handlers.find(name) == nullptr) handlers.add(name, std::make_unique<Shipped>());
}

}  // namespace

void add_shipped(Handlers& handlers) {
  add<MessageHandler>(handlers, "message");
  add<MessageStatusHandler>(handlers, "message_status");
  add<InstanceStateHandler>(handlers, "instance_state");
  add<CallHandler>(handlers, "call");
  add<QuotaHandler>(handlers, "quota");
  add<DeviceHandler>(handlers, "device");
}

}  // namespace hookfleet::handlers
