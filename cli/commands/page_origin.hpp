// Where a page of `dfa evaluate` came from: what lets one make it again.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "eval/protocol_card.hpp"

namespace dfa::cli {

struct PageOrigin {
  std::string command_line;     // this process's own, quoted for a shell; empty where the system does not say
  std::vector<CardItem> items;  // the machine; SHA-256 of every input that is a file
};

// `inputs`: lists of paths; standard input ("-") has been read and has no hash. Errors: those of sha256_file().
Result<PageOrigin> page_origin(const std::vector<std::vector<std::string>>& inputs);

}  // namespace dfa::cli
