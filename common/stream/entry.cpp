#include "common/stream/entry.hpp"

#include <algorithm>
#include <limits>

#include "common/base/number.hpp"
#include "common/base/uuid.hpp"

namespace hookfleet::stream {
namespace {

constexpr std::string_view kVersion = "1";
constexpr std::array<std::string_view, 9> kFields{"v", "id", "i", "c", "t", "r", "s", "q", "b"};
constexpr std::array<std::pair<std::string_view, Source>, 4> kSources{
    {{"webhook", Source::kWebhook}, {"poll", Source::kPoll}, {"redrive", Source::kRedrive}, {"forced", Source::kForced}}};

}  // namespace

StreamId StreamId::before() const {
  if (seq > 0) return {ms, seq - 1};
  return ms > 0 ? StreamId{ms - 1, std::numeric_limits<std::uint64_t>::max()} : StreamId{};
}

std::string StreamId::text() const { return std::to_string(ms) + "-" + std::to_string(seq); }

std::optional<StreamId> StreamId::parse(std::string_view text) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto ms = base::to_number<std::uint64_t>(text.substr(0, dash));
  const auto seq = base::to_number<std::uint64_t>(text.substr(dash + 1));
  if (!ms || !seq) return std::nullopt;
  return StreamId{*ms, *seq};
}

std::string_view to_text(Source source) {
  switch (source) {
    case Source::kWebhook: return "webhook";
    case Source::kPoll: return "poll";
    case Source::kRedrive: return "redrive";
    case Source::kForced: return "forced";
  }
  return "";
}

XaddCommand::XaddCommand(const std::string& stream_key, const Entry& entry)
    : instance_(std::to_string(entry.id_instance)),
      received_(std::to_string(entry.received_ms)),
      argv_{"XADD",
            stream_key,
            "*",
            "v",
            kVersion,
            "id",
            entry.id,
            "i",
            instance_,
            "c",
            entry.chat,
            "t",
            entry.type_webhook,
            "r",
            received_,
            "s",
            to_text(entry.source),
            "q",
            entry.trace,
            "b",
            entry.body} {}

tl::expected<Entry, std::string> decode(redis::ReplyView fields) {
  std::array<std::optional<std::string_view>, kFields.size()> found;
  for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
    const std::string_view name = fields[i].text();
    const auto* field = std::find(kFields.begin(), kFields.end(), name);
    if (field == kFields.end()) continue;
    auto& value = found[static_cast<std::size_t>(field - kFields.begin())];
    if (!value) value = fields[i + 1].text();
  }
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    if (!found[i]) return tl::unexpected("no field " + std::string(kFields[i]));
  }
  const auto [version, id, instance, chat, type, received, source, trace, body] = found;
  if (*version != kVersion) return tl::unexpected("version " + std::string(version->substr(0, 16)) + " is not known");
  if (!base::is_uuid(*id)) return tl::unexpected(std::string("field id is no UUID"));
  const auto id_instance = base::to_number<std::uint64_t>(*instance);
  if (!id_instance || *id_instance > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return tl::unexpected(std::string("field i is no instance"));
  }
  const auto received_ms = base::to_number<std::int64_t>(*received);
  if (!received_ms || *received_ms < 0) return tl::unexpected(std::string("field r is no time"));
  const auto* known = std::find_if(kSources.begin(), kSources.end(), [name = *source](const auto& named) { return named.first == name; });
  if (known == kSources.end()) return tl::unexpected(std::string("field s is no source"));
  return Entry{std::string(*id), *id_instance,  std::string(*chat),  std::string(*type),
               *received_ms,     known->second, std::string(*trace), std::string(*body)};
}

}  // namespace hookfleet::stream
