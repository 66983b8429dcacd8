// Scores that look wrong as a whole: an AUC below one half over many items is more often a flipped list than a bad
// detector, and scores that are all alike are more often wrong crops or a wrong program than a careful one.
#pragma once

#include <string>
#include <vector>

#include "eval/evaluation.hpp"

namespace dfa {

inline constexpr std::size_t kPolarityItems = 50;  // of each class; fewer fall below one half by chance

// One sentence for each set (and for all together) whose AUC is below 0.5 on at least 50 + 50 items. Nothing is ever
// flipped here: which way a list runs is for its owner to say.
std::vector<std::string> polarity_warnings(const Evaluation& evaluation);

inline constexpr std::size_t kSpreadItems = 100;
inline constexpr double kLeastSpread = 0.1;

// A sentence where 100 scored items or more all lie within 0.1 of each other; else empty.
std::string spread_warning(const ScoreTable& table);

}  // namespace dfa
