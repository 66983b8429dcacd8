#include "quant/quantise_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <mutex>

#include "base/machine.hpp"
#include "base/parallel_for.hpp"
#include "nn/isa.hpp"
#include "quant/choose_codes.hpp"

namespace dfa {
namespace {

constexpr std::size_t kClasses = 2;
constexpr std::string_view kSpatialPriorSites = "spm.";

using Choices = std::map<std::string, SiteChoice, std::less<>>;

Status check_model(const Model& model, const CropSource& crops) {
  if (model.kind != "detector" || model.config.classes != static_cast<int>(kClasses))
    return fail(ErrorCode::model_incompatible, "a {} of {} classes, expected a detector of real and fake", model.kind,
                model.config.classes);
  if (crops.count == 0) return fail(ErrorCode::usage, "no crop to calibrate on");
  return {};
}

Status stopped(std::string_view stage) {
  return fail(ErrorCode::cancelled, "stopped while {}", stage);
}

// p_fake of every crop, one a pass: an observer then knows which rows are whose.
Result<std::vector<double>> score(const Model& model, Network& network, const CropSource& crops,
                                  const QuantiseOptions& options, std::string_view stage, const CancelFlag& cancel) {
  const auto side = static_cast<std::size_t>(model.config.image);
  const double temperature = model.calibration ? model.calibration->temperature : 1.0;
  std::vector<float> image(3 * side * side), logits(kClasses);
  std::vector<double> p_fake;
  for (std::size_t i = 0; i < crops.count; ++i) {
    if (cancel.requested()) return tl::unexpected(stopped(stage).error());
    DFA_TRY(crops.read(i, image));
    DFA_TRY(network.forward(image, 1, {.logits = logits, .feature = {}}));
    const double margin = static_cast<double>(logits[1]) - static_cast<double>(logits[0]);
    if (!std::isfinite(margin))
      return fail(ErrorCode::internal, "crop {} has logits {} and {} while {}, expected finite numbers", i, logits[0],
                  logits[1], stage);
    p_fake.push_back(1 / (1 + std::exp(-margin / temperature)));
    if (options.progress) options.progress(stage, i + 1, crops.count);
  }
  return p_fake;
}

Result<Choices> choose_all(const Model& model, const SampleCollector& samples, const QuantiseOptions& options,
                           const CancelFlag& cancel) {
  const std::vector<QuantSite> sites = quant_sites(model.config);
  std::vector<SiteChoice> chosen(sites.size());
  const int threads = options.threads > 0 ? options.threads : usable_processors();
  std::mutex mutex;
  std::size_t done = 0;
  parallel_for(sites.size(), threads, cancel, [&](std::size_t, std::size_t i) {
    const auto sample = samples.sites().find(sites[i].name);
    if (sample != samples.sites().end())
      chosen[i] = choose_codes(sample->second, readers_of_site(model.config, model.weights, sites[i].name));
    const std::lock_guard lock(mutex);
    if (options.progress) options.progress("choosing", ++done, sites.size());
  });
  if (cancel.requested()) return tl::unexpected(stopped("choosing").error());
  Choices choices;
  for (std::size_t i = 0; i < sites.size(); ++i)
    if (!chosen[i].codes.multipliers.empty()) choices[sites[i].name] = std::move(chosen[i]);
  return choices;
}

double mean_difference(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::fabs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

// Takes the spatial prior's sites out of the choices, and says so.
std::vector<WideSite> leave_spatial_prior_wide(Choices& choices) {
  std::vector<WideSite> wide;
  std::erase_if(choices, [&](const auto& choice) {
    const auto& [name, chosen] = choice;
    if (!name.starts_with(kSpatialPriorSites)) return false;
    wide.push_back({name, chosen.distortion, "of the spatial prior, wide unless asked for"});
    return true;
  });
  return wide;
}

// The int8 engine with some sites left wide, against f32.
class Trials {
 public:
  Trials(const Model& model, const CropSource& crops, const QuantiseOptions& options, const CancelFlag& cancel,
         const Choices& choices, std::span<const double> want)
      : model_(model), crops_(crops), options_(options), cancel_(cancel), choices_(choices), want_(want) {
    for (const auto& [name, choice] : choices) worst_first_.push_back(name);
    std::ranges::stable_sort(worst_first_, std::ranges::greater{},
                             [&](const std::string& name) { return choices.at(name).distortion; });
  }

  const std::vector<std::string>& worst_first() const { return worst_first_; }

  Quantisation without_worst(std::size_t wide) const {
    Quantisation codes;
    for (std::size_t i = wide; i < worst_first_.size(); ++i)
      codes[worst_first_[i]] = choices_.at(worst_first_[i]).codes;
    return codes;
  }

  Result<double> difference(std::size_t wide) const {
    const Quantisation codes = without_worst(wide);
    DFA_ASSIGN_OR_RETURN(
        const auto network,
        make_network(
            model_.config, model_.weights,
            {.precision = Precision::int8, .threads = options_.threads, .max_batch = 1, .quantisation = &codes}));
    DFA_ASSIGN_OR_RETURN(const auto got, score(model_, *network, crops_, options_, "comparing", cancel_));
    return mean_difference(got, want_);
  }

 private:
  const Model& model_;
  const CropSource& crops_;
  const QuantiseOptions& options_;
  const CancelFlag& cancel_;
  const Choices& choices_;
  std::span<const double> want_;
  std::vector<std::string> worst_first_;
};

struct Fit {
  std::size_t wide = 0;
  double difference = 0;
};

// The fewest wide sites that hold the budget, if more of them never harm.
Result<Fit> fit_budget(const Trials& trials, double budget) {
  DFA_ASSIGN_OR_RETURN(const double all, trials.difference(0));
  if (all <= budget) return Fit{0, all};
  std::size_t low = 0, high = trials.worst_first().size() - 1;  // one site is left, or it is no int8 model
  DFA_ASSIGN_OR_RETURN(const double least, trials.difference(high));
  Fit fit{high, least};
  if (least > budget)
    return fail(ErrorCode::model_incompatible,
                "the budget is not held: the mean difference of p_fake is {:.2g} with all {} tensors on 8 bits, {:.2g} "
                "with all but one wide; allowed {:.2g}\n  next step: --budget with a larger number, or the wide model",
                all, trials.worst_first().size(), least, budget);
  while (high - low > 1) {
    const std::size_t middle = low + (high - low) / 2;
    DFA_ASSIGN_OR_RETURN(const double difference, trials.difference(middle));
    if (difference <= budget) {
      high = middle;
      fit = {middle, difference};
    } else {
      low = middle;
    }
  }
  return fit;
}

}  // namespace

Result<Observed> observe_crops(const Model& model, const CropSource& crops, const QuantiseOptions& options,
                               const CancelFlag& cancel) {
  DFA_TRY(check_model(model, crops));
  Observed observed{SampleCollector(options.seed), {}};
  DFA_ASSIGN_OR_RETURN(const auto network,
                       make_network(model.config, model.weights,
                                    {.threads = options.threads, .max_batch = 1, .activations = &observed.samples}));
  DFA_ASSIGN_OR_RETURN(observed.p_fake, score(model, *network, crops, options, "observing", cancel));
  return observed;
}

Result<ModelQuantisation> quantise_model(const Model& model, const CropSource& crops, const QuantiseOptions& options,
                                         const CancelFlag& cancel) {
  DFA_ASSIGN_OR_RETURN(const Observed observed, observe_crops(model, crops, options, cancel));
  DFA_ASSIGN_OR_RETURN(Choices choices, choose_all(model, observed.samples, options, cancel));
  ModelQuantisation quantised;
  if (options.spatial_prior == SpatialPrior::wide) quantised.wide = leave_spatial_prior_wide(choices);
  const Trials trials(model, crops, options, cancel, choices, observed.p_fake);
  DFA_TRY(check_quantisation(model.config, trials.without_worst(0)));
  DFA_ASSIGN_OR_RETURN(const Fit fit, fit_budget(trials, options.budget));

  quantised.codes = trials.without_worst(fit.wide);
  for (const auto& [name, codes] : quantised.codes) {
    const SiteChoice& choice = choices.at(name);
    quantised.figures[name] = {choice.smoothing, choice.range, choice.distortion};
  }
  for (std::size_t i = 0; i < fit.wide; ++i) {
    const std::string& name = trials.worst_first()[i];
    quantised.wide.push_back({name, choices.at(name).distortion, "among the worst, for the budget"});
  }
  quantised.crops = static_cast<std::int64_t>(crops.count);
  quantised.seed = options.seed;
  quantised.budget = options.budget;
  quantised.difference = fit.difference;
  quantised.isa = effective_isa();
  return quantised;
}

}  // namespace dfa
