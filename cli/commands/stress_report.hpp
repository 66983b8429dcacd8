// What a stress test came to: scores of the treated copies beside the original's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "perturb/perturbation.hpp"
#include "score/result.hpp"

namespace dfa::cli {

struct TreatedCopy {
  Perturbation treatment;
  ItemRecord record;  // of the copy; where no copy could be made: abstained, with the reason
};

// Whether every scored copy got the original's verdict.
enum class VerdictFate {
  stands,
  flips,
  none  // the original has no verdict fake or real, so there is nothing to keep
};

struct StressReport {
  RunRecord run;
  ItemRecord original;
  std::vector<TreatedCopy> copies;

  // Lowest and highest p_fake over the original and its scored copies; nothing where the original has no score.
  std::optional<std::pair<double, double>> band() const;
  VerdictFate verdict() const;
  std::size_t scored() const;  // copies that have a score
};

// A level in words: "JPEG, quality 80".
std::string treatment_text(const Perturbation& treatment);

// For people, and `dfa.stress/1`: schema, `original` as in a `jsonl` line of dfa.result/1, `copies`, `band`, `verdict`.
std::string stress_text(const StressReport& report);
std::string stress_json(const StressReport& report);

}  // namespace dfa::cli
