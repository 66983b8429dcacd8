// The names that libtorch's CUDA headers take from cuSOLVER's, which lie in wheels of hundreds of megabytes; nothing of
// ours calls it.
#pragma once

enum cusolverStatus_t : int;
