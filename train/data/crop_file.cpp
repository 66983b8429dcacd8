#include "train/data/crop_file.hpp"

#include <fmt/ranges.h>

#include <set>

#include "base/hash.hpp"

namespace dfa::train {

namespace {

Result<CropFile> open_pack(const std::filesystem::path& path) {
  CropFile file;
  file.path = path;
  DFA_ASSIGN_OR_RETURN(file.pack, Pack::open(path));
  file.manifest.crop_name = file.pack->crop_name();
  file.manifest.stored_px = file.pack->stored_px();
  file.manifest.crop_sha256 = file.pack->crop_sha256();
  file.manifest.entries.reserve(file.pack->size());
  for (std::size_t i = 0; i < file.pack->size(); ++i) file.manifest.entries.push_back(file.pack->entry(i));
  file.sha256 = file.pack->sha256();
  return file;
}

}  // namespace

Status choose_methods(CropFile& file, const std::vector<std::string>& methods) {
  std::set<std::string> known;
  for (const ManifestEntry& entry : file.manifest.entries)
    if (entry.label == 1) known.insert(entry.method);
  for (const std::string& method : methods)
    if (!known.contains(method))
      return fail(ErrorCode::usage, "{}: no fake of method \"{}\"; there are: {}", file.path.string(), method,
                  fmt::join(known, ", "));
  file.methods = methods;
  return {};
}

Result<CropFile> open_crop_file(const std::filesystem::path& path) {
  if (looks_like_pack(path)) return open_pack(path);
  CropFile file;
  file.path = path;
  DFA_ASSIGN_OR_RETURN(file.manifest, read_manifest(path));
  DFA_ASSIGN_OR_RETURN(file.sha256, sha256_file(path));
  return file;
}

}  // namespace dfa::train
