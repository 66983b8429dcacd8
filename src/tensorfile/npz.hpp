// Named arrays as numpy.savez writes them (.npz): a zip archive of stored .npy members.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

inline constexpr std::size_t kMaxNpzMembers = 200'000;

// Arrays under their names without `.npy`, views of `bytes` where they can be. Errors: model_format (archive, an array,
// a member that is none, compressed members as numpy.savez_compressed writes them), limit_exceeded.
Result<TensorMap> parse_npz(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner);

}  // namespace dfa
