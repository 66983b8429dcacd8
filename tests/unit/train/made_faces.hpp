// Made crops with what prepared ones have besides: videos, frames, sources, masks, 68 points.
#pragma once

#include <filesystem>
#include <string>

#include "dataset/manifest.hpp"
#include "face/landmarks68.hpp"
#include "support/made_crops.hpp"

namespace dfa::test {

// Points like those of a face that fills a crop of this side.
Landmarks68 made_landmarks(int side);

// write_made_crops(), and: crops 2k (real) and 2k + 1 (fake) of a role are frame k of a video and of its forgery; every
// other fake has a mask (a rectangle of its upper left quarter), every real its points. The manifest's path is
// returned.
std::filesystem::path write_made_faces(const std::filesystem::path& folder, const MadeCrops& crops);

// The pack of that manifest, beside it.
std::filesystem::path write_made_pack(const std::filesystem::path& manifest_path);

}  // namespace dfa::test
