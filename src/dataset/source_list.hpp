// What a data set on disk comes to: its videos and pictures, and what each shows. Layout readers make it, `doctor`
// checks it, `prepare` turns it into crops and a manifest.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "dataset/manifest.hpp"

namespace dfa {

enum class SourceKind {
  video,
  picture,
  frames,  // a folder of numbered pictures that are one video
};

struct SourceItem {
  std::string path;  // relative to the list's root, '/' between parts; absolute where it lies in another root
  SourceKind kind = SourceKind::video;
  std::vector<std::string> frames;      // of kind frames: file names in the order of their numbers
  std::optional<int> label;             // 1 = fake, 0 = real, whatever the set's own files say; nothing = unknown
  std::optional<Role> role;             // by the official split; nothing where the set has none
  std::string set;                      // "ffpp", "celebdf2", ...
  std::string method;                   // of forgery; empty for real ones
  std::string compression;              // "raw", "c23", "c40"; empty where the set has no levels
  std::vector<std::string> identities;  // of the persons shown or used, target first; unique within the set
  std::string source;                   // path of the real item that it was made from, as `path`; empty where unknown
  std::string mask;                     // of the forged region: a video, picture or folder, as `path`; empty = absent
};

struct SourceList {
  std::string layout;              // name as on the command line, never "auto"
  std::filesystem::path root;      // as given
  std::vector<SourceItem> items;   // in byte order of their paths
  std::vector<std::string> notes;  // how the folder was read: split file used, label source, real-class rule
};

}  // namespace dfa
