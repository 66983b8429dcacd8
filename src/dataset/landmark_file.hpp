// The 68 points of a crop as a file: NumPy's .npy, version 1.0, C order, (68, 2) little-endian f32, x before y, in
// pixels of the stored crop. The form in which DeepfakeBench's data sets carry theirs, so that either program reads the
// other's.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "face/landmarks68.hpp"

namespace dfa {

std::vector<std::byte> landmark_file_bytes(const Landmarks68& landmarks);

// Also reads what others write: f32, f64, i32 and i64, and 81 points, of which the first 68 are these and the rest
// forehead. `what` names the bytes in messages. Errors: manifest_invalid (also for values that are not finite).
Result<Landmarks68> parse_landmark_file(std::span<const std::byte> bytes, std::string_view what);
// Errors: those, file_not_found, file_unreadable, limit_exceeded.
Result<Landmarks68> read_landmark_file(const std::filesystem::path& path);

}  // namespace dfa
