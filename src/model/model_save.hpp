// What save_model would write, as values: for golden vectors, which must be computed from the weights as they are
// stored.
#pragma once

#include "base/result.hpp"
#include "model/model.hpp"
#include "tensorfile/tensor.hpp"

namespace dfa {

// The weights rounded as the file will hold them. Errors: as save_model.
Result<TensorMap> stored_weights(const Model& model, Dtype weights_dtype);

// The type to save a model's weights in again: f16 only where every weight is, so that nothing is rounded by writing
// it.
Dtype held_dtype(const Model& model);

// The whole file.
Result<TensorFile> model_tensor_file(const Model& model, Dtype weights_dtype);

}  // namespace dfa
