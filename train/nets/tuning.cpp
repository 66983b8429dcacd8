#include "train/nets/tuning.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/nearest_name.hpp"

namespace dfa::train {

namespace {

constexpr int kMaxRank = 1024;
constexpr int kQkvParts = 3;

constexpr std::array<std::string_view, 8> kWords = {"linear",    "full", "gba",    "lsa",
                                                    "layernorm", "bias", "lora:R", "svd:R"};

Groups groups_of_lsa() {
  return {ParameterGroup::spm, ParameterGroup::interaction, ParameterGroup::level_embed};
}

bool contains_all(const Groups& groups, const Groups& wanted) {
  return std::includes(groups.begin(), groups.end(), wanted.begin(), wanted.end());
}

tl::unexpected<Error> unknown_word(std::string_view whole, std::string_view word) {
  return fail(ErrorCode::usage,
              "tuning \"{}\": \"{}\" is not known; did you mean \"{}\"? Expected linear, full, or some of gba, lsa, "
              "layernorm, bias, lora:R, svd:R joined by +",
              whole.substr(0, 100), word.substr(0, 40), nearest_name(word.substr(0, 40), kWords));
}

Result<int> parse_rank(std::string_view whole, std::string_view word, std::string_view digits) {
  int rank = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
  if (error != std::errc() || end != digits.data() + digits.size() || rank < 1 || rank > kMaxRank)
    return fail(ErrorCode::usage, "tuning \"{}\": \"{}\" has rank \"{}\", expected a whole number from 1 to {}",
                whole.substr(0, 100), word.substr(0, 40), digits.substr(0, 40), kMaxRank);
  return rank;
}

// Adds what one word of a sum names.
Status add_word(std::string_view whole, std::string_view word, Tuning& tuning) {
  const std::size_t colon = word.find(':');
  const std::string_view name = word.substr(0, colon);
  if (name == "lora" || name == "svd") {
    if (tuning.low_rank != LowRank::none)
      return fail(ErrorCode::usage, "tuning \"{}\" names two low-rank changes, expected one of lora:R and svd:R",
                  whole.substr(0, 100));
    DFA_ASSIGN_OR_RETURN(tuning.rank,
                         parse_rank(whole, word, colon == std::string_view::npos ? "" : word.substr(colon + 1)));
    tuning.low_rank = name == "lora" ? LowRank::lora : LowRank::svd;
    return {};
  }
  if (word == "gba")
    tuning.groups.insert(ParameterGroup::gba);
  else if (word == "lsa")
    tuning.groups.merge(groups_of_lsa());
  else if (word == "layernorm")
    tuning.parts.insert(TrunkPart::layernorm);
  else if (word == "bias")
    tuning.parts.insert(TrunkPart::bias);
  else
    return unknown_word(whole, word);
  return {};
}

bool is_layernorm(std::string_view name) {
  return name.starts_with("norm.") || name.starts_with("norm_pre.") || name.find(".norm1.") != std::string_view::npos ||
         name.find(".norm2.") != std::string_view::npos;
}

bool is_factor(std::string_view name) {
  return name.find(".lora_") != std::string_view::npos || name.find(".svd_") != std::string_view::npos;
}

// Of one linear layer whose weight is `parts` matrices D x D, stacked.
void add_factors(const std::string& layer, std::int64_t parts, std::int64_t dim, const Tuning& tuning,
                 std::vector<ParameterSpec>& specs) {
  const std::int64_t rank = tuning.rank;
  const auto add = [&](const char* name, std::vector<std::int64_t> shape) {
    specs.push_back({layer + name, std::move(shape), ParameterGroup::trunk, ParameterKind::weight});
  };
  if (tuning.low_rank == LowRank::lora) {
    add(".lora_a", {parts * rank, dim});
    add(".lora_b", {parts * dim, rank});
    return;
  }
  add(".svd_u", {parts * dim, rank});
  add(".svd_s", {parts * rank});
  add(".svd_v", {parts * rank, dim});
  add(".svd_u0", {parts * dim, rank});
  add(".svd_s0", {parts * rank});
  add(".svd_v0", {parts * rank, dim});
}

Status check_adapter(std::string_view name, bool trained, bool present, const std::string& word) {
  if (trained == present) return {};
  if (trained)
    return fail(ErrorCode::usage,
                "tuning \"{}\" trains {}, which this network has not\n  next step: --set network.{}=true, or another "
                "tuning",
                word, name, name);
  return fail(ErrorCode::usage,
              "the network has {}, which tuning \"{}\" does not train: it would stay at its random start\n  next step: "
              "--set network.{}=false, or name {} in tuning",
              name, word, name, name);
}

}  // namespace

std::string_view group_name(ParameterGroup group) {
  switch (group) {
    case ParameterGroup::trunk:
      return "trunk";
    case ParameterGroup::gba:
      return "gba";
    case ParameterGroup::spm:
      return "spm";
    case ParameterGroup::interaction:
      return "interaction";
    case ParameterGroup::level_embed:
      return "level_embed";
    case ParameterGroup::head:
      return "head";
  }
  return "unknown";
}

Groups adapter_groups() {
  Groups groups = all_groups();
  groups.erase(ParameterGroup::trunk);
  return groups;
}

Groups all_groups() {
  return {ParameterGroup::trunk,       ParameterGroup::gba,         ParameterGroup::spm,
          ParameterGroup::interaction, ParameterGroup::level_embed, ParameterGroup::head};
}

Result<Tuning> parse_tuning(std::string_view whole) {
  if (whole == "linear") return Tuning{ParameterGroup::head};
  if (whole == "full") return Tuning(all_groups());
  Tuning tuning{ParameterGroup::head};
  for (std::size_t begin = 0; begin <= whole.size();) {
    const std::size_t end = std::min(whole.find('+', begin), whole.size());
    const std::string_view word = whole.substr(begin, end - begin);
    if (word == "linear" || word == "full")
      return fail(ErrorCode::usage, "tuning \"{}\": \"{}\" stands alone, it cannot be joined with other words",
                  whole.substr(0, 100), word);
    const Tuning before = tuning;
    DFA_TRY(add_word(whole, word, tuning));
    if (tuning == before) return fail(ErrorCode::usage, "tuning \"{}\" names \"{}\" twice", whole.substr(0, 100), word);
    begin = end + 1;
  }
  return tuning;
}

std::string tuning_word(const Tuning& tuning) {
  if (tuning.groups.contains(ParameterGroup::trunk)) return "full";
  std::vector<std::string> words;
  if (tuning.groups.contains(ParameterGroup::gba)) words.emplace_back("gba");
  if (contains_all(tuning.groups, groups_of_lsa())) words.emplace_back("lsa");
  if (tuning.parts.contains(TrunkPart::layernorm)) words.emplace_back("layernorm");
  if (tuning.parts.contains(TrunkPart::bias)) words.emplace_back("bias");
  if (tuning.low_rank != LowRank::none)
    words.push_back(fmt::format("{}:{}", tuning.low_rank == LowRank::lora ? "lora" : "svd", tuning.rank));
  std::string sum;
  for (const std::string& word : words) sum += (sum.empty() ? "" : "+") + word;
  return sum.empty() ? "linear" : sum;
}

NetworkConfig default_network(const Tuning& tuning) {
  const bool full = tuning.groups.contains(ParameterGroup::trunk);
  NetworkConfig network;
  network.gba = !full && tuning.groups.contains(ParameterGroup::gba);
  network.lsa = !full && contains_all(tuning.groups, groups_of_lsa());
  network.readout = network.lsa ? Readout::token0 : Readout::cls;
  return network;
}

Status check_tuning(const Tuning& tuning, const NetworkConfig& network) {
  const std::string word = tuning_word(tuning);
  if (tuning.low_rank != LowRank::none && tuning.rank >= network.dim)
    return fail(ErrorCode::usage, "tuning \"{}\": rank {} is not below dim {}", word, tuning.rank, network.dim);
  if (tuning.groups.contains(ParameterGroup::trunk)) return {};  // whatever there is learns
  DFA_TRY(check_adapter("gba", tuning.groups.contains(ParameterGroup::gba), network.gba, word));
  return check_adapter("lsa", contains_all(tuning.groups, groups_of_lsa()), network.lsa, word);
}

std::vector<ParameterSpec> factor_parameters(const NetworkConfig& network, const Tuning& tuning) {
  std::vector<ParameterSpec> specs;
  if (tuning.low_rank == LowRank::none) return specs;
  for (int i = 0; i < network.depth; ++i) {
    const std::string block = fmt::format("blocks.{}.attn.", i);
    add_factors(block + "qkv", kQkvParts, network.dim, tuning, specs);
    add_factors(block + "proj", 1, network.dim, tuning, specs);
  }
  return specs;
}

std::vector<ParameterSpec> training_parameters(const NetworkConfig& network, const Tuning& tuning) {
  std::vector<ParameterSpec> specs = network_parameters(network);
  std::vector<ParameterSpec> factors = factor_parameters(network, tuning);
  std::move(factors.begin(), factors.end(), std::back_inserter(specs));
  return specs;
}

bool learns(const Tuning& tuning, const ParameterSpec& spec) {
  if (spec.kind != ParameterKind::weight) return false;
  if (is_factor(spec.name)) return !spec.name.ends_with('0');
  if (tuning.groups.contains(spec.group)) return true;
  if (spec.group != ParameterGroup::trunk) return false;
  return (tuning.parts.contains(TrunkPart::layernorm) && is_layernorm(spec.name)) ||
         (tuning.parts.contains(TrunkPart::bias) && spec.name.ends_with(".bias"));
}

TrainedCounts count_trained(const NetworkConfig& network, const Tuning& tuning) {
  TrainedCounts counts;
  for (const ParameterSpec& spec : training_parameters(network, tuning)) {
    if (spec.kind != ParameterKind::weight) continue;
    std::int64_t elements = 1;
    for (const std::int64_t side : spec.shape) elements *= side;
    if (learns(tuning, spec)) {
      counts.trained += elements;
      counts.trained_by_group[spec.group] += elements;
    } else {
      counts.frozen += elements;
    }
  }
  return counts;
}

std::string counts_text(const TrainedCounts& counts) {
  std::string groups;
  for (const auto& [group, count] : counts.trained_by_group)
    groups += fmt::format("{}{} {}", groups.empty() ? "" : ", ", group_name(group), count);
  return fmt::format("{} trained ({}), {} frozen", counts.trained, groups, counts.frozen);
}

}  // namespace dfa::train
