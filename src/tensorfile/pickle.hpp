// A restricted reader of pickles: it builds values and never calls anything.
//
// Note [What a pickle may do here]
// A pickle is a program for a small stack machine that may name any Python callable and have it called. Ours keeps the
// stack and throws the calls away: a global is a pair of names, REDUCE and NEWOBJ make a record of (callable,
// arguments), BUILD adds the state to that record. Nothing is looked up, imported or evaluated; what the records mean
// (a tensor, or something to be ignored) is decided by torch_file.cpp from a list of known names. The only calls with a
// meaning here are OrderedDict() and OrderedDict(pairs), which make a dict. Values lie in one arena and refer to each
// other by index, so that a list that holds itself costs nothing and nothing recurses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace dfa {

enum class PickleKind : std::uint8_t {
  none,
  boolean,      // integer is 0 or 1
  integer,      // fits into 64 bits
  big_integer,  // text: its little-endian two's complement bytes
  real,
  text,
  bytes,
  tuple,       // items
  list,        // items
  set,         // items
  dict,        // items: key, value, key, value ...
  global,      // module and name, never looked up
  call,        // items: callable, arguments, then what later opcodes added (state, list elements, keys and values)
  persistent,  // items: the persistent id
};

using ValueId = std::uint32_t;

struct PickleValue {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string_view text = {};  // text, bytes, big_integer; the module of a global. Points into the pickle's bytes.
  std::string_view name = {};  // of a global
  std::vector<ValueId> items = {};
};

struct PickleLimits {
  // Each value takes about 80 bytes here. A ViT-L checkpoint with its optimiser has about 60,000.
  std::size_t max_values = 1'000'000;
  // Open marks, i.e. nested containers under construction.
  std::size_t max_depth = 256;
};

// One pickle, read. Valid as long as the bytes it was read from.
struct PickleTree {
  std::vector<PickleValue> values;
  ValueId root = 0;
  std::size_t bytes_read = 0;  // up to and with STOP: where the next pickle of a legacy file begins

  const PickleValue& at(ValueId id) const { return values[id]; }
  const PickleValue& root_value() const { return values[root]; }
  // Value of a text key, or nullptr. Requires a dict. Of equal keys the last one counts, as in Python.
  const PickleValue* find(const PickleValue& dict, std::string_view key) const;
};

// "module.name" of a global.
std::string global_name(const PickleValue& global);

// Reads one pickle of protocol 2 to 4 from the start of `bytes`. `what` names it in messages ("data.pkl").
// Errors: model_format with opcode and offset (unknown opcode, truncated, stack misuse), limit_exceeded.
Result<PickleTree> parse_pickle(std::span<const std::byte> bytes, const PickleLimits& limits, std::string_view what);

}  // namespace dfa
