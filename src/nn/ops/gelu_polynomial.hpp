// The Gaussian error linear unit without exponential or division.
#pragma once

namespace dfa {

// Note [GELU as a polynomial]
// gelu(x) = x Phi(x), Phi the normal distribution. With z = clamp(x, -4.8, 4.8): Phi(x) ~ 1/2 + z P(z^2 - 11.52), P of
// degree 10, fitted for the least largest error of x Phi(x) under the condition that Phi(4.8) is 1, so that large x
// stay as they are. 11.52 is the middle of z^2: around it the powers do not cancel in f32. Largest error of gelu in
// f32: 4.4e-6, for every x (1/1000 of the rounding to bf16 at 1, far less than a step of any 8-bit code).
inline constexpr float kGeluLimit = 4.8F;
inline constexpr float kGeluMiddle = 11.52F;
inline constexpr float kGeluPolynomial[] = {  // of rising powers
    1.4721279e-01F, -6.3350485e-03F, 3.9864314e-04F, -2.6534084e-05F, 1.744312e-06F, -1.0935673e-07F,
    5.9315393e-09F, -2.764448e-10F,  1.7385638e-11F, -1.173855e-12F,  3.506762e-14F};
inline constexpr int kGeluDegree = 10;

}  // namespace dfa
