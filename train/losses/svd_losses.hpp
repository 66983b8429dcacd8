// What keeps a trained residual of singular directions apart from the frozen principal part, as torch graphs. Include
// only in .cpp files that see torch.
//
// Note [Regularisers of the residual]
// A weight W = U_p S_p V_p + U0 S0 V0: principal part and residual, which becomes U S V (tuning.hpp). With the whole
// singular vectors [U_p, U] and [V_p; V],
//   svd_orthogonality = | [U_p, U]^T [U_p, U] - I |^2 + | [V_p; V] [V_p; V]^T - I |^2
//   svd_norm          = | |W'|^2 - |W|^2 |,  W' = W - U0 S0 V0 + U S V
// all Frobenius, each the mean over the D x D matrices that are tuned. [U_p, U0] is orthonormal and whole, so U_p never
// has to be known: |U_p^T U|^2 = |U - U0 U0^T U|^2, and the first term of svd_orthogonality is twice that plus
// |U^T U - I|^2. Likewise |W'|^2 - |W|^2 = 2 <W - U0 S0 V0, U S V> + |U S V|^2 - |S0|^2. Both are 0 at the start.
// Source: the regularisers that the Effort paper names (spec method.md section 4: orthogonality, norm-keeping); the
// mean over matrices and its weights in our configurations are ours.
#pragma once

#include <optional>

#include "train/nets/network_module.hpp"

namespace dfa::train {

// Scalars; nothing where no layer has singular directions.
std::optional<at::Tensor> svd_orthogonality(const NetworkModule& module);
std::optional<at::Tensor> svd_norm_change(const NetworkModule& module);

}  // namespace dfa::train
