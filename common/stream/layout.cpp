#include "common/stream/layout.hpp"

#include <utility>

namespace hookfleet::stream {

std::string_view to_text(PartitionBy partition_by) { return partition_by == PartitionBy::kChat ? "chat" : "instance"; }

std::string to_text(const Layout& layout) {
  return "1 " + std::to_string(layout.partitions) + " " + std::string(to_text(layout.partition_by));
}

std::optional<std::string> difference(const Layout& layout, std::string_view stored) {
  const std::string ours = to_text(layout);
  if (stored == ours) return std::nullopt;
  return "this process has stream layout \"" + ours + "\" (version, stream.partitions, stream.partition_by), the fleet in Redis has \"" +
         std::string(stored.substr(0, 64)) +
         "\". Give all programs of the fleet the same settings. To change the layout: stop all ingresses and pollers (senders keep their "
         "notifications for 24 h), wait until every stream is empty, stop the workers, DEL " +
         layout.prefix + ":meta, and start everything with the new settings";
}

LayoutCheck check_layout(redis::Connection& connection, const Layout& layout) {
  const std::string key = layout.prefix + ":meta";
  // Written only when it is missing, so that the check itself works on a Redis that takes no writes.
  for (const bool write : {false, true}) {
    if (write) {
      const auto written = connection.call({"HSETNX", key, "layout", to_text(layout)});
      if (!written) return {LayoutCheck::Verdict::kUnknown, written.error().message};
      if (written->view().is_error()) return {LayoutCheck::Verdict::kUnknown, "HSETNX " + key + ": " + std::string(written->view().text())};
    }
    const auto stored = connection.call({"HGET", key, "layout"});
    if (!stored) return {LayoutCheck::Verdict::kUnknown, stored.error().message};
    if (stored->view().is_error()) return {LayoutCheck::Verdict::kUnknown, "HGET " + key + ": " + std::string(stored->view().text())};
    if (stored->view().is_nil()) continue;
    auto differs = difference(layout, stored->view().text());
    if (!differs) return {LayoutCheck::Verdict::kSame, ""};
    return {LayoutCheck::Verdict::kDifferent, *std::move(differs)};
  }
  return {LayoutCheck::Verdict::kUnknown, key + " vanished while it was written"};
}

}  // namespace hookfleet::stream
