// A protocol's figures as one long CSV table. Private to the room.
#pragma once

#include <string>

#include "eval/protocol_run.hpp"

namespace dfa {

// A line a figure, in percent; ours and published ones are told apart by the first column. A gap has no number.
std::string protocol_csv(const ProtocolResult& result);

}  // namespace dfa
