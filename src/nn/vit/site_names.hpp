// Names of the quantisation sites (nn/quantisation.hpp, Note [Quantisation sites]).
#pragma once

#include <string>
#include <string_view>

#include "nn/vit/folded_layers.hpp"

namespace dfa {

inline constexpr std::string_view kPatchSite = "patches";
inline constexpr std::string_view kSpmImageSite = "spm.image";

// What convolution `index` of the spatial prior gives, pooled behind the stem.
inline std::string spm_map_site(int index) {
  return "spm." + spm_conv_name(index);
}
inline bool of_spm(std::string_view site) {
  return site.starts_with("spm.");
}
// What it reads.
inline std::string spm_input_site(int index) {
  return index == 0 ? std::string(kSpmImageSite) : spm_map_site(index - 1);
}

inline std::string block_site(int block, std::string_view tensor) {
  return "blocks." + std::to_string(block) + "." + std::string(tensor);
}

// The stream where stage `stage` begins; the number of stages: where the last one ends.
inline std::string trunk_site(int stage) {
  return "trunk." + std::to_string(stage) + ".norm";
}

inline std::string spatial_site(int stage) {
  return "spatial." + std::to_string(stage) + ".norm";
}

// What the cross-attention's queries and its keys and values read, and what it gives.
inline std::string cross_query_site(Cross cross, int stage) {
  return cross == Cross::injector ? trunk_site(stage) : spatial_site(stage);
}
inline std::string cross_source_site(Cross cross, int stage) {
  return cross == Cross::injector ? spatial_site(stage) : trunk_site(stage + 1);
}
inline std::string cross_name(Cross cross, int stage) {
  return (cross == Cross::injector ? "injector." : "extractor.") + std::to_string(stage);
}
inline std::string cross_out_site(Cross cross, int stage) {
  return cross_name(cross, stage) + ".attention";
}

}  // namespace dfa
