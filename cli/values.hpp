#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/verb.hpp"

/// Options that several verbs have, and what their texts mean. Wrong ones throw Failed with kUsage.
namespace hookfleet::cli {

/// -o, --output table|json
void declare_output(config::Arguments& arguments, std::string& output);
bool is_json(const std::string& output);

std::chrono::milliseconds duration_of(const std::string& option, const std::string& text, std::chrono::milliseconds otherwise);
/// At least 1.
std::uint64_t count_of(const std::string& option, const std::string& text, std::uint64_t otherwise);

/// "a, b or c", for help.
std::string alternatives(const std::vector<std::string>& names);

/// True: go on. Asks on a terminal; elsewhere --yes must have been given, or Failed with kUsage.
bool confirmed(Console& console, bool yes, const std::string& question);

/// The secret that a file holds (one line end at its end doesn't count; at most 64 KiB), named by `option`. Errors never show it.
std::string secret_from(const std::string& option, const std::string& path);

/// Throws Failed with kUsage.
[[noreturn]] void wrong_usage(const std::string& text);

}  // namespace hookfleet::cli
