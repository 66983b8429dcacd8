// How a face becomes a picture for the network. The recipe is part of the model: it travels in the model file as
// `dfa.crop`, its hash in every manifest, and a model is not run on crops of another recipe unless told to.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

enum class CropKind {
  aligned,          // least squares warp of the five points to ArcFace's template
  square_inside,    // square around the box, shifted into the frame
  aligned_refound,  // as aligned; whoever makes data drops a crop in which the detector finds no face again
  aligned_lmeds,    // least median of squares warp of the five points to GenD's template
  box_stretched,    // the box enlarged, cut at the frame's border, stretched to a square
  box_letterboxed   // the same, shrunk or enlarged in proportion, zeros beside it
};

struct CropRecipe {
  std::string name = "aligned1.3";  // one of crop_recipe_names(), or a name of one's own
  CropKind kind = CropKind::aligned;
  double scale = 1.3;                      // margin factor k
  int stored_px = 256;                     // side of the u8 crop
  std::string detector = "mtcnn";          // who finds the faces
  std::string detector_sha256;             // of its weights; empty = any version
  std::string interpolation = "bilinear";  // crop -> network size: antialiased u8 filter, "bilinear" or "bicubic"
  std::string colour = "rgb";              // channel order of the tensor
  std::string yuv = "tags-or-bt601-limited; swscale bicubic accurate_rnd full_chroma_int bitexact";
  std::array<double, 3> mean = {0.5, 0.5, 0.5};
  std::array<double, 3> std = {0.5, 0.5, 0.5};
  std::string frames = "even:32";

  bool operator==(const CropRecipe&) const = default;
};

// By name, with everything else as published. Where the authors' detector cannot be had (RetinaFace, SCRFD: weights for
// research only) the recipe names the one that takes its place. Errors: usage, listing the known names.
Result<CropRecipe> crop_recipe_by_name(std::string_view name);

// "aligned1.3", "square1.3-inside", "dfb", "gend", "sbi", "ffpp", "dfdc-large".
std::vector<std::string_view> crop_recipe_names();

// JSON text with fixed key order, as in `dfa.crop`; parsing is strict (unknown or missing keys are errors).
std::string crop_recipe_json(const CropRecipe& recipe);
Result<CropRecipe> parse_crop_recipe(std::string_view json);
// SHA-256 of the JSON text.
std::string crop_recipe_hash(const CropRecipe& recipe);

// Empty when equal; else the differing fields in words, "stored_px: 256 against 192; ...".
std::string crop_recipe_difference(const CropRecipe& a, const CropRecipe& b);

}  // namespace dfa
