// Which crops belong to which tests of a protocol, told by what a manifest or a file of scores says of them.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "eval/protocol.hpp"

namespace dfa {

// What is known of a crop. Files of scores know less than manifests.
struct ItemFacts {
  std::string_view path;   // relative to the manifest's root
  std::string_view video;  // that it was cut from; empty: a still, or not said
  std::string_view set;
  std::string_view method;
  std::optional<int> label;  // 1 = fake
  std::optional<Role> role;  // nothing: not said
};

// Lower case without '_', '-', '.' and blanks: how names of sets and methods are compared.
std::string plain_name(std::string_view name);

// Sorts crops into the tests of a protocol. Level of compression and real-class rule of a crop are read from the
// folders of its path (".../c23/...", "source_videos/"); where they say nothing it is taken, counted and noted. Equal
// paths of one set count once: two manifests may hold the same crops.
class ProtocolItems {
 public:
  explicit ProtocolItems(const Protocol& protocol);

  // Numbers (places in Protocol::tests) of the tests that this crop belongs to.
  std::vector<std::size_t> take(const ItemFacts& item);
  // Why the test cannot be run, in words, once every crop has been taken; empty when it can.
  std::string gap(std::size_t test) const;
  // What a reader has to know of the crops that were taken.
  std::vector<std::string> notes(std::size_t test) const;

 private:
  // How far crops of a class came through the conditions of a test.
  struct Stock {
    std::size_t of_set = 0;  // crops of the set and class
    std::size_t taken = 0;
    std::set<std::string> other_roles, other_methods, other_levels, other_classes;  // of those that were not taken
    std::size_t no_level = 0, no_class = 0;  // taken, although the path does not say
    std::size_t no_role = 0;                 // taken, although no role was given
    std::size_t doubles = 0;                 // not taken again
    std::set<std::string> videos;            // only while their expected number is known
  };
  struct Selector {
    const DataSelector* selector = nullptr;
    const ProtocolData* data = nullptr;
    std::set<std::string, std::less<>> sets, methods;  // plain names
    Stock stock;
    std::unordered_set<std::string> paths;
  };

  bool passes(Selector& selector, const ItemFacts& item) const;
  std::string gap_of(const Selector& selector, std::string_view class_name) const;
  void add_notes(const Selector& selector, std::string_view class_name, std::vector<std::string>& notes) const;

  std::vector<std::array<Selector, 2>> tests_;  // by label
  bool any_ = false;
};

}  // namespace dfa
