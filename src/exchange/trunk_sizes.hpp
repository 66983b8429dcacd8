// What all readers of another library's trunk share: the fields that a kind of ViT fixes, and what shapes tell of the
// picture. Private to the room.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "nn/network_config.hpp"

namespace dfa {

// A plain ViT without adapters whose feature is the class token; `heads` is 0, as no shape tells it.
NetworkConfig bare_trunk();
// CLIP's: a norm before the blocks, quick-GELU, no patch bias, eps 1e-5.
NetworkConfig clip_trunk();
// DINOv2's: layer scale, eps 1e-6; positions in a table.
NetworkConfig dinov2_trunk();
// DINOv3's: layer scale, eps 1e-5; rotary positions of base 100.
NetworkConfig dinov3_trunk();

// Side of the square picture that a table of `rows` positions belongs to; `extra` of them are no patches'. `name` is
// the table's. Errors: model_incompatible.
Result<int> image_side(std::string_view name, int rows, int extra, int patch);

}  // namespace dfa
