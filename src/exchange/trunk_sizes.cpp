#include "exchange/trunk_sizes.hpp"

#include "exchange/shape_reader.hpp"

namespace dfa {

NetworkConfig bare_trunk() {
  NetworkConfig config;
  config.gba = config.lsa = false;
  config.readout = Readout::cls;
  config.heads = 0;
  return config;
}

NetworkConfig clip_trunk() {
  NetworkConfig config = bare_trunk();
  config.pre_norm = true;
  config.patch_bias = false;
  config.activation = Activation::quick_gelu;
  config.norm_eps = 1e-5;
  return config;
}

NetworkConfig dinov2_trunk() {
  NetworkConfig config = bare_trunk();
  config.layer_scale = true;
  return config;
}

NetworkConfig dinov3_trunk() {
  NetworkConfig config = dinov2_trunk();
  config.positions = Positions::rotary;
  config.norm_eps = 1e-5;
  return config;
}

Result<int> image_side(std::string_view name, int rows, int extra, int patch) {
  DFA_ASSIGN_OR_RETURN(const int grid, square_side(name, rows, extra));
  const std::int64_t side = static_cast<std::int64_t>(grid) * patch;
  if (side > kMaxTensorSide)
    return fail(ErrorCode::model_incompatible, "{} and patches of {} give an image of {} pixels", name, patch, side);
  return static_cast<int>(side);
}

}  // namespace dfa
