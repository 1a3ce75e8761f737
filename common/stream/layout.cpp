#include "common/stream/layout.hpp"

#include <charconv>
#include <utility>

namespace hookfleet::stream {

std::string_view to_text(PartitionBy partition_by) { return partition_by == PartitionBy::kChat ? "chat" : "instance"; }

std::string to_text(const Layout& layout) {
  return "1 " + std::to_string(layout.partitions) + " " + std::string(to_text(layout.partition_by));
}

std::optional<Layout> parse_layout(std::string_view stored, std::string prefix) {
  if (!stored.starts_with("1 ")) return std::nullopt;
  stored.remove_prefix(2);
  Layout layout;
  layout.prefix = std::move(prefix);
  const auto [end, error] = std::from_chars(stored.data(), stored.data() + stored.size(), layout.partitions);
  if (error != std::errc() || layout.partitions < 1 || layout.partitions > kPartitionsMax) return std::nullopt;
  stored.remove_prefix(static_cast<std::size_t>(end - stored.data()));
  for (const PartitionBy partition_by : {PartitionBy::kChat, PartitionBy::kInstance}) {
    layout.partition_by = partition_by;
    if (stored == " " + std::string(to_text(partition_by))) return layout;
  }
  return std::nullopt;
}

std::string layout_procedure(std::string_view between) {
  std::string text;
  for (std::size_t i = 0; i < kLayoutProcedure.size(); ++i) {
    if (i > 0) text += between;
    text.append(std::to_string(i + 1)).append(". ").append(kLayoutProcedure[i]);
  }
  return text;
}

std::optional<std::string> difference(const Layout& layout, std::string_view stored) {
  const std::string ours = to_text(layout);
  if (stored == ours) return std::nullopt;
  std::string text =
      "this process has stream layout \"" + ours + "\" (version, stream.partitions, stream.partition_by), the fleet in Redis";
  text.append(" has \"")
      .append(stored.substr(0, 64))
      .append("\". Give all programs of the fleet the same settings. To change the layout: ");
  return text.append(layout_procedure("; ")).append(". ").append(kLayoutProcedureCost);
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
