// Writes the committed seeds of fuzz_lists, fuzz_model and fuzz_pickle: make_fuzz_seeds GOLDEN_DIR SEEDS_DIR, where
// GOLDEN_DIR is tests/golden/tensorfile.
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/file.hpp"
#include "dataset/landmark_file.hpp"
#include "dataset/pack.hpp"
#include "model/golden.hpp"
#include "model/model_save.hpp"
#include "tensorfile/safetensors.hpp"
#include "tensorfile/zip_reader.hpp"

namespace {

using dfa::Model;
using dfa::Result;
using dfa::Status;

// As few bytes as a detector can have.
Model smallest_detector() {
  Model model;
  model.name = "seed";
  model.config.image = 16;
  model.config.patch = 16;
  model.config.dim = model.config.mlp = model.config.bottleneck = model.config.spm_width = 1;
  model.config.depth = model.config.heads = model.config.lsa_heads = 1;
  model.config.stages = {{0, 0}};
  model.crop.stored_px = 2;
  model.training = R"({"seed":1,"nested":{"a":[1,2]}})";
  model.license = "none";
  model.calibration = dfa::Calibration{
      .temperature = 1.5, .thresholds = {{"fpr5", 0.5, 0.05, 0.9}}, .set = "s", .reals = 1, .fakes = 1, .date = "d"};
  model.weights = dfa::hash_weights(model.config);
  return model;
}

// Every part of a calibration once.
dfa::Calibration full_calibration() {
  dfa::Calibration calibration;
  calibration.temperature = 1.5;
  calibration.thresholds = {{"fpr5", 0.5, 0.05, 0.9, dfa::ShareInterval{0, 1}, dfa::ShareInterval{0, 1}}};
  calibration.set = calibration.date = "s";
  calibration.reals = calibration.fakes = calibration.real_crops = calibration.fake_crops = 1;
  calibration.role = "test";
  calibration.stamps = {"s"};
  calibration.left_out = {{"fpr1", "r"}};
  calibration.evidence = dfa::Evidence{.map = dfa::EvidenceMap::isotonic, .points = {{0.1, 0}, {0.9, 1}}};
  calibration.abstain = dfa::AbstainBand{0.2, 0.3, 0.7};
  calibration.figures = {{"video", "nll", 0.7, 0.6}};
  calibration.frame_reliability = calibration.video_reliability = {{0.1, 0.2, 1}};
  return calibration;
}

Status write_models(const std::filesystem::path& folder) {
  Model model = smallest_detector();
  DFA_ASSIGN_OR_RETURN(model.golden, dfa::make_golden(model, dfa::synthetic_crops(1, 2), 1, dfa::Dtype::f32));
  DFA_TRY(save_model(model, folder / "detector_f32", dfa::Dtype::f32));
  DFA_TRY(save_model(model, folder / "detector_f16", dfa::Dtype::f16));
  const auto first_calibration = std::exchange(model.calibration, full_calibration());
  DFA_TRY(save_model(model, folder / "detector_calibrated", dfa::Dtype::f16));
  model.calibration = first_calibration;
  model.kind = "backbone";
  model.golden.reset();
  model.config.gba = model.config.lsa = false;
  model.config.readout = dfa::Readout::cls;
  model.weights = dfa::hash_weights(model.config);
  std::erase_if(model.weights, [](const auto& entry) { return entry.first.starts_with("head."); });
  DFA_TRY(save_model(model, folder / "backbone", dfa::Dtype::f32));
  dfa::TensorFile bare;
  bare.tensors["a"] = dfa::Tensor::from_u8({2}, std::vector<std::uint8_t>{1, 2});
  bare.metadata["k"] = "v";
  DFA_TRY(dfa::write_safetensors(bare, folder / "bare"));
  // More data than header: mutations that change the length mostly leave the header sound, and what follows it is put
  // to the test.
  dfa::TensorFile data;
  data.tensors["a"] = dfa::Tensor::from_f32({16, 16}, std::vector<float>(256, 1.0f));
  return dfa::write_safetensors(data, folder / "data");
}

Status write_pickles(const std::filesystem::path& golden, const std::filesystem::path& folder) {
  for (const char* name : {"plain", "protocol4", "wrapped", "hostile_beside", "torchscript"}) {
    DFA_ASSIGN_OR_RETURN(const auto bytes, dfa::read_file(golden / (std::string(name) + ".pt"), 1 << 20));
    DFA_ASSIGN_OR_RETURN(const auto archive, dfa::ZipArchive::open(bytes, 1000));
    DFA_ASSIGN_OR_RETURN(const auto pickle, archive.read(std::string(name) + "/data.pkl"));
    DFA_TRY(dfa::write_file_atomically(folder / (std::string(name) + ".pkl"),
                                       {reinterpret_cast<const char*>(pickle.data()), pickle.size()}));
  }
  for (const char* name : {"hostile_beside.pt", "hostile_legacy.pt", "legacy.pt"})
    std::filesystem::copy_file(golden / name, folder / name, std::filesystem::copy_options::overwrite_existing);
  return {};
}

Status write_text(const std::filesystem::path& file, const std::string& text) {
  return dfa::write_file_atomically(file, text);
}

Status write_lists(const std::filesystem::path& folder) {
  dfa::Manifest manifest;
  manifest.crop_name = "r";
  manifest.stored_px = 4;
  dfa::ManifestEntry entry;
  entry.path = "a.png";
  entry.label = 1;
  entry.video = "v";
  entry.frame = 3;
  entry.pts_seconds = 0.5;
  entry.box_px = dfa::Box{1, 2, 3, 4};
  entry.landmarks_px = {{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 1}}};
  entry.mask = entry.landmarks68 = "a.png";
  entry.crop_sha256 = std::string(64, 'a');
  manifest.entries = {entry};
  DFA_TRY(write_text(folder / "manifest", dfa::manifest_text(manifest)));
  const dfa::Landmarks68 points{};
  const auto bytes = dfa::landmark_file_bytes(points);
  DFA_TRY(write_text(folder / "points", {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  DFA_TRY(
      write_text(folder / "csv", "path,label,split,video,mask\na.png,1,test,v,frames/000.png\n\"a.png\",0,train,,\n"));
  DFA_TRY(write_text(folder / "json", R"([{"path":"a.png","label":1,"split":"test"},{"path":"b.png","label":0}])"));
  DFA_TRY(write_text(folder / "dfb",
                     R"({"FaceForensics++":{"FF-real":{"train":{"c23":{"000":{"label":"FF-real","frames":)"
                     R"(["x\\frames\\000.png"]}}}},"FF-DF":{"test":{"c23":{"000_001":{"label":"FF-DF",)"
                     R"("frames":["frames/000.png"],"masks":["masks/000.png"]}}}}}})"));
  const dfa::PackPictures pictures{[](std::size_t) -> Result<dfa::Picture> {
                                     return dfa::Picture{4, 4, std::vector<std::uint8_t>(48)};
                                   },
                                   [](std::size_t) -> Result<dfa::Picture> {
                                     return dfa::Picture{4, 4, std::vector<std::uint8_t>(48)};
                                   },
                                   [](std::size_t) -> Result<dfa::Landmarks68> { return dfa::Landmarks68{}; }};
  return dfa::write_pack(manifest, pictures, folder / "pack", {});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: make_fuzz_seeds tests/golden/tensorfile tests/fuzz/seeds\n");
    return 2;
  }
  const std::filesystem::path golden = argv[1], seeds = argv[2];
  for (const Status& status :
       {write_lists(seeds / "lists"), write_models(seeds / "model"), write_pickles(golden, seeds / "pickle")})
    if (!status) {
      std::fprintf(stderr, "%s\n", status.error().message.c_str());
      return 1;
    }
  return 0;
}
