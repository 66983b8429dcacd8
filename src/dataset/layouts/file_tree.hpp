// The names of all files below a folder, read once and asked many times. Internal to this room.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/source_list.hpp"

namespace dfa {

// Paths are relative to the root, '/' between parts. Memory: the text of all paths. Thread-safe once made.
class FileTree {
 public:
  // Hidden names, symbolic links (counted) and whatever is neither file nor folder are left out. Errors:
  // file_not_found, file_unreadable (a folder below that cannot be listed too: a gap would pass for missing files),
  // limit_exceeded, cancelled.
  static Result<FileTree> scan(const std::filesystem::path& root, const LayoutLimits& limits, const CancelFlag* cancel);

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path absolute(std::string_view path) const { return root_ / std::filesystem::path(path); }
  const std::vector<std::string>& files() const { return files_; }  // in byte order
  std::size_t links_skipped() const { return links_skipped_; }

  bool has_file(std::string_view path) const;
  bool has_folder(std::string_view path) const { return !below(path).empty(); }  // with a file somewhere below
  // All files below a folder; "" is the root.
  std::span<const std::string> below(std::string_view folder) const;
  // Names directly in a folder, in byte order.
  std::vector<std::string> folders_in(std::string_view folder) const { return names_in(folder).folders; }
  std::vector<std::string> files_in(std::string_view folder) const { return names_in(folder).files; }
  // Paths of all files of this name, wherever they lie.
  std::vector<std::string> named(std::string_view name) const;
  // The same tree seen from a folder in it.
  FileTree within(std::string_view folder) const;

 private:
  struct Names {
    std::vector<std::string> folders, files;
  };
  Names names_in(std::string_view folder) const;

  std::filesystem::path root_;
  std::vector<std::string> files_;
  std::size_t links_skipped_ = 0;
};

}  // namespace dfa
