// `dfa.protocol/1`. Private to the room.
#pragma once

#include <string>

#include "report/protocol_format.hpp"

namespace dfa {

std::string protocol_json(const ProtocolReport& report);

}  // namespace dfa
