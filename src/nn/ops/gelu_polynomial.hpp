// The Gaussian error linear unit without exponential or division.
#pragma once

namespace dfa {

// Note [GELU as a polynomial]
// gelu(x) = max(x, 0) - g(|x|) with g(a) = a Phi(-a), a bump of at most 0.17 that has vanished at 4. With
// a = min(|x|, limit), -g is a polynomial in a without a constant term, fitted for the least largest error; after limit
// it stays at about 0. Largest error of gelu in f32, for every x: of degree 10 4e-5, a hundredth of what rounding to
// bf16 does at 1; of degree 7 1.6e-4, for 8-bit codes: less than a quarter of a step even of codes that spend all 255
// on the bump alone.
struct GeluPolynomial {
  float limit;
  int degree;
  float powers[10];  // of a, a^2, ...
};
inline constexpr GeluPolynomial kGelu = {
    4.5F,
    10,
    {-4.9974462e-01F, 3.978457e-01F, -1.6804056e-03F, -5.2197456e-02F, -2.8165715e-02F, 3.750724e-02F, -1.4884348e-02F,
     2.9696007e-03F, -3.0500488e-04F, 1.2893736e-05F}};
inline constexpr GeluPolynomial kGeluOfCodes = {
    3.9F,
    7,
    {-4.993295e-01F, 3.851954e-01F, 5.218331e-02F, -1.4727499e-01F, 6.046703e-02F, -1.04904715e-02F, 6.86554e-04F}};

}  // namespace dfa
