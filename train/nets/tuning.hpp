// Ways of tuning: which tensors of a network learn, said by one word of the configuration.
//
// Note [Words of tuning]
//   linear      the head alone (with a read-out's own tensors, which count as head everywhere)
//   full        every weight
//   gba, lsa    the adapters of that kind and the head; gba+lsa is the published method
//   layernorm   weight and bias of every LayerNorm of the trunk, that before the first block included, and the head
//   bias        every bias of the trunk, those of its LayerNorms included, and the head; layer scales are neither
//   lora:R      q, k, v and output projection of every block get a change B A of rank R (LoRA), and the head
//   svd:R       q, k, v and output projection: the R smallest singular directions learn (Effort), and the head
// joined by + where that makes sense: gba+lsa+layernorm, bias+lora:4.
// A word also says whether the network has GBA and LSA where the configuration does not: see default_network().
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "nn/network_config.hpp"

namespace dfa::train {

using Groups = std::set<ParameterGroup>;

// "trunk", "gba", "spm", "interaction", "level_embed", "head".
std::string_view group_name(ParameterGroup group);
// What the published method trains: everything but the trunk.
Groups adapter_groups();
Groups all_groups();

// Trunk tensors that learn one by one.
enum class TrunkPart { layernorm, bias };

// A low-rank change of the D x D weights of q, k, v and output projection, each of them by itself.
//   lora: W + B A; A Kaiming-uniform, B zero. No further factor (alpha = R).
//   svd: W - U0 S0 V0 + U S V, where U0 S0 V0 are W's R smallest singular directions and stay, and U, S, V start there
//   and
//        learn: W's principal part is frozen, its residual trained.
enum class LowRank { none, lora, svd };

struct Tuning {
  Tuning() = default;
  Tuning(Groups whole) : groups(std::move(whole)) {}
  Tuning(std::initializer_list<ParameterGroup> whole) : groups(whole) {}

  Groups groups = adapter_groups();  // trained whole
  std::set<TrunkPart> parts;
  LowRank low_rank = LowRank::none;
  int rank = 0;  // R; 0 without a low-rank change

  bool operator==(const Tuning&) const = default;
};

// Errors: usage, naming the nearest known word.
Result<Tuning> parse_tuning(std::string_view word);
// In the order of the note. Requires: groups as parse_tuning() gives them.
std::string tuning_word(const Tuning& tuning);

// ViT-B/16 as the word implies it: adapters as named (none for the words of a plain ViT), read-out token0 with LSA, cls
// without.
NetworkConfig default_network(const Tuning& tuning);
// Whether word and network fit: adapters that are named must be there, adapters that are there must learn (their random
// start would stay), ranks must be below dim. Errors: usage, with the next step.
Status check_tuning(const Tuning& tuning, const NetworkConfig& network);

// The extra tensors of a low-rank change, beside the weights they change:
//   blocks.N.attn.qkv.lora_a (3R, D), .lora_b (3D, R); the same of attn.proj with one in place of three
//   blocks.N.attn.qkv.svd_u (3D, R), .svd_s (3R), .svd_v (3R, D), and .svd_u0, .svd_s0, .svd_v0, which never change
std::vector<ParameterSpec> factor_parameters(const NetworkConfig& network, const Tuning& tuning);
// network_parameters(), then the factors: every tensor of a network in training, of its checkpoints.
std::vector<ParameterSpec> training_parameters(const NetworkConfig& network, const Tuning& tuning);
// Whether an entry of training_parameters() is changed by the optimiser.
bool learns(const Tuning& tuning, const ParameterSpec& spec);

struct TrainedCounts {
  std::int64_t trained = 0;  // parameters that learn; ViT-B/16 with gba+lsa: 16,917,838
  std::int64_t frozen = 0;   // 85,798,656
  std::map<ParameterGroup, std::int64_t> trained_by_group;
};
TrainedCounts count_trained(const NetworkConfig& network, const Tuning& tuning);
// "16917838 trained (gba 1189644, ...), 85798656 frozen"
std::string counts_text(const TrainedCounts& counts);

}  // namespace dfa::train
