// In what arithmetic a step is computed.
#pragma once

namespace dfa::train {

// bf16: autocast of matrix products and convolutions; weights stay f32.
// f64: everything for the length of a call; for proofs, as gradients that nearly cancel lose their f32 digits.
enum class Compute { f32, bf16, f64 };

}  // namespace dfa::train
