// What a protocol card says of data, detector and rules.
#pragma once

#include <optional>
#include <span>

#include "eval/evaluation.hpp"
#include "eval/prepared_data.hpp"
#include "eval/protocol_card.hpp"
#include "eval/walls.hpp"
#include "model/model.hpp"

namespace dfa {

// A manifest whose crops are tested, and what lies beside it.
struct TestedData {
  NamedManifest named;
  std::optional<PreparedData> prepared;
};

// Data set and layout, compression, split and real-class rule, crop recipe, frames asked.
void describe_data(ProtocolCard& card, std::span<const TestedData> tested, Role role);
// Model and base weights, selection, seed.
void describe_model(ProtocolCard& card, const Model& model);
// Frames distinct (crops a video), aggregation, no-face rule, coverage, EER, intervals.
void describe_figures(ProtocolCard& card, const ScoreTable& table, const Evaluation& evaluation);

// "512/518 videos, 98.8 %", or that nobody knows how many there were.
std::string coverage_words(const Coverage& coverage);

}  // namespace dfa
