// What a data set on disk comes to: its videos and pictures, and what each shows. Layout readers make it, `doctor`
// checks it, `prepare` turns it into crops and a manifest.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
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

// DeeperForensics-1.0 has two rules for what is real; numbers under one say nothing about the other.
enum class RealClass {
  authors,        // the c23 target videos of FaceForensics++ (the data set's authors)
  source_videos,  // the recorded actors of source_videos/ (DeepfakeBench)
};
std::string_view real_class_name(RealClass rule);  // "authors", "source-videos"
// Errors: usage, listing the known names.
Result<RealClass> real_class_by_name(std::string_view name);

// What read_layout() does about files that the set's own lists name and that are not there.
enum class MissingFiles {
  refuse,
  leave_out,  // and note how many of how many are there
};

struct LayoutLimits {
  std::size_t max_files = 50'000'000;         // below the root
  std::uint64_t max_list_bytes = 2ull << 30;  // of one list, split or metadata file
  std::size_t max_depth = 32;                 // of folders below the root
};

struct LayoutOptions {
  RealClass real_class = RealClass::authors;  // of deeperforensics
  std::filesystem::path ffpp_root;            // of FaceForensics++ for deeperforensics; empty: looked for in the root
  std::string compression;                    // only items of this level: "raw", "c23", "c40"; empty: all
  std::optional<int> fake_is;                 // of folders named 0 and 1: the one that holds fakes
  MissingFiles missing = MissingFiles::refuse;
  LayoutLimits limits;
  const CancelFlag* cancel = nullptr;  // looked at while folders are listed
};

// What contradicts the layout's own lists or rules.
enum class LayoutFault {
  list_missing,   // a list of the layout that is not there
  list_broken,    // a list that is empty, cut short, not of its format, or two copies that differ
  missing,        // named by a list, or part of a pair or level, and not there
  polarity,       // two sources of a label disagree: class folder, list, `original` of DFDC
  unlisted,       // there, but in none of the set's lists where each item has to be
  split_overlap,  // one item listed for two roles
  mask_missing,   // the forgery has masks, but not for this item
  empty_file,     // a JSON, CSV or text file without a byte, whether the layout needs it or not
};
std::string_view layout_fault_name(LayoutFault fault);  // "list_broken", ...

struct LayoutFinding {
  LayoutFault fault = LayoutFault::missing;
  std::string subject;  // path as in SourceItem, of the item or of the list
  std::string message;  // what was got and expected, with the list's line where there is one
};

// A data set as it lies there, with everything that is wrong about it. `list` holds what is there; where labels
// disagree the class folder counts, where roles disagree the first of test, val, calibration, train.
struct LayoutReading {
  SourceList list;
  std::vector<LayoutFinding> findings;  // in byte order of their subjects within a fault
};

// A row of the counts that the set's authors give.
struct ExpectedCount {
  std::string what;          // as in `dfa doctor --explain`: "real", "Deepfakes", "Celeb-real", "test"
  std::optional<int> label;  // counted: items of this label, if given,
  std::optional<Role> role;  // of this role, if given,
  std::string method;        // and of this method, if not empty,
  std::string folder;        // and below this folder, if not empty; for each level of compression that is there
  std::size_t count = 0;
  std::size_t tolerance = 0;  // where the authors' own figures are round
};

struct LayoutInfo {
  std::string name;                // on the command line
  std::string title;               // of the data set
  std::vector<std::string> tree;   // what is expected, a line each
  std::vector<std::string> rules;  // how labels, roles and identities are read
  std::vector<ExpectedCount> counts;
  bool split_keeps_identities_apart = false;  // whether an identity in two roles contradicts the official split
};

// Every layout but "auto", in the order of the documentation.
std::span<const LayoutInfo> layout_infos();
// Nothing for unknown names and for "auto".
const LayoutInfo* layout_info(std::string_view name);
// All names, "auto" last.
std::vector<std::string> layout_names();

// Reads a data set and tells what is wrong with it. `layout` is a name of layout_names(); "auto" recognises it by
// content and names together, whatever the outermost folder is called. `root` is a folder; for "folders" also a CSV or
// JSON list with path,label[,video][,method][,split][,mask].
// Errors: usage (unknown layout; ambiguous with "auto": the candidates are listed; an unclear 0/1 pair without
// fake_is), file_not_found, file_unreadable, manifest_invalid (nothing of this layout is there; labels of a list that
// are not known), limit_exceeded, cancelled.
Result<LayoutReading> inspect_layout(std::string_view layout, const std::filesystem::path& root,
                                     const LayoutOptions& options = {});

// The same for those who go on to use it. Errors: also manifest_invalid for broken lists and labels that disagree, and
// for missing files unless they may be left out; the message names the first of them.
Result<SourceList> read_layout(std::string_view layout, const std::filesystem::path& root,
                               const LayoutOptions& options = {});

}  // namespace dfa
