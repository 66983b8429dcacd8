// The words of DeepfakeBench's lists. Internal to this room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataset/source_list.hpp"

namespace dfa {

// 1 for fake, 0 for real; nothing for a word that is not in its table.
std::optional<int> dfb_label(std::string_view word);
// "Deepfakes" for "FF-DF"; the word itself for other fakes; empty for reals.
std::string dfb_method(std::string_view word);
// Whether a list of this top key has a level of compression between split and video.
bool dfb_has_compression(std::string_view top_key);
// The set of a top key as our layouts call it: "ffpp" for "FaceForensics++"; lower case of others.
std::string dfb_set(std::string_view top_key);

// For writing: top key and label of an item; nothing where the table has none for its layout.
struct DfbPlace {
  std::string top_key;
  std::string label;
};
std::optional<DfbPlace> dfb_place(std::string_view layout, const SourceItem& item);

}  // namespace dfa
