// Which degradations there are: the registry that help, evaluation and augmentation read. docs/perturbations.md is its
// page for people.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

enum class PerturbKind {
  deeperforensics,  // the seven distortions of DeeperForensics-1.0, for whole frames
  gend,             // the sweep of GenD, for crops
  recompress,       // picture and video codecs; levels are ours
  messenger         // shrunk and re-encoded hard, as messengers do; chain and levels are ours
};

// What `code` of `kind` does at `level`, counted from 1.
struct Perturbation {
  PerturbKind kind = PerturbKind::deeperforensics;
  std::string code;
  int level = 1;
};

enum class SizeEffect {
  keeps,
  changes  // the result is smaller (or, gend RESIZE, of the named size): geometry found in the original must be scaled
};
enum class Randomness { none, seeded };
enum class Reach {
  picture,  // each frame by itself
  run       // a video codec: a frame's result depends on its neighbours
};

struct CodeInfo {
  PerturbKind kind = PerturbKind::deeperforensics;
  std::string code;                 // as its authors call it, and as files are named
  std::string name;                 // what it truly is
  std::string operation;            // exactly
  std::vector<std::string> levels;  // the parameter at level 1, 2, ...
  SizeEffect size = SizeEffect::keeps;
  Randomness randomness = Randomness::none;
  Reach reach = Reach::picture;
};

// "deeperforensics", "gend", "recompress", "messenger".
std::string_view perturb_kind_name(PerturbKind kind);
std::span<const PerturbKind> perturb_kinds();
// Errors: usage, listing the known names.
Result<PerturbKind> perturb_kind_by_name(std::string_view name);

// In the order of docs/perturbations.md. Lives as long as the program.
std::vector<const CodeInfo*> codes_of(PerturbKind kind);
// Errors: usage (code or level not known, listing those that are).
Result<const CodeInfo*> find_code(PerturbKind kind, std::string_view code);
Status check_perturbation(const Perturbation& perturbation);

}  // namespace dfa
