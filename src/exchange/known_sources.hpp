// What is known of published weights besides their numbers: whose they are, and on what terms. Facts as their projects
// state them; the program cannot see whether a file is what its name says. Private to the room.
#pragma once

#include <string_view>

namespace dfa {

inline constexpr std::string_view kClipLicense =
    "Weights of CLIP: MIT licence, OpenAI, as its repository states. Fine-tuned or other CLIP weights: on the terms of "
    "those who trained them.";
inline constexpr std::string_view kDinov2License =
    "Weights of DINOv2: Apache License 2.0, Meta AI, as its repository states.";
inline constexpr std::string_view kDinov3License =
    "Weights of DINOv3: the DINOv3 License of Meta, which is not a free licence: it limits uses and binds whoever "
    "passes "
    "the weights on. Read it before use.";
inline constexpr std::string_view kGendLicense =
    "GenD: MIT licence for code and weights, as its authors state. Its encoder: CLIP, MIT licence, OpenAI.";
inline constexpr std::string_view kGendDinov3License =
    "GenD: MIT licence, as its authors state. Its encoder: DINOv3, on the DINOv3 License of Meta, which is not a free "
    "licence.";
inline constexpr std::string_view kDfbLicense =
    "DeepfakeBench: Creative Commons BY-NC 4.0, as its repository states: no commercial use. Its encoder: CLIP, MIT "
    "licence, OpenAI.";

// GenD_CLIP_L_14 as released; the hash was reported by third parties and not checked against the authors.
inline constexpr std::string_view kGendReleaseName = "GenD_CLIP_L_14";
inline constexpr std::string_view kGendReleaseSha256 =
    "d76f0bdfd74a29fe1b1c1b84a80ac92486993e426878e8c7a3944281fbb96833";

}  // namespace dfa
