// The one serialiser of `dfa.result/1` (docs/result.schema.json). Key order is fixed; numbers are numbers; what was not
// measured is null. Pixels are rounded to a hundredth and seconds to a microsecond; p_fake is written in full. Text
// that is not UTF-8 (file names may be anything) has its bad bytes replaced by U+FFFD, and the item then carries
// `input_hex`, the name's bytes in hexadecimal.
#pragma once

#include <string>

#include "score/result.hpp"

namespace dfa {

// The record in three pieces, so that it can be written while it grows:
//   result_json_begin(run) + items joined by ",\n" + result_json_end(summary) is the whole record, a line an item.
std::string result_json_begin(const RunRecord& run);
std::string result_json_item(const ItemRecord& item);
std::string result_json_end(const SummaryRecord& summary);

// One self-contained line for `jsonl`: the run's facts without the model card, then the item's keys, then the line's
// end.
std::string result_json_line(const RunRecord& run, const ItemRecord& item);

}  // namespace dfa
