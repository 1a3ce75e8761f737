#pragma once

#include <span>
#include <string_view>

namespace hookfleet::simulate {

/// A documented body, as its file below samples/ has it.
struct Sample {
  std::string_view path;  ///< "incomingCall/offer.json": the folder is its typeWebhook
  std::string_view text;
};

/// All that the service documents or was seen to send, by path. They are in the program.
std::span<const Sample> samples();

}  // namespace hookfleet::simulate
