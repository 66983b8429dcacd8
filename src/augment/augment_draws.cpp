#include "augment/augment_draws.hpp"

#include <cmath>

namespace dfa {
namespace {

constexpr std::uint64_t kNoiseStream = 1;  // below a sample's

struct Draw {
  bool on = false;
  double strength = 0;
  double x = 0, y = 0, shape = 0;
};

Draw draw(RngStream& stream, const Chance& chance) {
  Draw drawn;
  drawn.on = stream.chance(chance.p);
  drawn.strength = stream.uniform(chance.low, chance.high);
  drawn.x = stream.uniform();
  drawn.y = stream.uniform();
  drawn.shape = std::exp2(stream.uniform(-1, 1));
  return drawn;
}

std::optional<AffineMove> draw_affine(RngStream& stream, const AffineChance& chance) {
  const bool on = stream.chance(chance.p);
  AffineMove move;
  move.degrees = stream.uniform(-chance.degrees, chance.degrees);
  move.shift_x = stream.uniform(-chance.shift, chance.shift);
  move.shift_y = stream.uniform(-chance.shift, chance.shift);
  move.scale = stream.uniform(chance.scale_low, chance.scale_high);
  move.outside = chance.outside;
  return on ? std::optional(move) : std::nullopt;
}

std::optional<ColourDraw> draw_colour(RngStream& stream, const ColourChance& chance) {
  constexpr std::uint64_t kChanges = 3;
  const bool on = stream.chance(chance.p);
  ColourDraw drawn;
  drawn.change = static_cast<ColourChange>(stream.below(kChanges));
  drawn.brightness = stream.uniform(-chance.light, chance.light);
  drawn.contrast = stream.uniform(-chance.light, chance.light);
  for (double& factor : drawn.pca) factor = chance.pca * stream.normal();
  drawn.hue = stream.uniform(-chance.hue, chance.hue);
  drawn.saturation = stream.uniform(-chance.saturation, chance.saturation);
  drawn.value = stream.uniform(-chance.value, chance.value);
  return on ? std::optional(drawn) : std::nullopt;
}

std::optional<double> strength(const Draw& drawn) {
  return drawn.on ? std::optional(drawn.strength) : std::nullopt;
}

// One of the odd numbers from low to high, each as likely.
std::optional<int> draw_side(RngStream& stream, const Chance& chance) {
  const bool on = stream.chance(chance.p);
  const double choices = (chance.high - chance.low) / 2 + 1;
  const int side = static_cast<int>(chance.low) + 2 * static_cast<int>(stream.uniform() * choices);
  return on ? std::optional(side) : std::nullopt;
}

}  // namespace

AugmentDraws draw_augment(const AugmentOptions& options, RngStream stream) {
  AugmentDraws draws(stream.child(kNoiseStream));
  const Draw crop = draw(stream, options.crop);
  const Draw flip = draw(stream, {options.flip, 0, 1});
  draws.brightness = strength(draw(stream, options.brightness));
  draws.contrast = strength(draw(stream, options.contrast));
  const Draw blur = draw(stream, options.blur);
  const Draw jpeg = draw(stream, options.jpeg);
  const Draw erase = draw(stream, options.erase);
  // What was added later is drawn later: former configurations keep their numbers.
  draws.affine = draw_affine(stream, options.affine);
  draws.gain = strength(draw(stream, options.gain));
  draws.colour = draw_colour(stream, options.colour);
  draws.grey = stream.chance(options.grey);
  draws.kernel_blur = draw_side(stream, options.kernel_blur);
  draws.noise = strength(draw(stream, options.noise));

  draws.flip = flip.on;
  if (crop.on) draws.crop = WindowDraw{crop.strength, crop.x, crop.y};
  if (blur.on) draws.blur = BlurDraw{blur.strength, options.blur_side};
  if (jpeg.on) draws.jpeg = static_cast<int>(std::lround(jpeg.strength));
  if (erase.on) draws.erase = EraseDraw{erase.strength, erase.shape, erase.x, erase.y};
  return draws;
}

RngStream augment_stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t sample) {
  return RngStream(seed, "augment").child(epoch).child(sample);
}

}  // namespace dfa
