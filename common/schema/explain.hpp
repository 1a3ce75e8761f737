#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/schema/problem.hpp"

/// The keywords of a schema that we know in words. Pure; of this folder only.
namespace hookfleet::schema {

/// What keeps a schema from being used: keywords that explain() doesn't know, values of the wrong shape, nesting beyond kNestingMax.
/// Each says where (a JSON pointer) and what is allowed there. Empty: none.
std::vector<std::string> flaws(const nlohmann::json& schema);
inline constexpr std::size_t kNestingMax = 64;

/// Words what is wrong with a value, at most `max` problems, pointers below `pointer`. `schema` has no flaws(). It judges by the same
/// rules as the Validator; should the two ever differ, the Validator decides and nothing here finds a reason.
std::vector<Problem> explain(const nlohmann::json& schema, const nlohmann::json& value, const std::string& pointer, std::size_t max);

/// Adds the pointers of fields that none of the schemas names, of objects whose `properties` one of them has and whose
/// `additionalProperties` none says anything of; array elements count as one, `*`. Ends when `out` has `max`.
void undeclared(std::span<const nlohmann::json* const> schemas, const nlohmann::json& value, const std::string& pointer, std::size_t max,
                std::vector<std::string>& out);

}  // namespace hookfleet::schema
