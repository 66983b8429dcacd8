#include "pipeline/inputs.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>

namespace dfa {
namespace {

namespace fs = std::filesystem;

// GIF, HEIC and AVIF are here although we do not decode them: they get a record that says so.
constexpr std::array<std::string_view, 13> kPictureSuffixes = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif", ".avif"};
constexpr std::array<std::string_view, 17> kVideoSuffixes = {".mp4", ".m4v",  ".mov", ".mkv", ".webm", ".avi",
                                                             ".mpg", ".mpeg", ".ts",  ".mts", ".m2ts", ".3gp",
                                                             ".wmv", ".flv",  ".ogv", ".vob", ".mxf"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Input refused(const std::string& path, const std::error_code& error) {
  const ErrorCode code =
      error == std::errc::no_such_file_or_directory ? ErrorCode::file_not_found : ErrorCode::file_unreadable;
  return {path, Error{code, error.message()}};
}

// Collects the inputs below one folder; sorted by the caller.
class FolderSearch {
 public:
  explicit FolderSearch(InputList& list) : list_(list) {}

  // An explicit stack, because a tree may be deeper than ours.
  std::vector<Input> below(const std::string& root) {
    std::vector<fs::path> open = {root};
    while (!open.empty()) {
      const fs::path folder = std::move(open.back());
      open.pop_back();
      ++list_.folders;
      std::error_code error;
      fs::directory_iterator at(folder, error);
      for (; !error && at != fs::directory_iterator(); at.increment(error)) take(*at, open);
      if (error) found_.push_back(refused(folder.string(), error));
    }
    return std::move(found_);
  }

 private:
  void take(const fs::directory_entry& entry, std::vector<fs::path>& open) {
    std::error_code error;
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) {
      ++list_.skipped.hidden;
    } else if (entry.is_symlink(error)) {
      ++list_.skipped.links;
    } else if (entry.is_directory(error)) {
      open.push_back(entry.path());
    } else if (has_media_suffix(name)) {
      found_.push_back({entry.path().string(), std::nullopt});
    } else {
      ++list_.skipped.other;
    }
  }

  InputList& list_;
  std::vector<Input> found_;
};

std::vector<Input> shard_of(std::vector<Input> inputs, Shard shard) {
  if (shard.count <= 1) return inputs;
  std::vector<Input> kept;
  for (auto i = static_cast<std::size_t>(shard.index - 1); i < inputs.size();
       i += static_cast<std::size_t>(shard.count))
    kept.push_back(std::move(inputs[i]));
  return kept;
}

}  // namespace

bool has_media_suffix(const std::string& path) {
  std::string suffix = fs::path(path).extension().string();
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return contains(kPictureSuffixes, suffix) || contains(kVideoSuffixes, suffix);
}

InputList list_inputs(std::span<const std::string> paths, Shard shard) {
  InputList list;
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_directory(status)) {
      std::vector<Input> below = FolderSearch(list).below(path);
      std::sort(below.begin(), below.end(), [](const Input& a, const Input& b) { return a.path < b.path; });
      std::move(below.begin(), below.end(), std::back_inserter(list.inputs));
    } else if (error) {
      list.inputs.push_back(refused(path, error));
    } else {
      list.inputs.push_back({path, std::nullopt});
    }
  }
  list.inputs = shard_of(std::move(list.inputs), shard);
  return list;
}

std::vector<std::string> read_path_list(std::istream& in) {
  std::vector<std::string> paths;
  for (std::string line; std::getline(in, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (!line.empty()) paths.push_back(std::move(line));
  }
  return paths;
}

}  // namespace dfa
