#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace hookfleet::support {

/// One file below cli/simulate/samples, or a broken one below tests/samples.
struct Sample {
  std::string path;          ///< relative, e.g. "incomingCall/offer.json"
  std::string type_webhook;  ///< empty for a broken one
  std::string body;
};

/// The documented bodies, ordered by path: each has to pass as a notification of its type.
std::vector<Sample> samples();
/// The one at `path`; throws where there is none.
Sample sample(const std::string& path);
/// The bodies that are no notification: broken/<reason>/<name>.json, with <reason> as notification::to_text(Malformed) gives it.
std::vector<Sample> broken_samples();

struct Changes {
  bool new_id_message = true;  ///< a never used one, where the body has an idMessage
  std::optional<std::uint64_t> id_instance;
  std::optional<std::string> chat;  ///< put where the body names its chat: senderData.chatId, chatId or from
};
/// The body of a copy that no fleet has seen. What has no idMessage is told apart only by what `changes` says.
std::string fresh(const Sample& sample, const Changes& changes = {});

}  // namespace hookfleet::support
