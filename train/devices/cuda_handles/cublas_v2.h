// The names that libtorch's CUDA headers take from cuBLAS's, which lie in wheels of hundreds of megabytes; nothing of
// ours calls it.
#pragma once

enum cublasStatus_t : int;
using cublasHandle_t = struct cublasContext*;
