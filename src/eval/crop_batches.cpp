#include "eval/crop_batches.hpp"

#include <span>
#include <utility>

#include "media/read_picture.hpp"
#include "preprocess/crop.hpp"
#include "score/operating_point.hpp"

namespace dfa {

Result<Picture> read_stored_crop(const std::filesystem::path& file, const CropRecipe& recipe) {
  DFA_ASSIGN_OR_RETURN(Picture crop, read_picture(file, MediaLimits{}));
  if (crop.width != recipe.stored_px || crop.height != recipe.stored_px)
    return fail(ErrorCode::recipe_mismatch, "{}x{} pixels, the crop recipe stores {}x{}", crop.width, crop.height,
                recipe.stored_px, recipe.stored_px);
  return crop;
}

CropBatches::CropBatches(const Model& model, std::unique_ptr<Network> network, std::size_t batch)
    : model_(&model), network_(std::move(network)), batch_(batch) {
  const auto side = static_cast<std::size_t>(model.config.image);
  values_ = 3 * side * side;
  images_.resize(batch_ * values_);
}

Result<CropBatches> CropBatches::create(const Model& model, const NetworkOptions& options) {
  if (model.config.classes != 2)
    return fail(ErrorCode::model_incompatible, "the model has {} classes, expected real and fake",
                model.config.classes);
  DFA_ASSIGN_OR_RETURN(std::unique_ptr<Network> network, model_network(model, options));
  return CropBatches(model, std::move(network), static_cast<std::size_t>(options.max_batch));
}

Status CropBatches::add(const PictureView& crop, std::size_t ticket, const OnScore& on_score) {
  DFA_TRY(crop_to_tensor(crop, model_->crop, model_->config.image,
                         std::span(images_).subspan(tickets_.size() * values_, values_)));
  tickets_.push_back(ticket);
  return tickets_.size() == batch_ ? flush(on_score) : Status{};
}

Status CropBatches::flush(const OnScore& on_score) {
  if (tickets_.empty()) return {};
  constexpr std::size_t kClasses = 2;
  std::vector<float> logits(tickets_.size() * kClasses);
  DFA_TRY(network_->forward(std::span(images_).first(tickets_.size() * values_), static_cast<int>(tickets_.size()),
                            {.logits = logits, .feature = {}}));
  const double temperature = model_->calibration ? model_->calibration->temperature : 1.0;
  for (std::size_t i = 0; i < tickets_.size(); ++i) {
    const std::span<const float> own = std::span(logits).subspan(i * kClasses, kClasses);
    std::optional<CropNumbers> numbers;
    if (const std::optional<double> p_fake = p_fake_from_logits(own, temperature))
      numbers = CropNumbers{*p_fake, static_cast<double>(own[1]) - static_cast<double>(own[0])};
    on_score(tickets_[i], numbers);
  }
  tickets_.clear();
  return {};
}

}  // namespace dfa
