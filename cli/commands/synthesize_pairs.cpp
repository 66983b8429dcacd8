#include "cli/commands/synthesize_pairs.hpp"

#include <algorithm>
#include <numeric>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "cli/commands/synthesize_record.hpp"
#include "media/read_picture.hpp"
#include "media/write_picture.hpp"
#include "synthesis/face_swap.hpp"

namespace dfa::cli {
namespace {

using Json = nlohmann::ordered_json;

// Partners looked at: enough for a near one, and no more work with a large folder than with a small one.
constexpr std::size_t kCandidates = 100;
constexpr std::string_view kPairStream = "synthesize.pair", kOrderStream = "synthesize.order",
                           kPartnerStream = "synthesize.partner";

// A made pair and the JSON of what was drawn for it.
struct MadePair {
  FinishedPair pair;
  Json draws;
};

Result<MadePair> made(Result<FinishedPair> pair, Json draws) {
  if (!pair) return tl::unexpected<Error>(pair.error());
  return MadePair{std::move(*pair), std::move(draws)};
}

Result<MadePair> synthesise(const SynthesisRequest& request, const RngStream& stream, const FaceSource& target,
                            const FaceSource* source) {
  switch (request.kind) {
    case SynthesisKind::self_blend: {
      const SelfBlendDraws draws = draw_self_blend(stream);
      return made(self_blend(target, draws, request.pair), draws_json(draws));
    }
    case SynthesisKind::cross_blend: {
      const CrossBlendDraws draws = draw_cross_blend(stream);
      return made(cross_blend(target, *source, draws, request.pair), draws_json(draws));
    }
    case SynthesisKind::swap: {
      const FinishDraws draws = draw_finish(stream);
      return made(face_swap_pair(target, *source, draws, request.pair), {{"both", draws_json(draws)}});
    }
  }
  return fail(ErrorCode::internal, "kind {} has no synthesis", static_cast<int>(request.kind));
}

Result<std::string> write_bytes(const std::filesystem::path& path, const PictureView& picture, PngColour colour) {
  std::error_code problem;
  std::filesystem::create_directories(path.parent_path(), problem);
  if (problem) return fail(ErrorCode::file_unwritable, "{}: {}", path.parent_path().string(), problem.message());
  DFA_ASSIGN_OR_RETURN(const std::vector<std::byte> bytes, encode_png(picture, colour, PngEffort::fast));
  DFA_TRY(write_file_atomically(path, {reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  return sha256_hex(bytes);
}

Json points_json(const Landmarks68& landmarks) {
  Json json = Json::array();
  for (const Point& p : landmarks.points) json.push_back({p.x, p.y});
  return json;
}

}  // namespace

std::optional<std::size_t> choose_source(std::span<const SourceFile> files, const SourceFile& target,
                                         const Landmarks68& landmarks, RngStream stream) {
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i].kind == MediaKind::picture && files[i].use == SourceUse::used && files[i].role == target.role &&
        files[i].identity != target.identity && files[i].sha256 != target.sha256)
      others.push_back(i);
  if (others.empty()) return std::nullopt;
  stream.shuffle(std::span(others));
  others.resize(std::min(others.size(), kCandidates));
  std::vector<Landmarks68> candidates;
  for (const std::size_t i : others) candidates.push_back(files[i].landmarks);
  const Result<Nearest> nearest = nearest_landmarks(candidates, landmarks);
  if (!nearest) return std::nullopt;
  return others[nearest->index];
}

PairPlans plan_pairs(const SynthesisRequest& request, std::span<const SourceFile> files) {
  std::vector<std::size_t> targets;
  for (std::size_t i = 0; i < files.size(); ++i)
    if (files[i].kind == MediaKind::picture && files[i].use == SourceUse::used) targets.push_back(i);
  PairPlans out;
  if (targets.empty()) return out;
  RngStream(request.seed, kOrderStream).shuffle(std::span(targets));
  const RngStream partners(request.seed, kPartnerStream);
  const std::size_t count = request.count == 0 ? targets.size() : request.count;
  for (std::size_t number = 0; number < count; ++number) {
    PairPlan plan{number, targets[number % targets.size()], std::nullopt};
    if (request.kind != SynthesisKind::self_blend) {
      const SourceFile& target = files[plan.target];
      plan.source = choose_source(files, target, target.landmarks, partners.child(number));
      if (!plan.source) {
        ++out.without_partner;
        continue;
      }
    }
    out.plans.push_back(plan);
  }
  return out;
}

Result<WrittenPair> write_pair(const SynthesisRequest& request, const PairName& name, const FinishedPair& pair,
                               const SourceFile& target, const SourceFile* source, const std::string& draws) {
  WrittenPair written;
  const std::string file = name.stem + ".png";
  for (std::size_t label = 0; label < written.entries.size(); ++label) {
    ManifestEntry& entry = written.entries[label];
    entry.path = (label == 0 ? "real/" : "fake/") + file;
    entry.label = static_cast<int>(label);
    entry.role = target.role;
    entry.set = "synthetic";
    entry.identity = request.identity == IdentityRule::folder ? target.identity : "";
    entry.source = target.path;
    entry.video = name.video.empty() ? "" : (label == 0 ? "real/" : "fake/") + name.video;
    entry.frame = name.frame;
    entry.pts_seconds = name.pts_seconds;
    const Picture& picture = label == 0 ? pair.real : pair.fake;
    DFA_ASSIGN_OR_RETURN(entry.crop_sha256, write_bytes(request.out / entry.path, picture.view(), PngColour::rgb));
  }
  written.entries[1].method = synthesis_kind_name(request.kind);
  written.entries[1].mask = "masks/" + file;
  DFA_TRY(write_bytes(request.out / written.entries[1].mask, mask_picture(pair.mask).view(), PngColour::grey));
  Json parameters = {{"pair", name.stem},
                     {"kind", synthesis_kind_name(request.kind)},
                     {"role", role_name(target.role)},
                     {"target", {{"path", target.path}, {"sha256", target.sha256}}},
                     {"source", nullptr}};
  if (name.video.empty()) parameters["target"]["landmarks68_px"] = points_json(target.landmarks);
  if (source != nullptr) parameters["source"] = {{"path", source->path}, {"sha256", source->sha256}};
  parameters["draws"] = Json::parse(draws);
  written.parameters = parameters.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
  return written;
}

Result<FaceSource> load_source(const SynthesisRequest& request, const SourceFile& file) {
  DFA_ASSIGN_OR_RETURN(Picture picture,
                       read_picture(std::filesystem::path(request.folder) / file.path, request.limits));
  return FaceSource{std::move(picture), file.landmarks, file.face};
}

Result<WrittenPair> make_pair(const SynthesisRequest& request, std::span<const SourceFile> files,
                              const PairPlan& plan) {
  const SourceFile& target_file = files[plan.target];
  const SourceFile* source_file = plan.source ? &files[*plan.source] : nullptr;
  DFA_ASSIGN_OR_RETURN(const FaceSource target, load_source(request, target_file));
  std::optional<FaceSource> source;
  if (source_file != nullptr) {
    DFA_ASSIGN_OR_RETURN(source, load_source(request, *source_file));
  }
  const RngStream stream = RngStream(request.seed, kPairStream).child(plan.number);
  DFA_ASSIGN_OR_RETURN(const MadePair made_pair, synthesise(request, stream, target, source ? &*source : nullptr));
  const PairName name{fmt::format("{:06}", plan.number), "", std::nullopt, std::nullopt};
  return write_pair(request, name, made_pair.pair, target_file, source_file, made_pair.draws.dump());
}

}  // namespace dfa::cli
