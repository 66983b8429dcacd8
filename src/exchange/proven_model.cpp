#include "exchange/proven_model.hpp"

#include <algorithm>
#include <cmath>

#include "base/rng.hpp"
#include "model/golden.hpp"
#include "preprocess/crop.hpp"

namespace dfa {
namespace {

constexpr int kSmoothSide = 8;

std::uint8_t made_byte(std::string_view name, std::uint64_t index) {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;
  return static_cast<std::uint8_t>(mix64(index + fnv1a32(name) * kGolden) >> 56);
}

Picture noise(std::string_view name, int side) {
  Picture picture{side, side,
                  std::vector<std::uint8_t>(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side))};
  for (std::size_t i = 0; i < picture.rgb.size(); ++i) picture.rgb[i] = made_byte(name, i);
  return picture;
}

}  // namespace

Result<std::vector<std::uint8_t>> made_crops(int count, int side) {
  std::vector<std::uint8_t> crops;
  for (int i = 0; i < count; ++i) {
    const std::string name = "golden.crop." + std::to_string(i);
    Picture picture = noise(name, i % 2 == 0 ? side : std::min(side, kSmoothSide));
    DFA_ASSIGN_OR_RETURN(picture, resize_antialiased(picture.view(), side, side, "bilinear"));
    crops.insert(crops.end(), picture.rgb.begin(), picture.rgb.end());
  }
  return crops;
}

Result<Model> save_with_golden(Model model, const std::filesystem::path& out, Dtype weights_dtype, int count,
                               int threads) {
  if (count > 0) {
    DFA_ASSIGN_OR_RETURN(auto crops, made_crops(count, model.crop.stored_px));
    DFA_ASSIGN_OR_RETURN(model.golden, make_golden(model, std::move(crops), count, weights_dtype, threads));
    for (const float logit : model.golden->logits)
      if (!std::isfinite(logit))
        return fail(ErrorCode::internal, "the weights give a logit of {}, expected a finite number", logit);
  }
  DFA_TRY(save_model(model, out, weights_dtype));
  return load_model(out);
}

}  // namespace dfa
