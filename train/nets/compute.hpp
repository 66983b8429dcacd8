// In what arithmetic a step is computed.
#pragma once

namespace dfa::train {

// bf16: autocast of matrix products and convolutions; weights stay f32.
// f16: the same in fp16, whose small gradients vanish: with loss scaling (optim/loss_scale.hpp).
// f64: everything for the length of a call; for proofs, as gradients that nearly cancel lose their f32 digits.
enum class Compute { f32, bf16, f16, f64 };

}  // namespace dfa::train
