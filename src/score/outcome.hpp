// What an item's record says in the end. The only place where an outcome, an item's p_fake and its verdict are decided.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "face/judge_face.hpp"
#include "model/item_rule.hpp"
#include "score/operating_point.hpp"
#include "score/persons.hpp"
#include "score/result.hpp"

namespace dfa {

// Requires: item.input, kind, sha256 and the counters of item.work that the stages keep (frames, seconds,
// faces_over_limit) are set. Ensures: persons, faces_found, faces_used, outcome, p_fake, verdict and likelihood_ratio
// follow from `frames` by `rule`; `notes` (a cut, frames that failed) go into the reason after the outcome's own words.
void conclude_item(ItemRecord& item, std::vector<SampledFrame> frames, const std::vector<std::string>& notes,
                   const FaceRules& rules, const OperatingPoint& point, ItemRule rule = ItemRule::persons);

// An item that could not be read, or not to the end of its work: no persons, no number. Codes of files, media, limits
// and memory while reading are decode_error; `abstained` is for a failure after the reading.
void conclude_unread(ItemRecord& item, const Error& error);
void conclude_abstained(ItemRecord& item, const Error& error);

}  // namespace dfa
