// Times the face detector on pictures and prints what it found, as one JSON object of the same form as
// bench/peers/mtcnn_facenet.py's. Pictures are used as they are and decoded before the clock starts.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/machine.hpp"
#include "face/detector.hpp"
#include "media/read_picture.hpp"

namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::string detector = "mtcnn-reference";
  std::vector<std::string> pictures;
  int repeats = 20, warmup = 3, threads = 2, min_face = 40;
};

double cpu_milliseconds() {
  return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

Json face_json(const dfa::Face& face) {
  Json points = Json::array();
  for (const dfa::Point& p : face.landmarks_px) points.push_back({p.x, p.y});
  return {{"box", {face.box_px.x1, face.box_px.y1, face.box_px.x2, face.box_px.y2}},
          {"probability", face.probability},
          {"landmarks", points}};
}

dfa::Result<Json> measure(dfa::Detector& detector, const std::string& path, const Options& options) {
  DFA_ASSIGN_OR_RETURN(const dfa::Picture picture, dfa::read_picture(path, {}));
  std::vector<double> wall, cpu;
  std::vector<dfa::Face> faces;
  for (int i = 0; i < options.warmup + options.repeats; ++i) {
    const double cpu_start = cpu_milliseconds();
    const auto start = std::chrono::steady_clock::now();
    DFA_ASSIGN_OR_RETURN(faces, detector.detect(picture.view()));
    const std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - start;
    if (i < options.warmup) continue;
    wall.push_back(elapsed.count());
    cpu.push_back(cpu_milliseconds() - cpu_start);
  }
  Json found = Json::array();
  for (const dfa::Face& face : faces) found.push_back(face_json(face));
  return Json{{"path", path},
              {"width", picture.width},
              {"height", picture.height},
              {"milliseconds_median", median(wall)},
              {"cpu_milliseconds_median", median(cpu)},
              {"milliseconds", wall},
              {"faces", found}};
}

dfa::Result<Json> run(const Options& options) {
  DFA_ASSIGN_OR_RETURN(const auto detector, dfa::make_detector(options.detector, {.threads = options.threads,
                                                                                  .min_face_px = options.min_face}));
  const dfa::MachineFacts machine = dfa::machine_facts();
  Json report{{"detector", options.detector},
              {"threads", options.threads},
              {"min_face", options.min_face},
              {"machine", {{"cpu", machine.cpu_model}, {"processors", machine.processors}, {"isa", machine.isa}}},
              {"pictures", Json::array()}};
  for (const std::string& path : options.pictures) {
    DFA_ASSIGN_OR_RETURN(Json row, measure(*detector, path, options));
    report["pictures"].push_back(std::move(row));
  }
  return report;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Times the face detector on pictures.");
  app.add_option("pictures", options.pictures)->required();
  app.add_option("--detector", options.detector)->capture_default_str();
  app.add_option("--repeats", options.repeats)->check(CLI::Range(1, 100'000))->capture_default_str();
  app.add_option("--warmup", options.warmup)->check(CLI::Range(0, 100'000))->capture_default_str();
  app.add_option("--threads", options.threads)->check(CLI::Range(0, 1024))->capture_default_str();
  app.add_option("--min-face", options.min_face)->check(CLI::Range(0, 10'000))->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto report = run(options);
  if (!report) {
    std::fprintf(stderr, "mtcnn_bench: %s\n", report.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", report->dump(1).c_str());
  return 0;
}
