// What every layout's reader gets and gives. Internal to this room.
#pragma once

#include <fmt/format.h>

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "dataset/layouts/file_tree.hpp"
#include "dataset/source_list.hpp"

namespace dfa {

struct LayoutReader {
  std::string_view name;
  // Errors: manifest_invalid, file_*, limit_exceeded, usage.
  Result<LayoutReading> (*read)(const FileTree& tree, const LayoutOptions& options) = nullptr;
  // Why the tree is of this layout, in words for notes and messages; nothing if it is not.
  std::optional<std::string> (*recognise)(const FileTree& tree, const LayoutLimits& limits) = nullptr;
  // Whether there is anything to read when the layout is named outright; null: what recognise() says.
  bool (*accepts)(const FileTree& tree) = nullptr;
};

const LayoutReader& ffpp_reader();
const LayoutReader& dfd_reader();
const LayoutReader& celebdf1_reader();
const LayoutReader& celebdf2_reader();
const LayoutReader& dfdc_reader();
const LayoutReader& dfdcp_reader();
const LayoutReader& deeperforensics_reader();
const LayoutReader& wilddeepfake_reader();
const LayoutReader& ffiw_reader();
const LayoutReader& df40_reader();
const LayoutReader& official_reader();
const LayoutReader& dfb_reader();
const LayoutReader& folders_reader();

// A list file with path,label[,video][,method][,split][,mask], CSV or JSON.
Result<LayoutReading> read_list_file(const std::filesystem::path& path, const LayoutOptions& options);

// Collects items and findings; finish() puts them in order.
class ReadingBuilder {
 public:
  ReadingBuilder(std::string_view layout, const FileTree& tree);

  template <class... Args>
  void note(fmt::format_string<Args...> format, Args&&... args) {
    reading_.list.notes.push_back(fmt::format(format, std::forward<Args>(args)...));
  }
  template <class... Args>
  void find(LayoutFault fault, std::string subject, fmt::format_string<Args...> format, Args&&... args) {
    reading_.findings.push_back({fault, std::move(subject), fmt::format(format, std::forward<Args>(args)...)});
  }
  void add(SourceItem item) { reading_.list.items.push_back(std::move(item)); }
  std::vector<SourceItem>& items() { return reading_.list.items; }

  // The item's role from all that lists give it: the strongest counts, more than one is a split_overlap. `lists` says
  // where they come from.
  void give_role(SourceItem& item, const std::set<Role>& roles, std::string_view lists);

  LayoutReading finish();

 private:
  LayoutReading reading_;
};

// Of two roles the one that must not be trained on: test, val, calibration, train.
Role stronger_role(Role a, Role b);
std::string role_names(const std::set<Role>& roles);  // "train and test"

}  // namespace dfa
