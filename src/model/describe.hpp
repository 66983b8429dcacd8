// Models and comparisons in words: as text for people (lines, trailing newline) and as JSON for scripts (one
// object, no newline).
#pragma once

#include <string>

#include "model/diff.hpp"
#include "model/model.hpp"
#include "model/verify.hpp"

namespace dfa {

// `dfa model show`: configuration, crop recipe, parameter counts, calibration, provenance, licence, card. JSON: schema
// dfa.model/1.
std::string model_text(const Model& model);
std::string model_json(const Model& model);

// What was measured, on what, and what the set could not support; lines without a trailing newline.
std::string calibration_text(const Calibration& calibration);

// How many tensors are quantised, on what they were calibrated, what it costs, and which stayed wide; lines without a
// trailing newline.
std::string quantised_text(const ModelQuantisation& quantised);
// The same as a table with a line for each site, worst distortion first; with a trailing newline.
std::string distortion_text(const ModelQuantisation& quantised);

// `dfa model verify`: one line a group with the largest difference and the tolerance. JSON: schema dfa.model-verify/1.
std::string verify_text(const VerifyReport& report);
std::string verify_json(const VerifyReport& report, const Model& model);

// `dfa model diff`. JSON: schema dfa.model-diff/1.
std::string diff_text(const ModelDiff& diff);
std::string diff_json(const ModelDiff& diff);

}  // namespace dfa
