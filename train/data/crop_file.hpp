// What "data.manifest" names: a manifest, whose crops lie beside it as pictures, or a pack, which holds them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "dataset/pack.hpp"

namespace dfa::train {

struct CropFile {
  std::filesystem::path path;
  Manifest manifest;                      // of a pack: what it says of its crops
  std::shared_ptr<const Pack> pack;       // null for a manifest
  std::string sha256;                     // of the manifest's bytes; of a pack the hash that its writer put at its end
  std::vector<std::string> methods = {};  // whose fakes count beside the real crops; empty = all
};

// Errors: usage when the manifest names no fake of one of `methods`, listing those that it names.
Status choose_methods(CropFile& file, const std::vector<std::string>& methods);

// Which of the two the file is follows from its first bytes. Errors: those of read_manifest() and Pack::open().
Result<CropFile> open_crop_file(const std::filesystem::path& path);

}  // namespace dfa::train
