// What a packed layer reads.
#pragma once

#include <string>

#include "nn/ops/codes.hpp"
#include "nn/plan/element.hpp"

namespace dfa {

// codes: how u8 codes stand for values; null for the other formats; outlives the layer.
// site: the tensor's name (nn/quantisation.hpp, Note [Quantisation sites]); empty for one that is none.
struct LayerInput {
  Element element = Element::f32;
  const Codes* codes = nullptr;
  std::string site = {};
};

}  // namespace dfa
