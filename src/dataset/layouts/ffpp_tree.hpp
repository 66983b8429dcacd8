// What FaceForensics++ and DeepFakeDetection share: classes as folders, below them levels of compression. Internal to
// this room.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dataset/layouts/file_tree.hpp"
#include "dataset/layouts/reading.hpp"

namespace dfa {

inline constexpr std::string_view kYoutubeFolder = "original_sequences/youtube";
inline constexpr std::string_view kActorsFolder = "original_sequences/actors";
inline constexpr std::string_view kMethodsFolder = "manipulated_sequences";

// One class at one level: <class>/<level>/{videos|frames|images}/<name>.
struct FfppLevel {
  std::string compression;                  // "raw", "c23", "c40"
  std::string folder;                       // that holds the items
  std::string suffix;                       // of the items there: ".mp4"; empty for folders of frames
  std::map<std::string, SourceItem> items;  // by name: "000", "071_054"
};

// Levels of the class that have items, videos preferred where there are frames as well. `only` leaves out other levels
// than the named one.
std::vector<FfppLevel> ffpp_levels(const FileTree& tree, const std::string& class_folder, std::string_view only);

// Masks of a method by item name: <method>/masks/videos/<name>.mp4, or <method>/<level>/masks/<name> as prepared copies
// have them.
std::map<std::string, std::string> ffpp_masks(const FileTree& tree, const std::string& class_folder,
                                              std::string_view level);

// Gives each item its mask; where a class has some, those that are not there are findings.
void give_masks(const FileTree& tree, const std::string& class_folder, FfppLevel& level, ReadingBuilder& builder);

}  // namespace dfa
