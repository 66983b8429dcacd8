// Memory that a mapped file takes in this process.
#pragma once

#include "base/file.hpp"

namespace dfa {

// Pages that were read leave this process's memory; they come back from the file when they are read again. For a large
// file of which each part is wanted once. Thread-safe.
void forget_pages(const MappedFile& file);

}  // namespace dfa
