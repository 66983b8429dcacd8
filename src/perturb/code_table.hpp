// How a code is defined: one entry a code, made by the file of its kind. Internal to this room.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.hpp"
#include "media/picture.hpp"
#include "media/video_encoding.hpp"
#include "perturb/perturbation.hpp"

namespace dfa {

// Levels are checked before either is called.
struct Code {
  CodeInfo info;
  // On one picture; empty: nothing happens before the codec.
  std::function<Result<Picture>(const PictureView&, int level, RngStream&)> step;
  // The video codec over the frames, where there is one; the rate is the caller's.
  std::function<VideoEncoding(int level)> encoding;
};

std::vector<Code> deeperforensics_codes();
std::vector<Code> gend_codes();
std::vector<Code> recompress_codes();
std::vector<Code> messenger_codes();

// All of them, made once.
const std::vector<Code>& code_table();
// Errors: usage.
Result<const Code*> lookup(PerturbKind kind, std::string_view code);

// A code that works on one picture: step(picture, parameter of the level, stream). describe(parameter) is the level in
// words.
template <class Parameter, class Describe, class Step>
Code picture_code(CodeInfo info, std::vector<Parameter> parameters, Describe describe, Step step) {
  for (const Parameter& parameter : parameters) info.levels.push_back(describe(parameter));
  return {std::move(info),
          [parameters, step](const PictureView& picture, int level, RngStream& stream) {
            return step(picture, parameters[static_cast<std::size_t>(level - 1)], stream);
          },
          nullptr};
}

// A code that is a video codec at a quality; `info.reach` is set.
Code codec_code(CodeInfo info, VideoCodec codec, std::vector<int> crfs);

}  // namespace dfa
