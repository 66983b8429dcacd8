// Manifest version 1: which crops belong to a data set, what they show and what they may be used for.
//
// JSON lines, UTF-8. The first line is the header:
//   {"dfa_manifest":1,"crop":{"recipe":"square1.3-inside","stored_px":192,"sha256":"<of the recipe's
//   JSON>"},"root":"."}
// crop.sha256 may be left out where only name and size are known. `root` is the folder of the crops, absolute or
// relative to the manifest's own folder. Every further line is one crop:
//   {"path":"real/0001.png","label":0,"role":"train","set":"ffhq","method":"","identity":"","source":"","video":"v/001.mp4",
//    "frame":12,"pts_seconds":0.48,"box_px":[x1,y1,x2,y2],"landmarks_px":[[x,y] x
//    5],"mask":"masks/0001.png","landmarks68":"landmarks/0001.npy","crop_sha256":"..."}
// path, label and role are required; the rest may be left out or null. "video": null says that the crop is a still
// picture; a line without "video" leaves that to video_key(). Unknown keys, keys given twice and paths that leave the
// root are errors.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "geometry/geometry.hpp"

namespace dfa {

enum class Role { train, val, calibration, test };

std::string_view role_name(Role role);
// Errors: usage, listing the known names.
Result<Role> role_by_name(std::string_view name);

struct ManifestEntry {
  std::string path;          // of the crop, relative to the root
  std::optional<int> label;  // 1 = fake, 0 = real; nothing = unknown (JSON null)
  Role role = Role::train;
  std::string set;     // data set it comes from
  std::string method;  // of forgery; empty for real ones
  std::string identity;
  std::string source;                // what it was made from
  std::optional<std::string> video;  // nothing: not said; empty: a still picture (JSON null)
  std::optional<std::int64_t> frame;
  std::optional<double> pts_seconds;
  std::optional<Box> box_px;  // in the original frame
  std::optional<std::array<Point, 5>> landmarks_px;
  std::string mask;         // path of the forgery mask, relative to the root
  std::string landmarks68;  // path of the 68 points in the crop (landmark_file.hpp), relative to the root
  std::string crop_sha256;  // of the crop file
};

struct Manifest {
  std::string crop_name;    // of the crop recipe
  int stored_px = 0;        // side of the crops
  std::string crop_sha256;  // crop_recipe_hash(); empty where it is not known
  std::string root = ".";
  std::vector<ManifestEntry> entries;
};

struct ManifestLimits {
  std::uint64_t max_bytes = 8ull << 30;
  std::size_t max_line_bytes = 1 << 20;
  std::size_t max_entries = 100'000'000;
};

// `what` names the manifest in messages, which carry the line number. Errors: manifest_invalid (also for a path that is
// listed twice, and for a video or a crop that serves two roles: a leak), limit_exceeded.
Result<Manifest> parse_manifest(std::string_view text, std::string_view what, const ManifestLimits& limits = {});
Result<Manifest> read_manifest(const std::filesystem::path& path, const ManifestLimits& limits = {});
// Equal content gives equal bytes. Errors: file_unwritable, manifest_invalid when the manifest would not read back.
Status write_manifest(const Manifest& manifest, const std::filesystem::path& path);
std::string manifest_text(const Manifest& manifest);

// The folder of the crops of a manifest that lies at `manifest_path`.
std::filesystem::path manifest_root(const Manifest& manifest, const std::filesystem::path& manifest_path);

// What belongs together when items are resampled: the video where one is named; a still picture by itself; where
// nothing is said, the parent path if the file's name is a number (frames of one video), else the file itself. Full
// paths, so that equal names under different methods never merge.
std::string video_key(const ManifestEntry& entry);

}  // namespace dfa
