#include "model/item_rule.hpp"

namespace dfa {
namespace {

struct NamedRule {
  ItemRule rule;
  std::string_view name;
  std::string_view words;
};
constexpr NamedRule kRules[] = {
    {ItemRule::persons, "persons", "mean over a person's crops, then the largest over persons"},
    {ItemRule::largest_face, "largest-face", "mean over the frames, of each its largest face"}};

const NamedRule& known(ItemRule rule) {
  for (const NamedRule& named : kRules)
    if (named.rule == rule) return named;
  return kRules[0];
}

}  // namespace

std::string_view item_rule_name(ItemRule rule) {
  return known(rule).name;
}

std::string_view item_rule_words(ItemRule rule) {
  return known(rule).words;
}

Result<ItemRule> parse_item_rule(std::string_view name) {
  for (const NamedRule& named : kRules)
    if (named.name == name) return named.rule;
  return fail(ErrorCode::model_incompatible, "dfa.item_rule is \"{}\", this build reads \"{}\" and \"{}\"",
              name.substr(0, 40), kRules[0].name, kRules[1].name);
}

}  // namespace dfa
