// From a name and a root to a reading: recognition, the folder that holds the set, and what counts as an error.
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "dataset/layouts/reading.hpp"
#include "dataset/layouts/words.hpp"

namespace dfa {
namespace {

namespace fs = std::filesystem;

// Archives often unpack into a folder of their own inside the one that was asked for.
constexpr int kOuterFolders = 3;
constexpr std::size_t kShownFindings = 5;

struct Candidate {
  const LayoutReader* reader = nullptr;
  std::string reason;
};

const std::array<const LayoutReader*, 13>& readers() {
  static const std::array<const LayoutReader*, 13> all = {
      &ffpp_reader(),  &dfd_reader(),      &celebdf1_reader(), &celebdf2_reader(),        &dfdc_reader(),
      &dfdcp_reader(), &ffiw_reader(),     &df40_reader(),     &deeperforensics_reader(), &wilddeepfake_reader(),
      &dfb_reader(),   &official_reader(), &folders_reader()};
  return all;
}

const LayoutReader* reader_by_name(std::string_view name) {
  for (const LayoutReader* reader : readers())
    if (reader->name == name) return reader;
  return nullptr;
}

bool holds(const std::vector<Candidate>& candidates, std::string_view name) {
  return std::any_of(candidates.begin(), candidates.end(), [&](const auto& c) { return c.reader->name == name; });
}

void drop(std::vector<Candidate>& candidates, std::string_view name) {
  std::erase_if(candidates, [&](const auto& c) { return c.reader->name == name; });
}

// Which layouts fit. Plain folders fit almost everything, so they count only where nothing else does; DFD comes inside
// FaceForensics++, and that in turn may lie inside DeeperForensics as its real class.
std::vector<Candidate> candidates_of(const FileTree& tree, const LayoutLimits& limits) {
  std::vector<Candidate> candidates;
  for (const LayoutReader* reader : readers())
    if (auto reason = reader->recognise(tree, limits)) candidates.push_back({reader, std::move(*reason)});
  if (candidates.size() > 1) drop(candidates, "folders");
  if (holds(candidates, "ffpp")) drop(candidates, "dfd");
  if (holds(candidates, "deeperforensics")) drop(candidates, "ffpp");
  return candidates;
}

// The tree seen from the only folder in it, where it has but one and no files beside.
std::optional<FileTree> inner_tree(const FileTree& tree) {
  const std::vector<std::string> folders = tree.folders_in("");
  if (folders.size() != 1 || !tree.files_in("").empty()) return std::nullopt;
  return tree.within(folders.front());
}

// Lists arrive empty from broken downloads; one that the layout does not need may be meant for another program.
void find_empty_files(const FileTree& tree, LayoutReading& reading) {
  for (const std::string& path : tree.files()) {
    const std::string name = lower_case(file_name(path));
    if (!name.ends_with(".json") && !name.ends_with(".csv") && !name.ends_with(".txt")) continue;
    std::error_code error;
    if (fs::file_size(tree.absolute(path), error) != 0 || error) continue;
    const bool known = std::any_of(reading.findings.begin(), reading.findings.end(),
                                   [&](const LayoutFinding& finding) { return finding.subject == path; });
    if (!known) reading.findings.push_back({LayoutFault::empty_file, path, "holds no byte; fetch it again"});
  }
}

Result<LayoutReading> read_tree(const LayoutReader& reader, const FileTree& tree, const LayoutOptions& options) {
  DFA_ASSIGN_OR_RETURN(LayoutReading reading, reader.read(tree, options));
  if (reading.list.items.empty() && reading.findings.empty())
    return fail(ErrorCode::manifest_invalid, "{}: no item of the layout {} is there{}", tree.root().string(),
                reader.name, options.compression.empty() ? "" : " at level " + options.compression);
  find_empty_files(tree, reading);
  return reading;
}

std::string reasons(const std::vector<Candidate>& candidates) {
  std::vector<std::string> texts;
  for (const Candidate& candidate : candidates)
    texts.push_back(fmt::format("{} ({})", candidate.reader->name, candidate.reason));
  return fmt::format("{}", fmt::join(texts, "; "));
}

Result<LayoutReading> recognise_and_read(FileTree tree, const LayoutOptions& options) {
  const fs::path root = tree.root();
  for (int depth = 0; depth <= kOuterFolders; ++depth) {
    const std::vector<Candidate> candidates = candidates_of(tree, options.limits);
    if (candidates.size() > 1)
      return fail(ErrorCode::usage, "{}: fits more than one layout: {}; give the layout by name", tree.root().string(),
                  reasons(candidates));
    if (candidates.size() == 1) {
      DFA_ASSIGN_OR_RETURN(LayoutReading reading, read_tree(*candidates.front().reader, tree, options));
      reading.list.notes.insert(reading.list.notes.begin(),
                                fmt::format("recognised as {}: {}", reading.list.layout, candidates.front().reason));
      return reading;
    }
    auto inner = inner_tree(tree);
    if (!inner) break;
    tree = std::move(*inner);
  }
  return fail(ErrorCode::manifest_invalid,
              "{}: recognised as none of {}; `dfa doctor --explain LAYOUT` says what a layout looks like",
              root.string(), fmt::join(layout_names(), ", "));
}

bool accepts(const LayoutReader& reader, const FileTree& tree, const LayoutLimits& limits) {
  return reader.accepts != nullptr ? reader.accepts(tree) : reader.recognise(tree, limits).has_value();
}

Result<LayoutReading> read_by_name(const LayoutReader& reader, FileTree tree, const LayoutOptions& options) {
  const FileTree outer = tree;
  for (int depth = 0; depth <= kOuterFolders; ++depth) {
    // Plain folders take anything that is there: they are not looked for further in.
    if (accepts(reader, tree, options.limits)) {
      DFA_ASSIGN_OR_RETURN(LayoutReading reading, read_tree(reader, tree, options));
      if (depth > 0) reading.list.notes.push_back(fmt::format("read from {}", tree.root().string()));
      return reading;
    }
    auto inner = inner_tree(tree);
    if (!inner) break;
    tree = std::move(*inner);
  }
  const std::vector<Candidate> others = candidates_of(outer, options.limits);
  return fail(ErrorCode::manifest_invalid,
              "{}: nothing of the layout {} is there{}; `dfa doctor --explain {}` says what it looks like",
              outer.root().string(), reader.name, others.empty() ? "" : ", it looks like " + reasons(others),
              reader.name);
}

bool is_fatal(LayoutFault fault, MissingFiles missing) {
  switch (fault) {
    case LayoutFault::list_broken:
    case LayoutFault::polarity:
      return true;
    case LayoutFault::missing:
      return missing == MissingFiles::refuse;
    case LayoutFault::list_missing:
    case LayoutFault::unlisted:
    case LayoutFault::split_overlap:
    case LayoutFault::mask_missing:
    case LayoutFault::empty_file:
      return false;
  }
  return true;
}

std::string first_of(const std::vector<const LayoutFinding*>& findings) {
  std::vector<std::string> shown;
  for (const LayoutFinding* finding : findings)
    if (shown.size() < kShownFindings) shown.push_back(finding->subject + ": " + finding->message);
  return fmt::format("{}", fmt::join(shown, "\n  "));
}

}  // namespace

Result<LayoutReading> inspect_layout(std::string_view layout, const fs::path& root, const LayoutOptions& options) {
  const LayoutReader* reader = reader_by_name(layout);
  if (reader == nullptr && layout != "auto")
    return fail(ErrorCode::usage, "unknown layout \"{}\", expected one of {}", layout, fmt::join(layout_names(), ", "));
  std::error_code error;
  if (fs::is_regular_file(root, error)) {
    if (layout == "folders" || layout == "auto") return read_list_file(root, options);
    return fail(ErrorCode::file_unreadable, "{}: a file; the layout {} needs the folder of the data set", root.string(),
                layout);
  }
  DFA_ASSIGN_OR_RETURN(FileTree tree, FileTree::scan(root, options.limits, options.cancel));
  if (reader == nullptr) return recognise_and_read(std::move(tree), options);
  return read_by_name(*reader, std::move(tree), options);
}

Result<SourceList> read_layout(std::string_view layout, const fs::path& root, const LayoutOptions& options) {
  DFA_ASSIGN_OR_RETURN(LayoutReading reading, inspect_layout(layout, root, options));
  std::vector<const LayoutFinding*> fatal;
  std::size_t missing = 0, tolerated = 0;
  for (const LayoutFinding& finding : reading.findings) {
    missing += finding.fault == LayoutFault::missing;
    if (is_fatal(finding.fault, options.missing))
      fatal.push_back(&finding);
    else
      ++tolerated;
  }
  if (!fatal.empty())
    return fail(ErrorCode::manifest_invalid,
                "{}: {} contradictions in the data set; `dfa doctor {} {}` lists them all. First:\n  {}",
                reading.list.root.string(), fatal.size(), reading.list.layout, reading.list.root.string(),
                first_of(fatal));
  if (missing > 0)
    reading.list.notes.push_back(
        fmt::format("{} files that the set's lists name are missing and left out; {} items are there", missing,
                    reading.list.items.size()));
  if (tolerated > missing)
    reading.list.notes.push_back(
        fmt::format("{} further findings that do not hinder: `dfa doctor` lists them", tolerated - missing));
  return std::move(reading.list);
}

}  // namespace dfa
