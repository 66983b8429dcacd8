#include "eval/walls.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.hpp"

namespace dfa {
namespace {

using Json = nlohmann::json;

// A text field of an object; empty where it is not there or no text.
std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  return found->is_number() ? found->dump() : std::string();
}

bool makes_a_model(Role role, const TrainingFacts& facts) {
  return role != Role::test || facts.selected_on == role_name(Role::test);
}

// What two crops can have in common.
enum class Kind { video, identity, source, crop };
constexpr std::array kKinds = {Kind::video, Kind::identity, Kind::source, Kind::crop};
constexpr std::array<std::string_view, kKinds.size()> kKindNames = {"videos", "identities", "sources", "crops"};

struct Key {
  std::string text;  // equal texts are the same thing
  std::string name;  // for people
};

// "000+003": target and source. The set keeps "id1" of two data sets apart.
void add_identities(const ManifestEntry& entry, std::vector<Key>& keys) {
  std::string_view rest = entry.identity;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('+'), rest.size());
    const std::string_view identity = rest.substr(0, end);
    if (end > 0) keys.push_back({fmt::format("{}\n{}", entry.set, identity), std::string(identity)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

// A file of a data set: the same below the same root, and the same in a set of the same name wherever that lies. Names
// of unnamed sets ("real/0001.png") say nothing by themselves.
void add_file(const NamedManifest& named, const ManifestEntry& entry, const std::string& file, std::vector<Key>& keys) {
  const std::filesystem::path root = manifest_root(named.manifest, named.name);
  keys.push_back({(root / file).lexically_normal().generic_string(), file});
  if (!entry.set.empty()) keys.push_back({fmt::format("{}\n{}", entry.set, file), file});
}

std::vector<Key> keys_of(const NamedManifest& named, const ManifestEntry& entry, Kind kind) {
  std::vector<Key> keys;
  switch (kind) {
    case Kind::video:
      add_file(named, entry, video_key(entry), keys);
      break;
    case Kind::identity:
      add_identities(entry, keys);
      break;
    case Kind::source:  // a forgery shares its source with the real video of that path, and with its other forgeries
      add_file(named, entry, video_key(entry), keys);
      if (!entry.source.empty()) add_file(named, entry, entry.source, keys);
      break;
    case Kind::crop:
      if (!entry.crop_sha256.empty()) keys.push_back({entry.crop_sha256, entry.path});
      break;
  }
  return keys;
}

// Names of what was found twice.
struct Shared {
  std::unordered_set<std::string> names;
  std::string first;
  void add(const std::string& name) {
    if (names.insert(name).second && first.empty()) first = name;
  }
};

// What the tested crops have in common with the crops of `made` that make a model.
std::array<Shared, kKinds.size()> shared_with(const NamedManifest& made, const TrainingFacts& facts,
                                              std::span<const NamedManifest> tested, Role role) {
  std::array<Shared, kKinds.size()> shared;
  for (const Kind kind : kKinds) {
    std::unordered_set<std::string> known;
    for (const ManifestEntry& entry : made.manifest.entries)
      if (makes_a_model(entry.role, facts))
        for (Key& key : keys_of(made, entry, kind)) known.insert(std::move(key.text));
    for (const NamedManifest& test : tested)
      for (const ManifestEntry& entry : test.manifest.entries)
        if (entry.role == role)
          for (const Key& key : keys_of(test, entry, kind))
            if (known.contains(key.text)) shared[static_cast<std::size_t>(kind)].add(key.name);
  }
  return shared;
}

// What serves two roles within the manifests, in words; empty for nothing.
std::string two_roles(std::span<const NamedManifest> manifests, Kind kind) {
  struct Use {
    Role role;
    std::string_view manifest;
  };
  std::unordered_map<std::string, Use> uses;
  Shared twice;
  std::string roles;
  for (const NamedManifest& named : manifests)
    for (const ManifestEntry& entry : named.manifest.entries)
      for (const Key& key : keys_of(named, entry, kind)) {
        const auto [found, fresh] = uses.emplace(key.text, Use{entry.role, named.name});
        if (fresh || found->second.role == entry.role) continue;
        if (roles.empty())
          roles = fmt::format("{} in {}, {} in {}", role_name(found->second.role), found->second.manifest,
                              role_name(entry.role), named.name);
        twice.add(key.name);
      }
  if (twice.names.empty()) return {};
  return fmt::format("{} {} serve two roles, the first \"{}\" ({})", twice.names.size(),
                     kKindNames[static_cast<std::size_t>(kind)], twice.first, roles);
}

}  // namespace

Result<NamedManifest> read_named_manifest(const std::filesystem::path& path) {
  NamedManifest named{path.string(), {}, {}};
  DFA_ASSIGN_OR_RETURN(named.manifest, read_manifest(path));
  DFA_ASSIGN_OR_RETURN(named.sha256, sha256_file(path));
  return named;
}

TrainingFacts training_facts(const Model& model) {
  TrainingFacts facts;
  if (model.calibration) {
    facts.calibration_set = model.calibration->set;
    facts.calibration_role = model.calibration->role;
    facts.calibration_manifest_sha256 = model.calibration->manifest_sha256;
    facts.calibration_stamps = model.calibration->stamps;
  }
  const Json training = Json::parse(model.training, nullptr, false);
  if (!training.is_object()) return facts;
  facts.seed = text_of(training, "seed");
  facts.manifest_sha256 = text_of(training, "manifest_sha256");
  facts.selected_on = text_of(training, "selected_on");
  facts.selection = text_of(training, "selection");
  facts.base_sha256 = text_of(training, "pretrained_sha256");
  if (const auto found = training.find("deviations"); found != training.end() && found->is_array())
    for (const Json& deviation : *found)
      if (deviation.is_string())
        facts.deviations += (facts.deviations.empty() ? "" : "; ") + deviation.get<std::string>();
  return facts;
}

std::vector<std::string> selection_breaches(const TrainingFacts& facts, std::span<const NamedManifest> tested,
                                            Role role, std::span<const NamedManifest> made_on) {
  std::vector<std::string> breaches;
  for (const NamedManifest& test : tested)
    if (facts.calibration_role == role_name(role) && facts.calibration_manifest_sha256 == test.sha256)
      breaches.push_back(
          fmt::format("{}: the model was calibrated on its role {} (dfa.calibration)", test.name, role_name(role)));
  if (facts.selected_on != role_name(role)) return breaches;
  for (const NamedManifest& test : tested) {
    if (facts.manifest_sha256 == test.sha256)
      breaches.push_back(fmt::format("{}: its role {} chose the model's checkpoint (dfa.training: selected_on {})",
                                     test.name, role_name(role), facts.selected_on));
    else if (facts.manifest_sha256.empty() && role == Role::test && made_on.empty())
      breaches.push_back(
          fmt::format("{}: a test split chose the model's checkpoint (dfa.training: selected_on {}), and nothing says "
                      "of which data; "
                      "--trained-on names them",
                      test.name, facts.selected_on));
  }
  return breaches;
}

std::vector<std::string> sharing_breaches(const TrainingFacts& facts, std::span<const NamedManifest> tested, Role role,
                                          std::span<const NamedManifest> made_on) {
  std::vector<std::string> breaches;
  const auto compare = [&](const NamedManifest& made) {
    const auto shared = shared_with(made, facts, tested, role);
    for (std::size_t i = 0; i < shared.size(); ++i)
      if (!shared[i].names.empty())
        breaches.push_back(fmt::format("{} {} of role {} also made the model ({}), the first \"{}\"",
                                       shared[i].names.size(), kKindNames[i], role_name(role), made.name,
                                       shared[i].first));
  };
  for (const NamedManifest& made : made_on) compare(made);
  if (makes_a_model(role, facts)) return breaches;  // the role itself trains or selects: other stamps say so
  for (const NamedManifest& test : tested)
    if (!facts.manifest_sha256.empty() && test.sha256 == facts.manifest_sha256) compare(test);
  return breaches;
}

std::vector<std::string> role_breaches(const TrainingFacts& facts, std::span<const NamedManifest> manifests) {
  const bool made_elsewhere = !facts.manifest_sha256.empty() &&
                              std::none_of(manifests.begin(), manifests.end(), [&](const NamedManifest& named) {
                                return named.sha256 == facts.manifest_sha256;
                              });
  std::vector<std::string> breaches;
  for (const Kind kind : {Kind::video, Kind::identity})
    if (kind == Kind::video || !made_elsewhere)
      if (std::string breach = two_roles(manifests, kind); !breach.empty()) breaches.push_back(std::move(breach));
  return breaches;
}

std::vector<std::string> role_stamps(const TrainingFacts& facts, Role role) {
  std::vector<std::string> stamps;
  if (role != Role::test)
    stamps.push_back(
        fmt::format("role {}: no test result, such crops train, select or calibrate models", role_name(role)));
  if (facts.selected_on == role_name(Role::test))
    stamps.push_back("the model's checkpoint was selected on a test split");
  stamps.insert(stamps.end(), facts.calibration_stamps.begin(), facts.calibration_stamps.end());
  return stamps;
}

Status raise_wall(std::span<const std::string> breaches, IKnow i_know, ProtocolCard& card) {
  if (breaches.empty()) return {};
  if (i_know == IKnow::no)
    return fail(ErrorCode::manifest_invalid,
                "the test data are not independent of the model:\n  {}\n  next step: test on other data, or pass "
                "--i-know; every output is then stamped",
                fmt::join(breaches, "\n  "));
  for (const std::string& breach : breaches) card.stamp("--i-know: " + breach);
  return {};
}

}  // namespace dfa
