// The names that libtorch's CUDA headers take from cuBLASLt's, which lie in wheels of hundreds of megabytes; nothing of
// ours calls it.
#pragma once

using cublasLtHandle_t = struct cublasLtContext*;
