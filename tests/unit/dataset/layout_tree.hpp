// Small data sets written for one test: names and lists; the files hold no media, because readers open none.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "dataset/source_list.hpp"
#include "support/temp_dir.hpp"

namespace dfa::test {

class LayoutTree {
 public:
  LayoutTree& file(const std::string& path, const std::string& content = "x") {
    std::filesystem::create_directories((root() / path).parent_path());
    write_bytes(root() / path, content);
    return *this;
  }
  LayoutTree& files(const std::vector<std::string>& paths) {
    for (const std::string& path : paths) file(path);
    return *this;
  }
  std::filesystem::path root() const { return dir_ / name_; }
  void remove(const std::string& path) const { std::filesystem::remove(root() / path); }
  void rename(const std::string& name) {
    std::filesystem::rename(root(), dir_ / name);
    name_ = name;
  }

  LayoutReading read(std::string_view layout, const LayoutOptions& options = {}) const {
    auto reading = inspect_layout(layout, root(), options);
    EXPECT_TRUE(reading) << reading.error().message;
    return reading ? std::move(*reading) : LayoutReading{};
  }
  std::string error(std::string_view layout, const LayoutOptions& options = {}) const {
    const auto reading = inspect_layout(layout, root(), options);
    EXPECT_FALSE(reading);
    return reading ? "" : reading.error().message;
  }

 private:
  const TempDir dir_;
  std::string name_ = "outer";
};

inline const SourceItem& item_of(const LayoutReading& reading, const std::string& path) {
  for (const SourceItem& item : reading.list.items)
    if (item.path == path) return item;
  ADD_FAILURE() << path << " is not in the list";
  static const SourceItem none;
  return none;
}

// "missing a/b.mp4", ... in the order of the reading.
inline std::vector<std::string> found(const LayoutReading& reading) {
  std::vector<std::string> lines;
  for (const LayoutFinding& finding : reading.findings)
    lines.push_back(std::string(layout_fault_name(finding.fault)) + " " + finding.subject);
  return lines;
}

}  // namespace dfa::test
