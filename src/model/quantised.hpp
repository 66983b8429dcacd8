// What a model file says about its int8 form: the codes of every quantised tensor, and how they were chosen
// (`dfa.quant`, tensors `quant.*`). The weights stay wide: the int8 engine rounds them when it loads them, so the same
// file runs on every engine.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nn/quantisation.hpp"

namespace dfa {

// How the codes of a site were chosen and what they cost.
struct SiteFigures {
  std::optional<double> smoothing = {};  // alpha of Note [Smoothing] in quant/choose_codes.hpp; nothing: none
  double range = 1;                      // share of the seen range that the codes cover; what lies beyond is clipped
  double distortion = 0;  // E|y - y_q|^2 / E|y|^2 of what the site's readers compute, on rows that did not choose them
};

// A site that could be quantised and is not.
struct WideSite {
  std::string name;
  double distortion = 0;  // that its codes would have had
  std::string reason;
};

struct ModelQuantisation {
  Quantisation codes;                                       // not empty
  std::map<std::string, SiteFigures, std::less<>> figures;  // of the same sites
  std::vector<WideSite> wide;
  std::string manifest_sha256;  // of the crops that it was calibrated on
  std::string role;             // theirs
  std::int64_t crops = 0;
  std::int64_t seed = 0;  // that drew them
  double budget = 0;      // largest mean difference of p_fake from f32 that was allowed
  double difference = 0;  // and what it is, on those crops
  std::string made_by;    // program and version
  std::string isa;        // instruction set that the difference was measured with
};

}  // namespace dfa
