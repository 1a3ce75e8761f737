#pragma once

#include "common/durability/durability.hpp"

/// The preflight's judgement and its words, which the command line's doctor shares: common/durability.
namespace hookfleet::append {

using durability::AofHistory;
using durability::Assumption;
using durability::Check;
using durability::Durability;
using durability::Failing;
using durability::Judgement;
using durability::kChecks;
using durability::Requirements;
using durability::ServerFacts;

}  // namespace hookfleet::append
