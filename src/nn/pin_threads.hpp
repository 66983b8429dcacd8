// Binds the engine's threads to processors.
#pragma once

#include <span>

#include "base/result.hpp"

namespace dfa {

// For a thread that is about to run networks of processors.size() threads: it and the OpenMP threads that work for it,
// which stay the same from one forward pass to the next, are bound to one of `processors` each. An empty list binds
// nothing. Errors: internal (the kernel refused one); some may be bound then.
Status pin_engine_threads(std::span<const int> processors);

}  // namespace dfa
