// Sums over the ranks' GPUs by c10d's NCCL group, behind a library of its own that is opened when they are asked for.
//
// Note [NCCL in a library of its own]
// c10d's NCCL group is part of libtorch_cuda, which wants a dozen of NVIDIA's libraries and is loaded at run time
// (Note [CUDA at run time]). What names its symbols is therefore no part of the program: libdfa_nccl.so lies beside it
// and is linked with libtorch_cuda. Everything that fails there throws, as c10d does.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "base/result.hpp"

namespace c10d {
class Store;
}

namespace dfa::train {

enum class SumType { f32, f64 };

// Of one rank. Used by one thread at a time.
class DeviceSums {
 public:
  virtual ~DeviceSums() = default;
  // Each of `count` values in the GPU's memory becomes the sum over all ranks; returns when that is done. Throws
  // std::runtime_error when it fails or takes longer than the timeout.
  virtual void sum(void* values, std::size_t count, SumType type) = 0;
  // Ends what other ranks, or this one's GPU, still wait for. Of no further use then. Throws nothing.
  virtual void abort() = 0;
};

struct DeviceSumsRequest {
  c10d::Store& store;  // where the ranks find each other; kept
  int rank = 0;
  int size = 0;
  int device = 0;  // number of the GPU
  std::chrono::milliseconds timeout;
};

// Connects the ranks' GPUs; all ranks must come. Throws.
using MakeDeviceSums = DeviceSums*(const DeviceSumsRequest&);
inline constexpr const char* kNcclLibrary = "libdfa_nccl.so";
inline constexpr const char* kNcclEntry = "dfa_make_nccl_sums";

// Errors: usage, saying what the loader misses and how to get it.
Result<MakeDeviceSums*> load_nccl();

}  // namespace dfa::train
