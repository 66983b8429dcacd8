// Crops from anywhere through the network, a batch at a time.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/result.hpp"
#include "media/picture.hpp"
#include "model/model.hpp"
#include "nn/network.hpp"

namespace dfa {

// A crop file of the recipe's size. Errors: those of read_picture(), recipe_mismatch (another size).
Result<Picture> read_stored_crop(const std::filesystem::path& file, const CropRecipe& recipe);

struct CropNumbers {
  double p_fake = 0;
  double margin = 0;  // l1 - l0, before calibration
};

// One thread at a time. `model` must outlive it. Which crops share a batch may show in the last bits of a score:
// whoever wants equal bytes adds in one order and flushes at the same places.
class CropBatches {
 public:
  // Errors: model_incompatible (not two classes), those of make_network().
  static Result<CropBatches> create(const Model& model, const NetworkOptions& options);

  // Called for each crop that was added, in the order of adding; nothing where the logits are not finite.
  using OnScore = std::function<void(std::size_t ticket, const std::optional<CropNumbers>&)>;
  // `crop`: any size, brought to the network's by the recipe's filter. Errors: those of crop_to_tensor() and of the
  // network.
  Status add(const PictureView& crop, std::size_t ticket, const OnScore& on_score);
  Status flush(const OnScore& on_score);

 private:
  CropBatches(const Model& model, std::unique_ptr<Network> network, std::size_t batch);
  const Model* model_;
  std::unique_ptr<Network> network_;
  std::size_t batch_;
  std::size_t values_;         // of one tensor
  std::vector<float> images_;  // (batch, 3, S, S)
  std::vector<std::size_t> tickets_;
};

}  // namespace dfa
