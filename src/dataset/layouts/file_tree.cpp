#include "dataset/layouts/file_tree.hpp"

#include <algorithm>
#include <system_error>

#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;

struct OpenFolder {
  fs::path path;
  std::string relative;
  std::size_t depth = 0;
};

class Scan {
 public:
  Scan(const LayoutLimits& limits, const CancelFlag* cancel) : limits_(limits), cancel_(cancel) {}

  // An explicit stack, because a tree may be deeper than ours.
  Status run(const fs::path& root) {
    open_.push_back({root, "", 0});
    while (!open_.empty()) {
      if (cancel_ != nullptr && cancel_->requested()) return fail(ErrorCode::cancelled, "cancelled");
      const OpenFolder folder = std::move(open_.back());
      open_.pop_back();
      DFA_TRY(list(folder));
    }
    std::sort(files.begin(), files.end());
    return {};
  }

  std::vector<std::string> files;
  std::size_t links = 0;

 private:
  Status list(const OpenFolder& folder) {
    std::error_code error;
    fs::directory_iterator at(folder.path, error);
    for (; !error && at != fs::directory_iterator(); at.increment(error)) DFA_TRY(take(*at, folder));
    if (error) return fail(ErrorCode::file_unreadable, "{}: {}", folder.path.string(), error.message());
    return {};
  }

  Status take(const fs::directory_entry& entry, const OpenFolder& folder) {
    std::error_code error;
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.')) return {};
    if (entry.is_symlink(error)) {
      ++links;
      return {};
    }
    if (entry.is_directory(error)) {
      if (folder.depth + 1 > limits_.max_depth)
        return fail(ErrorCode::limit_exceeded, "{}: folders are nested deeper than {}", entry.path().string(),
                    limits_.max_depth);
      open_.push_back({entry.path(), joined(folder.relative, name), folder.depth + 1});
      return {};
    }
    if (!entry.is_regular_file(error)) return {};  // opening a pipe would wait for ever
    if (files.size() >= limits_.max_files)
      return fail(ErrorCode::limit_exceeded, "{}: more than {} files below the root", entry.path().string(),
                  limits_.max_files);
    files.push_back(joined(folder.relative, name));
    return {};
  }

  const LayoutLimits& limits_;
  const CancelFlag* cancel_;
  std::vector<OpenFolder> open_;
};

}  // namespace

Result<FileTree> FileTree::scan(const fs::path& root, const LayoutLimits& limits, const CancelFlag* cancel) {
  std::error_code error;
  if (!fs::exists(root, error)) return fail(ErrorCode::file_not_found, "{}: no such folder", root.string());
  if (!fs::is_directory(root, error))
    return fail(ErrorCode::file_unreadable, "{}: not a folder; expected the root of a data set", root.string());
  Scan scan(limits, cancel);
  DFA_TRY(scan.run(root));
  FileTree tree;
  tree.root_ = root;
  tree.files_ = std::move(scan.files);
  tree.links_skipped_ = scan.links;
  return tree;
}

bool FileTree::has_file(std::string_view path) const {
  return std::binary_search(files_.begin(), files_.end(), path, std::less<>());
}

std::span<const std::string> FileTree::below(std::string_view folder) const {
  if (folder.empty()) return files_;
  const std::string prefix = std::string(folder) + "/";
  const auto first = std::lower_bound(files_.begin(), files_.end(), prefix);
  // Every path with the prefix lies together; the next byte after '/' ends them.
  const std::string past = std::string(folder) + static_cast<char>('/' + 1);
  const auto last = std::lower_bound(first, files_.end(), past);
  return {first, last};
}

FileTree::Names FileTree::names_in(std::string_view folder) const {
  const std::size_t skip = folder.empty() ? 0 : folder.size() + 1;
  const std::span<const std::string> inside = below(folder);
  Names names;
  for (auto at = inside.begin(); at != inside.end();) {
    const std::size_t slash = at->find('/', skip);
    if (slash == std::string::npos) {
      names.files.push_back(at->substr(skip));
      ++at;
      continue;
    }
    names.folders.push_back(at->substr(skip, slash - skip));
    at = std::lower_bound(at, inside.end(), at->substr(0, slash) + static_cast<char>('/' + 1));
  }
  return names;
}

std::vector<std::string> FileTree::named(std::string_view name) const {
  std::vector<std::string> found;
  for (const std::string& path : files_)
    if (file_name(path) == name) found.push_back(path);
  return found;
}

FileTree FileTree::within(std::string_view folder) const {
  FileTree tree;
  tree.root_ = absolute(folder);
  tree.links_skipped_ = links_skipped_;
  for (const std::string& path : below(folder)) tree.files_.push_back(path.substr(folder.size() + 1));
  return tree;
}

}  // namespace dfa
