#include "perturb/code_table.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace dfa {
namespace {

constexpr std::array<PerturbKind, 4> kKinds = {PerturbKind::deeperforensics, PerturbKind::gend, PerturbKind::recompress,
                                               PerturbKind::messenger};

std::vector<Code> make_table() {
  std::vector<Code> table;
  for (const auto make : {deeperforensics_codes, gend_codes, recompress_codes, messenger_codes}) {
    std::vector<Code> codes = make();
    std::move(codes.begin(), codes.end(), std::back_inserter(table));
  }
  return table;
}

}  // namespace

Code codec_code(CodeInfo info, VideoCodec codec, std::vector<int> crfs) {
  info.reach = Reach::run;
  for (const int crf : crfs) info.levels.push_back(fmt::format("crf {}", crf));
  const auto encoding = [codec, crfs = std::move(crfs)](int level) {
    VideoEncoding result;
    result.codec = codec;
    result.crf = crfs[static_cast<std::size_t>(level - 1)];
    return result;
  };
  return {std::move(info), nullptr, encoding};
}

const std::vector<Code>& code_table() {
  static const std::vector<Code> table = make_table();
  return table;
}

std::string_view perturb_kind_name(PerturbKind kind) {
  switch (kind) {
    case PerturbKind::deeperforensics:
      return "deeperforensics";
    case PerturbKind::gend:
      return "gend";
    case PerturbKind::recompress:
      return "recompress";
    case PerturbKind::messenger:
      return "messenger";
  }
  return "unknown";
}

std::span<const PerturbKind> perturb_kinds() {
  return kKinds;
}

Result<PerturbKind> perturb_kind_by_name(std::string_view name) {
  std::vector<std::string_view> known;
  for (const PerturbKind kind : kKinds) {
    if (perturb_kind_name(kind) == name) return kind;
    known.push_back(perturb_kind_name(kind));
  }
  return fail(ErrorCode::usage, "kind \"{}\" is not known; expected {}", name, fmt::join(known, ", "));
}

std::vector<const CodeInfo*> codes_of(PerturbKind kind) {
  std::vector<const CodeInfo*> infos;
  for (const Code& code : code_table())
    if (code.info.kind == kind) infos.push_back(&code.info);
  return infos;
}

Result<const Code*> lookup(PerturbKind kind, std::string_view code) {
  std::vector<std::string_view> known;
  for (const Code& entry : code_table()) {
    if (entry.info.kind != kind) continue;
    if (entry.info.code == code) return &entry;
    known.push_back(entry.info.code);
  }
  return fail(ErrorCode::usage, "{} has no code \"{}\"; it has {}", perturb_kind_name(kind), code,
              fmt::join(known, ", "));
}

Result<const CodeInfo*> find_code(PerturbKind kind, std::string_view code) {
  DFA_ASSIGN_OR_RETURN(const Code* found, lookup(kind, code));
  return &found->info;
}

Status check_perturbation(const Perturbation& perturbation) {
  DFA_ASSIGN_OR_RETURN(const Code* code, lookup(perturbation.kind, perturbation.code));
  const auto levels = static_cast<int>(code->info.levels.size());
  if (perturbation.level < 1 || perturbation.level > levels)
    return fail(ErrorCode::usage, "{} {} has no level {}; it has 1 to {}", perturb_kind_name(perturbation.kind),
                perturbation.code, perturbation.level, levels);
  return {};
}

}  // namespace dfa
