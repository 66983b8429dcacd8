// The whole examination of a data set: layout, counts, overlap, files.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/cancel.hpp"
#include "base/result.hpp"
#include "dataset/source_list.hpp"
#include "doctor/finding.hpp"
#include "doctor/item_facts.hpp"
#include "doctor/set_checks.hpp"

namespace dfa {

// Whether the data set is meant to be whole.
enum class Extent {
  whole,  // other counts than the authors' are findings
  part,   // somebody has a part of it on purpose: counts are told, not judged
};

// Whether the files are opened: without it only names and lists are looked at.
enum class OpenFiles { yes, no };

struct ExamineOptions {
  LayoutOptions layout;
  LookOptions look;
  Extent extent = Extent::whole;
  OpenFiles open_files = OpenFiles::yes;
};

struct Examination {
  SourceList list;
  std::vector<Finding> findings;   // by kind, then subject
  std::vector<CountRow> found;     // what is there
  std::vector<CountRow> expected;  // the authors' rows, where they give any
  std::vector<FileHash> hashes;    // of every item's files, in byte order of their paths; empty without OpenFiles::yes
  bool clean() const { return findings.empty(); }
};

// Errors: as inspect_layout(); cancelled.
Result<Examination> examine(std::string_view layout, const std::filesystem::path& root, const ExamineOptions& options,
                            const CancelFlag& cancel);

// The form of sha256sum: "<64 digits>  <path>" a line.
std::string checksum_text(const std::vector<FileHash>& hashes);

}  // namespace dfa
