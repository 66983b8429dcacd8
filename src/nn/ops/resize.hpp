// Bilinear resizing of planes, for the picture that the spatial prior module sees (SpatialSource::patch).
#pragma once

namespace dfa {

// (planes, side, side) to (planes, out_side, out_side). Pixel centres at half coordinates, edges repeated, no
// antialiasing: torch's interpolate(mode="bilinear", align_corners=False). Planes are shared among `threads`.
void resize_bilinear(const float* src, int planes, int side, int out_side, float* dst, int threads);

}  // namespace dfa
