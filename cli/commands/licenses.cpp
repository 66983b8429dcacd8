#include "cli/commands/licenses.hpp"

#include <CLI/CLI.hpp>

#include <array>

#include "cli/options.hpp"
#include "face/dlib_part.hpp"

namespace dfa::cli {
namespace {

struct Part {
  std::string_view name;
  std::string_view use;
  std::string_view terms;
};

// What dfa is linked from. A new dependency needs a line here and in THIRD_PARTY.md.
constexpr std::array<Part, 16> kParts = {{
    {"dfa", "this program's own code", "Apache-2.0"},
    {"FFmpeg", "reading and writing videos (libavformat, libavcodec, libavutil, libswscale)",
     "LGPL-2.1-or-later; Debian's build enables GPL parts, see below"},
    {"oneDNN", "matrix products and convolutions", "Apache-2.0"},
    {"Highway", "vector kernels", "Apache-2.0 or BSD-3-Clause"},
    {"OpenCV", "aligning and degrading pictures (core, imgproc)", "Apache-2.0"},
    {"libjpeg-turbo", "JPEG", "IJG and BSD-3-Clause"},
    {"libpng", "PNG", "libpng-2.0"},
    {"libwebp", "WebP", "BSD-3-Clause"},
    {"LibTIFF", "TIFF", "libtiff"},
    {"OpenSSL", "SHA-256", "Apache-2.0"},
    {"CLI11", "command line", "BSD-3-Clause"},
    {"nlohmann-json", "JSON", "MIT"},
    {"fmt, spdlog", "text and logs", "MIT"},
    {"tl::expected", "errors as values", "CC0-1.0"},
    {"GCC runtime (libstdc++, libgomp)", "language and OpenMP runtime",
     "GPL-3.0 with the GCC runtime library exception"},
    {"MTCNN weights", "face detector, from facenet-pytorch 2.6.0", "MIT, Copyright (c) 2019 Timothy Esler"},
}};

constexpr std::string_view kFfmpegNote =
    "FFmpeg on Debian is built with its GPL parts enabled: a dfa that is linked against it may be passed on, as a "
    "whole,\n"
    "under the GNU General Public License, version 2 or later. Our own code stays under Apache-2.0, and a dfa linked "
    "against\n"
    "an LGPL build of FFmpeg is bound by the LGPL instead.\n";

// In builds with dlib alone. Debian's copyright file and the author's own page say different things of the model: both
// are given.
constexpr std::array<Part, 2> kDlibParts = {{
    {"dlib", "HOG face detector and 68 landmarks (this build only; the release has none)", "BSL-1.0"},
    {"dlib's 68-point model", "shape_predictor_68_face_landmarks.dat, read from where Debian installs it",
     "CC0-1.0 by Debian's copyright file; see below"},
}};

constexpr std::string_view kDlibNote =
    "dlib's 68-point model was trained on the iBUG 300-W data set, whose licence excludes commercial use. Debian's "
    "copyright file\n"
    "for it says CC0-1.0; its author's page (davisking/dlib-models) adds that one of the creators of the data set "
    "asked "
    "him to\n"
    "note that the trained model therefore cannot be used in a commercial product, and advises to ask a lawyer or "
    "Imperial\n"
    "College London. What is made with it here (crops of --detector dlib, forgeries of dfa synthesize) rests on it.\n";

constexpr std::string_view kMitText =
    "MIT terms of the MTCNN weights: Permission is hereby granted, free of charge, to any person obtaining a copy of "
    "this software\n"
    "and associated documentation files (the \"Software\"), to deal in the Software without restriction, including "
    "without limitation\n"
    "the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and "
    "to permit\n"
    "persons to whom the Software is furnished to do so, subject to the following conditions: The above copyright "
    "notice and this\n"
    "permission notice shall be included in all copies or substantial portions of the Software. THE SOFTWARE IS "
    "PROVIDED \"AS IS\",\n"
    "WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, "
    "FITNESS FOR A\n"
    "PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY "
    "CLAIM, DAMAGES OR\n"
    "OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH "
    "THE SOFTWARE OR\n"
    "THE USE OR OTHER DEALINGS IN THE SOFTWARE.\n";

void print_model(std::ostream& out, const Model& model) {
  out << fmt::format("\nModel {} ({})\n{}\n", model.name, model.sha256,
                     model.license.empty() ? "terms unknown: the model file names none" : model.license);
}

void print_part(std::ostream& out, const Part& part) {
  out << fmt::format("{:<34}{}\n{:<34}{}\n", part.name, part.terms, "", part.use);
}

void run_command(CommandContext& context) {
  const bool dlib = dlib_part() == DlibPart::present;
  for (const Part& part : kParts) print_part(context.out, part);
  if (dlib)
    for (const Part& part : kDlibParts) print_part(context.out, part);
  context.out << '\n' << kFfmpegNote;
  if (dlib) context.out << '\n' << kDlibNote;
  context.out << '\n' << kMitText;
  const Result<Model> model = load_selected_model(context.options);
  context.finish(ExitStatus::success);
  if (model)
    print_model(context.out, *model);
  else if (context.options.model.empty())
    context.out << "\nModel: this build carries none\n";
  else
    context.fail_with(model.error(), ExitStatus::model);
}

}  // namespace

void add_licenses_command(CLI::App& app, CommandContext& context) {
  CLI::App* command =
      app.add_subcommand("licenses", "Terms of this program, what it is linked from, and the loaded model");
  add_model_option(*command, context);
  command->callback([&context] { run_command(context); });
}

}  // namespace dfa::cli
