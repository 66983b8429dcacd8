// Where the files of an item lie below the output folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace dfa {

inline constexpr std::string_view kManifestName = "manifest.jsonl";
inline constexpr std::string_view kPackName = "crops.dfapack";
inline constexpr std::string_view kCoverageJsonName = "coverage.json";
inline constexpr std::string_view kCoverageTextName = "coverage.txt";
inline constexpr std::string_view kStateFolder = ".prepare";  // job record, journal, lock

// Whether the bytes are UTF-8: what JSON can hold.
bool is_utf8(std::string_view text);

// "crops/<path of the item>/000012.png", "masks/...", "landmarks/.../000012.npy": one folder an item, so that no two
// items share a file. What leads above the root ("..", absolute paths) is written as a folder "@up" or "@root".
std::string crop_folder(std::string_view item_path);
std::string mask_folder(std::string_view item_path);
std::string landmark_folder(std::string_view item_path);
std::string crop_file(std::string_view item_path, std::int64_t frame);
std::string mask_file(std::string_view item_path, std::int64_t frame);
std::string landmark_file(std::string_view item_path, std::int64_t frame);

// The way back: the item of which this is a crop; empty where the path is none of crop_file()'s.
std::string item_of_crop(std::string_view crop_path);

}  // namespace dfa
