// Memory that batches are made in.
#pragma once

#include <memory>
#include <memory_resource>

#include "train/devices/device.hpp"

namespace dfa::train {

// For a GPU pinned memory, so that a batch which workers made ahead goes over while the processor does something else,
// without being copied first. Null for the processor: ordinary memory does. Its use throws std::bad_alloc.
std::unique_ptr<std::pmr::memory_resource> batch_memory(const Device& device);

}  // namespace dfa::train
