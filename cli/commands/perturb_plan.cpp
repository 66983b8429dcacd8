#include "cli/commands/perturb_plan.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

namespace dfa::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLevels = 100;

fs::path output_path(const fs::path& folder, const std::string& input, const Perturbation& perturbation,
                     MediaKind kind) {
  return folder / fmt::format("{}_{}_{}.{}", item_name(input), perturbation.code, perturbation.level,
                              kind == MediaKind::video ? "mp4" : "png");
}

PerturbItem plan_item(const Input& input, const std::vector<Perturbation>& perturbations, const fs::path& folder) {
  PerturbItem item;
  item.input = input.path;
  item.problem = input.problem;
  if (item.problem) return item;
  const Result<MediaKind> kind = sniff(input.path);
  if (!kind) {
    item.problem = kind.error();
    return item;
  }
  item.kind = *kind;
  for (const Perturbation& perturbation : perturbations)
    item.outputs.push_back({perturbation, output_path(folder, input.path, perturbation, *kind)});
  return item;
}

std::string resolved(const fs::path& path) {
  std::error_code error;
  const fs::path whole = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal().string() : whole.string();
}

Status check_paths(const std::vector<PerturbItem>& items) {
  constexpr const char* kNextStep = "next step: rename one, or give it a run of its own with another --out";
  std::map<std::string, std::string> inputs, outputs;  // canonical path: the input as given
  for (const PerturbItem& item : items) inputs.emplace(resolved(item.input), item.input);
  for (const PerturbItem& item : items)
    for (const PerturbOutput& output : item.outputs) {
      const std::string path = resolved(output.path);
      if (const auto [other, fresh] = outputs.emplace(path, item.input); !fresh)
        return fail(ErrorCode::usage, "{} would be written twice, from {} and from {}\n  {}", output.path.string(),
                    other->second, item.input, kNextStep);
      if (const auto over = inputs.find(path); over != inputs.end())
        return fail(ErrorCode::usage, "{} would be written over the input of that name, from {}\n  {}", over->second,
                    item.input, kNextStep);
    }
  return {};
}

// One piece of --levels: "3" or "2-4".
Status add_levels(std::string_view piece, const std::string& text, std::vector<int>& levels) {
  int first = 0, last = 0;
  const char* const end = piece.data() + piece.size();
  auto [stop, error] = std::from_chars(piece.data(), end, first);
  last = first;
  if (error == std::errc() && stop != end && *stop == '-') {
    const auto second = std::from_chars(stop + 1, end, last);
    stop = second.ptr, error = second.ec;
  }
  if (error != std::errc() || stop != end || first < 1 || last < first || last > kMostLevels)
    return fail(ErrorCode::usage, "--levels \"{}\": \"{}\" is neither a level nor a range of levels; e.g. 1-3,5", text,
                piece);
  for (int level = first; level <= last; ++level)
    if (std::find(levels.begin(), levels.end(), level) == levels.end()) levels.push_back(level);
  return {};
}

}  // namespace

std::string item_name(const std::string& input) {
  return fs::path(input).stem().string();
}

Result<std::vector<int>> parse_levels(const std::string& text) {
  std::vector<int> levels;
  std::string_view rest = text;
  for (;;) {
    const std::size_t comma = rest.find(',');
    DFA_TRY(add_levels(rest.substr(0, comma), text, levels));
    if (comma == std::string_view::npos) return levels;
    rest.remove_prefix(comma + 1);
  }
}

Result<std::vector<Perturbation>> chosen_perturbations(PerturbKind kind, const std::vector<std::string>& codes,
                                                       const std::vector<int>& levels) {
  std::vector<std::string> names;
  for (const std::string& code : codes)
    if (std::find(names.begin(), names.end(), code) == names.end()) names.push_back(code);
  if (names.empty())
    for (const CodeInfo* info : codes_of(kind)) names.push_back(info->code);
  std::vector<Perturbation> chosen;
  for (const std::string& code : names) {
    DFA_ASSIGN_OR_RETURN(const CodeInfo* info, find_code(kind, code));
    std::vector<int> wanted = levels;
    if (wanted.empty())
      for (std::size_t level = 1; level <= info->levels.size(); ++level) wanted.push_back(static_cast<int>(level));
    for (const int level : wanted) {
      chosen.push_back({kind, code, level});
      DFA_TRY(check_perturbation(chosen.back()));
    }
  }
  return chosen;
}

Result<std::vector<PerturbItem>> plan_outputs(const InputList& inputs, const std::vector<Perturbation>& perturbations,
                                              const std::filesystem::path& folder) {
  std::vector<PerturbItem> items;
  for (const Input& input : inputs.inputs) items.push_back(plan_item(input, perturbations, folder));
  DFA_TRY(check_paths(items));
  return items;
}

}  // namespace dfa::cli
