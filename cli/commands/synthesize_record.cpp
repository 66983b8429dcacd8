#include "cli/commands/synthesize_record.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::ordered_json;

Json colours_json(const ColourShift& shift) {
  return {{"rgb", {shift.red, shift.green, shift.blue}},
          {"hsv", {shift.hue, shift.saturation, shift.value}},
          {"brightness", shift.brightness},
          {"contrast", shift.contrast}};
}

Json mask_json(const MaskDraws& draws) {
  const AxisAffine& moved = draws.moved;
  const Softening& soft = draws.softening;
  return {{"hull", hull_name(draws.hull)},
          {"shift", {moved.shift_x, moved.shift_y}},
          {"scale", {moved.scale_x, moved.scale_y}},
          {"elastic", {{"alpha", draws.elastic.alpha}, {"sigma", draws.elastic.sigma}}},
          {"soften",
           {{"size", {soft.width, soft.height}},
            {"kernels", {soft.first_kernel, soft.second_kernel}},
            {"sigma", soft.second_sigma}}}};
}

const char* flip_name(Flip flip) {
  return flip == Flip::yes ? "yes" : "no";
}

}  // namespace

Json draws_json(const FinishDraws& draws) {
  Json json = {{"colours", colours_json(draws.colours)}, {"jpeg_quality", nullptr}};
  if (draws.jpeg_quality > 0) json["jpeg_quality"] = draws.jpeg_quality;
  json["margins"] = {draws.left, draws.top, draws.right, draws.bottom};
  return json;
}

Json draws_json(const SelfBlendDraws& draws) {
  Json degradation = {{"coarsen", draws.coarsen_ratio}};
  if (draws.degradation == Degradation::sharpen)
    degradation = {{"sharpen", {{"alpha", draws.sharpen_alpha}, {"lightness", draws.sharpen_lightness}}}};
  return {
      {"flip", flip_name(draws.flip)},          {"changed", draws.changed == ChangedSide::source ? "source" : "target"},
      {"colours", colours_json(draws.colours)}, {"degradation", std::move(degradation)},
      {"mask", mask_json(draws.mask)},          {"r", draws.ratio},
      {"both", draws_json(draws.finish)}};
}

Json draws_json(const CrossBlendDraws& draws) {
  return {{"flip", flip_name(draws.flip)},
          {"mask", mask_json(draws.mask)},
          {"r", draws.ratio},
          {"both", draws_json(draws.finish)}};
}

}  // namespace dfa::cli
