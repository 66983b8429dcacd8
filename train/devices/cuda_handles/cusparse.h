// The names that libtorch's CUDA headers take from cuSPARSE's, which lie in wheels of hundreds of megabytes; nothing of
// ours calls it.
#pragma once

using cusparseHandle_t = struct cusparseContext*;
