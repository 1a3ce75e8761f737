#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>

namespace hookfleet::stream {

/// Appends `<length>:<bytes>,`.
void put(std::string& out, std::string_view bytes);
template <std::integral Number>
void put(std::string& out, Number number) {
  put(out, std::string_view(std::to_string(number)));
}

/// Reads netstrings one after the other. After one that isn't there or is broken all is empty and ok() is false.
class NetstringReader {
 public:
  explicit NetstringReader(std::string_view bytes) : rest_(bytes) {}

  std::string_view text();
  template <std::integral Number>
  Number number() {
    const std::string_view digits = text();
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) ok_ = false;
    return ok_ ? value : Number{};
  }
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace hookfleet::stream
