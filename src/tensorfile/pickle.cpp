#include "tensorfile/pickle.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

namespace dfa {
namespace {

// Marks lie on the same stack as values.
constexpr ValueId kMark = 0xffffffffu;
constexpr ValueId kNoValue = 0xfffffffeu;
// Python writes LONG1 for anything up to 255 bytes; nothing in a checkpoint comes near.
constexpr std::uint32_t kMaxLongBytes = 1024;

// The opcodes we know, by the letters of Python's pickle module.
enum Op : unsigned char {
  op_mark = '(',
  op_stop = '.',
  op_pop = '0',
  op_pop_mark = '1',
  op_binfloat = 'G',
  op_binint = 'J',
  op_binint1 = 'K',
  op_binint2 = 'M',
  op_none = 'N',
  op_binpersid = 'Q',
  op_reduce = 'R',
  op_binstring = 'T',
  op_short_binstring = 'U',
  op_binunicode = 'X',
  op_append = 'a',
  op_build = 'b',
  op_global = 'c',
  op_appends = 'e',
  op_binget = 'h',
  op_long_binget = 'j',
  op_binput = 'q',
  op_long_binput = 'r',
  op_setitem = 's',
  op_tuple = 't',
  op_setitems = 'u',
  op_empty_dict = '}',
  op_empty_list = ']',
  op_empty_tuple = ')',
  op_binbytes = 'B',
  op_short_binbytes = 'C',
  op_proto = 0x80,
  op_newobj = 0x81,
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_newtrue = 0x88,
  op_newfalse = 0x89,
  op_long1 = 0x8a,
  op_long4 = 0x8b,
  op_short_binunicode = 0x8c,
  op_binunicode8 = 0x8d,
  op_binbytes8 = 0x8e,
  op_empty_set = 0x8f,
  op_additems = 0x90,
  op_frozenset = 0x91,
  op_newobj_ex = 0x92,
  op_stack_global = 0x93,
  op_memoize = 0x94,
  op_frame = 0x95,
};

class Machine {
 public:
  Machine(std::span<const std::byte> bytes, const PickleLimits& limits, std::string_view what)
      : bytes_(bytes), limits_(limits), what_(what) {}

  Result<PickleTree> run() {
    if (bytes_.size() < 2 || std::to_integer<unsigned>(bytes_[0]) != op_proto)
      return fail(ErrorCode::model_format, "{}: not a pickle of protocol 2 to 4 (it does not begin with byte 0x80)",
                  what_);
    while (true) {
      op_offset_ = position_;
      if (position_ >= bytes_.size()) return broken("ends before its STOP opcode; the file was cut short");
      op_ = std::to_integer<unsigned char>(bytes_[position_++]);
      if (op_ == op_stop) return stop();
      DFA_TRY(step());
      // A list that is never closed could otherwise grow the stack through GET opcodes, two bytes a time: bounded by
      // the file, but no honest pickle comes near.
      if (stack_.size() > limits_.max_values) return over_limit("stack entries", limits_.max_values);
    }
  }

 private:
  // Opcodes come in groups, a function each; a group answers nullopt to an opcode that is not its own.
  Status step() {
    if (auto done = constants()) return *std::move(done);
    if (auto done = strings()) return *std::move(done);
    if (auto done = containers()) return *std::move(done);
    if (auto done = memo_and_stack()) return *std::move(done);
    if (auto done = objects()) return *std::move(done);
    return broken("an opcode that no state dict needs");
  }

  std::optional<Status> constants() {
    switch (op_) {
      case op_proto: {
        auto version = number(1);
        if (!version) return forward(version);
        if (*version < 2 || *version > 4) return broken(fmt::format("protocol {}, this reader knows 2 to 4", *version));
        return Status{};
      }
      case op_frame: {
        auto length = number(8);
        if (!length) return forward(length);
        if (*length > bytes_.size() - position_) return broken("a frame that is longer than the file");
        return Status{};
      }
      case op_none:
        return push({});
      case op_newtrue:
      case op_newfalse:
        return push({.kind = PickleKind::boolean, .integer = op_ == op_newtrue ? 1 : 0});
      case op_binint1:
        return push_integer(1, false);
      case op_binint2:
        return push_integer(2, false);
      case op_binint:
        return push_integer(4, true);
      case op_long1:
        return push_long(1);
      case op_long4:
        return push_long(4);
      case op_binfloat:
        return push_real();
      default:
        return std::nullopt;
    }
  }

  std::optional<Status> strings() {
    switch (op_) {
      case op_short_binunicode:
      case op_short_binstring:
        return push_text(1, PickleKind::text);
      case op_binunicode:
      case op_binstring:
        return push_text(4, PickleKind::text);
      case op_binunicode8:
        return push_text(8, PickleKind::text);
      case op_short_binbytes:
        return push_text(1, PickleKind::bytes);
      case op_binbytes:
        return push_text(4, PickleKind::bytes);
      case op_binbytes8:
        return push_text(8, PickleKind::bytes);
      default:
        return std::nullopt;
    }
  }

  std::optional<Status> containers() {
    switch (op_) {
      case op_empty_tuple:
        return push({.kind = PickleKind::tuple});
      case op_empty_list:
        return push({.kind = PickleKind::list});
      case op_empty_dict:
        return push({.kind = PickleKind::dict});
      case op_empty_set:
        return push({.kind = PickleKind::set});
      case op_tuple1:
      case op_tuple2:
      case op_tuple3:
        return small_tuple(static_cast<std::size_t>(op_ - op_tuple1) + 1);
      case op_tuple:
        return close_container(PickleKind::tuple);
      case op_frozenset:
        return close_container(PickleKind::set);
      case op_append:
        return append_top(1);
      case op_setitem:
        return append_top(2);
      case op_appends:
      case op_additems:
        return append_to_mark(1);
      case op_setitems:
        return append_to_mark(2);
      default:
        return std::nullopt;
    }
  }

  std::optional<Status> memo_and_stack() {
    switch (op_) {
      case op_mark:
        if (++open_marks_ > limits_.max_depth) return over_limit("nested containers", limits_.max_depth);
        stack_.push_back(kMark);
        return Status{};
      case op_pop:
        if (stack_.empty()) return broken("pops from an empty stack");
        if (stack_.back() == kMark) --open_marks_;
        stack_.pop_back();
        return Status{};
      case op_pop_mark: {
        auto items = pop_to_mark();
        if (!items) return forward(items);
        return Status{};
      }
      case op_binput:
        return put_at(1);
      case op_long_binput:
        return put_at(4);
      case op_memoize:
        return put(memo_.size());
      case op_binget:
        return get_at(1);
      case op_long_binget:
        return get_at(4);
      default:
        return std::nullopt;
    }
  }

  std::optional<Status> objects() {
    switch (op_) {
      case op_global:
        return global_from_lines();
      case op_stack_global:
        return global_from_stack();
      case op_reduce:
      case op_newobj:
        return call(2);
      case op_newobj_ex:
        return call(3);
      case op_build:
        return build();
      case op_binpersid: {
        auto id = pop();
        if (!id) return forward(id);
        return push({.kind = PickleKind::persistent, .items = {*id}});
      }
      default:
        return std::nullopt;
    }
  }

  Result<PickleTree> stop() {
    DFA_ASSIGN_OR_RETURN(tree_.root, pop());
    if (!stack_.empty()) return broken("stops with values left on the stack");
    tree_.bytes_read = position_;
    return std::move(tree_);
  }

  // --- errors ---

  tl::unexpected<Error> broken(std::string_view problem) const {
    return fail(ErrorCode::model_format, "{}: opcode 0x{:02x} at byte {}: {}", what_, op_, op_offset_, problem);
  }
  tl::unexpected<Error> over_limit(std::string_view things, std::size_t limit) const {
    return fail(ErrorCode::limit_exceeded, "{}: opcode 0x{:02x} at byte {}: more than {} {}", what_, op_, op_offset_,
                limit, things);
  }
  template <class T>
  static Status forward(Result<T>& result) {
    return tl::unexpected<Error>(std::move(result).error());
  }

  // --- reading ---

  Result<std::span<const std::byte>> take(std::uint64_t count) {
    if (count > bytes_.size() - position_)
      return broken(fmt::format("wants {} bytes, {} are left; the file was cut short or is damaged", count,
                                bytes_.size() - position_));
    const auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }

  // Little-endian unsigned number of `width` bytes.
  Result<std::uint64_t> number(std::size_t width) {
    DFA_ASSIGN_OR_RETURN(const auto part, take(width));
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    return value;
  }

  static std::string_view as_text(std::span<const std::byte> part) {
    return {reinterpret_cast<const char*>(part.data()), part.size()};
  }

  // --- values ---

  Status push(PickleValue value) {
    if (tree_.values.size() >= limits_.max_values) return over_limit("values", limits_.max_values);
    DFA_TRY(count_items(value.items.size()));
    stack_.push_back(static_cast<ValueId>(tree_.values.size()));
    tree_.values.push_back(std::move(value));
    return {};
  }

  // A few bytes of pickle can ask for a copy of a long list (OrderedDict of a memoised one), so the copies are counted,
  // not the opcodes.
  Status count_items(std::size_t count) {
    item_count_ += count;
    const std::size_t limit = 8 * limits_.max_values;
    if (item_count_ > limit) return over_limit("container elements", limit);
    return {};
  }

  Status push_integer(std::size_t width, bool is_signed) {
    DFA_ASSIGN_OR_RETURN(const std::uint64_t raw, number(width));
    const auto value =
        is_signed ? static_cast<std::int64_t>(static_cast<std::int32_t>(raw)) : static_cast<std::int64_t>(raw);
    return push({.kind = PickleKind::integer, .integer = value});
  }

  Status push_long(std::size_t width) {
    DFA_ASSIGN_OR_RETURN(const std::uint64_t length, number(width));
    if (length > kMaxLongBytes) return over_limit("bytes of one integer", kMaxLongBytes);
    DFA_ASSIGN_OR_RETURN(const auto part, take(length));
    if (length > 8) return push({.kind = PickleKind::big_integer, .text = as_text(part)});
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < length; ++i) value |= std::to_integer<std::uint64_t>(part[i]) << (8 * i);
    const bool negative = length > 0 && (std::to_integer<unsigned>(part[length - 1]) & 0x80u) != 0;
    if (negative && length < 8) value |= ~std::uint64_t{0} << (8 * length);
    return push({.kind = PickleKind::integer, .integer = static_cast<std::int64_t>(value)});
  }

  Status push_real() {
    DFA_ASSIGN_OR_RETURN(const auto part, take(8));
    std::uint64_t raw = 0;  // the one big-endian field of the format
    for (const std::byte b : part) raw = raw << 8 | std::to_integer<std::uint64_t>(b);
    return push({.kind = PickleKind::real, .real = std::bit_cast<double>(raw)});
  }

  Status push_text(std::size_t width, PickleKind kind) {
    DFA_ASSIGN_OR_RETURN(const std::uint64_t length, number(width));
    DFA_ASSIGN_OR_RETURN(const auto part, take(length));
    return push({.kind = kind, .text = as_text(part)});
  }

  // --- stack ---

  Result<ValueId> pop() {
    if (stack_.empty() || stack_.back() == kMark) return broken("wants a value, the stack has none");
    const ValueId top = stack_.back();
    stack_.pop_back();
    return top;
  }

  Result<std::vector<ValueId>> pop_to_mark() {
    const auto mark = std::find(stack_.rbegin(), stack_.rend(), kMark);
    if (mark == stack_.rend()) return broken("wants a mark, the stack has none");
    std::vector<ValueId> items(mark.base(), stack_.end());
    stack_.erase(mark.base() - 1, stack_.end());
    --open_marks_;
    return items;
  }

  Status small_tuple(std::size_t count) {
    PickleValue tuple{.kind = PickleKind::tuple};
    tuple.items.resize(count);
    for (std::size_t i = count; i-- > 0;) {
      DFA_ASSIGN_OR_RETURN(tuple.items[i], pop());
    }
    return push(std::move(tuple));
  }

  Status close_container(PickleKind kind) {
    DFA_ASSIGN_OR_RETURN(auto items, pop_to_mark());
    return push({.kind = kind, .items = std::move(items)});
  }

  Status append_top(std::size_t count) {
    std::vector<ValueId> items(count);
    for (std::size_t i = count; i-- > 0;) {
      DFA_ASSIGN_OR_RETURN(items[i], pop());
    }
    return append(items, count);
  }

  Status append_to_mark(std::size_t multiple) {
    DFA_ASSIGN_OR_RETURN(const auto items, pop_to_mark());
    if (items.size() % multiple != 0) return broken("a key without a value");
    return append(items, multiple);
  }

  // Adds to the container on top of the stack. Calls are containers too: subclasses of list and dict are filled this
  // way.
  Status append(const std::vector<ValueId>& items, std::size_t multiple) {
    DFA_ASSIGN_OR_RETURN(const ValueId target, pop());
    stack_.push_back(target);
    PickleValue& value = tree_.values[target];
    const bool fits = value.kind == PickleKind::call ||
                      (multiple == 2 ? value.kind == PickleKind::dict
                                     : value.kind == PickleKind::list || value.kind == PickleKind::set);
    if (!fits) return broken("adds elements to a value that is no container for them");
    DFA_TRY(count_items(items.size()));
    value.items.insert(value.items.end(), items.begin(), items.end());
    return {};
  }

  // --- memo ---

  Status put_at(std::size_t width) {
    DFA_ASSIGN_OR_RETURN(const std::uint64_t index, number(width));
    return put(index);
  }

  Status put(std::uint64_t index) {
    if (index >= limits_.max_values) return over_limit("memo entries", limits_.max_values);
    DFA_ASSIGN_OR_RETURN(const ValueId top, pop());
    stack_.push_back(top);
    if (index >= memo_.size()) memo_.resize(index + 1, kNoValue);
    memo_[index] = top;
    return {};
  }

  Status get_at(std::size_t width) {
    DFA_ASSIGN_OR_RETURN(const std::uint64_t index, number(width));
    if (index >= memo_.size() || memo_[index] == kNoValue)
      return broken(fmt::format("memo entry {} was never stored", index));
    stack_.push_back(memo_[index]);
    return {};
  }

  // --- globals and calls: see Note [What a pickle may do here] ---

  Status global_from_lines() {
    std::string_view lines[2];
    for (std::string_view& line : lines) {
      const std::string_view rest = as_text(bytes_.subspan(position_));
      const std::size_t end = rest.find('\n');
      if (end == std::string_view::npos) return broken("a global whose name has no end");
      line = rest.substr(0, end);
      position_ += end + 1;
    }
    return push({.kind = PickleKind::global, .text = lines[0], .name = lines[1]});
  }

  Status global_from_stack() {
    DFA_ASSIGN_OR_RETURN(const ValueId name, pop());
    DFA_ASSIGN_OR_RETURN(const ValueId module, pop());
    const PickleValue& module_value = tree_.values[module];
    const PickleValue& name_value = tree_.values[name];
    if (module_value.kind != PickleKind::text || name_value.kind != PickleKind::text)
      return broken("a global whose name is no text");
    return push({.kind = PickleKind::global, .text = module_value.text, .name = name_value.text});
  }

  Status call(std::size_t parts) {
    PickleValue record{.kind = PickleKind::call};
    record.items.resize(parts);
    for (std::size_t i = parts; i-- > 0;) {
      DFA_ASSIGN_OR_RETURN(record.items[i], pop());
    }
    const PickleValue& callable = tree_.values[record.items[0]];
    if (callable.kind == PickleKind::global && callable.text == "collections" && callable.name == "OrderedDict")
      return ordered_dict(tree_.values[record.items[1]]);
    return push(std::move(record));
  }

  // OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]).
  Status ordered_dict(const PickleValue& arguments) {
    PickleValue dict{.kind = PickleKind::dict};
    if (arguments.kind != PickleKind::tuple || arguments.items.size() > 1)
      return broken("OrderedDict with arguments it does not take");
    if (!arguments.items.empty()) {
      for (const ValueId pair_id : tree_.values[arguments.items[0]].items) {
        const PickleValue& pair = tree_.values[pair_id];
        if ((pair.kind != PickleKind::list && pair.kind != PickleKind::tuple) || pair.items.size() != 2)
          return broken("OrderedDict of something that is no list of pairs");
        dict.items.insert(dict.items.end(), pair.items.begin(), pair.items.end());
      }
    }
    return push(std::move(dict));
  }

  Status build() {
    DFA_ASSIGN_OR_RETURN(const ValueId state, pop());
    DFA_ASSIGN_OR_RETURN(const ValueId target, pop());
    stack_.push_back(target);
    PickleValue& value = tree_.values[target];
    // On a dict it is the attribute record of a state dict (`_metadata`): of no use to us.
    if (value.kind == PickleKind::dict) return {};
    if (value.kind != PickleKind::call) return broken("gives a state to a value that is no object");
    value.items.push_back(state);
    return {};
  }

  std::span<const std::byte> bytes_;
  const PickleLimits& limits_;
  std::string_view what_;
  std::size_t position_ = 0;
  std::size_t op_offset_ = 0;
  unsigned char op_ = 0;
  std::size_t open_marks_ = 0;
  std::size_t item_count_ = 0;
  std::vector<ValueId> stack_;
  std::vector<ValueId> memo_;
  PickleTree tree_;
};

}  // namespace

const PickleValue* PickleTree::find(const PickleValue& dict, std::string_view key) const {
  const PickleValue* found = nullptr;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleValue& candidate = values[dict.items[i]];
    if (candidate.kind == PickleKind::text && candidate.text == key) found = &values[dict.items[i + 1]];
  }
  return found;
}

std::string global_name(const PickleValue& global) {
  // Names come from outside: keep them printable and short.
  std::string text = fmt::format("{}.{}", global.text.substr(0, 100), global.name.substr(0, 100));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return text;
}

Result<PickleTree> parse_pickle(std::span<const std::byte> bytes, const PickleLimits& limits, std::string_view what) {
  return Machine(bytes, limits, what).run();
}

}  // namespace dfa
