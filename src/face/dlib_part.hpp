// The optional part of the build that uses dlib (CMake option DFA_DLIB). Without it the makers refuse with the next
// step; nothing else changes.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "face/detector.hpp"
#include "face/landmarks68.hpp"

namespace dfa {

enum class DlibPart { absent, present };
DlibPart dlib_part();

// Where the build expects the file of the 68-point model (CMake: DFA_DLIB_MODEL); empty without dlib.
std::string_view dlib_default_model();

// As make_detector("dlib", ...) and make_landmark_finder("dlib", ...).
Result<std::unique_ptr<Detector>> make_dlib_detector(const DetectorOptions& options);
Result<std::shared_ptr<const LandmarkFinder>> make_dlib_landmark_finder(const std::filesystem::path& model);

}  // namespace dfa
