// The walls between what made a detector and what it is measured on. A number measured on data that trained the model,
// chose its checkpoint, fitted its calibration or set the threshold is no test result; whoever wants it all the same
// has to say so, and it stays stamped.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "dataset/manifest.hpp"
#include "eval/protocol_card.hpp"
#include "model/model.hpp"

namespace dfa {

enum class IKnow { no, yes };

// A manifest, where it lies, and the SHA-256 of its file.
struct NamedManifest {
  std::string name;  // path as given
  std::string sha256;
  Manifest manifest;
};
Result<NamedManifest> read_named_manifest(const std::filesystem::path& path);

// What a model file says of its own making (dfa.training, dfa.calibration); empty where it does not say.
struct TrainingFacts {
  std::string seed;
  std::string manifest_sha256;
  std::string selected_on;  // role whose crops chose the checkpoint
  std::string selection;    // the rule in words
  std::string base_sha256;  // of the pre-trained weights
  std::string calibration_set;
  std::string calibration_role;             // role of the crops that it was calibrated on
  std::string calibration_manifest_sha256;  // of their manifest
  std::vector<std::string> calibration_stamps;
  std::string deviations;  // from an honest run, in words
};
TrainingFacts training_facts(const Model& model);

// Each reason, in words, why the tested crops are not independent of the model; empty where none is known.
//   selection: the model file says that crops of `role` of this very manifest (by hash) chose its checkpoint, or that
//              some test split did, and neither it nor `made_on` tells of which data, or that
//              it was calibrated on them
//   sharing:   the tested crops share a video, identity, source or crop with those roles of `made_on` (and of `tested`
//              itself, where the model file names its hash) that train, select and calibrate
std::vector<std::string> selection_breaches(const TrainingFacts& facts, std::span<const NamedManifest> tested,
                                            Role role, std::span<const NamedManifest> made_on);
std::vector<std::string> sharing_breaches(const TrainingFacts& facts, std::span<const NamedManifest> tested, Role role,
                                          std::span<const NamedManifest> made_on);
// A video or identity of one set that has two roles within all the manifests together. Of a model that, by its file,
// was made on none of them, identities are left alone: Celeb-DF's own test list shares persons with the rest.
std::vector<std::string> role_breaches(const TrainingFacts& facts, std::span<const NamedManifest> manifests);

// Stamps that never stop a run: a role that is not for reporting, a model that was chosen on some test split, the
// stamps of its calibration.
std::vector<std::string> role_stamps(const TrainingFacts& facts, Role role);

// No breaches: nothing. Breaches without --i-know: manifest_invalid, with all of them and the next step. With it: a
// stamp for each.
Status raise_wall(std::span<const std::string> breaches, IKnow i_know, ProtocolCard& card);

}  // namespace dfa
