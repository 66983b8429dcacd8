// What the importers of published detectors share. Private to the room.
#pragma once

#include <string>
#include <string_view>

#include "exchange/import_source.hpp"

namespace dfa {

// The recipe that --crop names, else `own`. How pixels become the network's values is the network's in any case.
// Errors: usage.
Result<CropRecipe> chosen_crop(const ImportSettings& settings, CropRecipe own);

// Fails unless the network tells two classes apart, which is what a detector's head must do here. `name` is theirs.
Status require_two_classes(const NetworkConfig& config, std::string_view name);

// Kind, name, licence, card and, as `settings` ask, the golden vectors of a detector whose network is there.
// `story` is the card's text below its title and source.
Status finish_detector(Imported& imported, const ImportSettings& settings, std::string_view license,
                       std::string_view story);

// A trunk as a model file of kind backbone.
void finish_backbone(Imported& imported, const ImportSettings& settings, std::string_view license);

}  // namespace dfa
