#include "tensorfile/pickle.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace dfa {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

// Pickles are written here as text, opcode by opcode: "\x80\x02" is protocol 2, "." ends.
Result<PickleTree> parse(const std::string& text, PickleLimits limits = {}) {
  // Values point into the bytes: keep them for the length of a test.
  static std::vector<std::string> kept;
  kept.push_back(text);
  return parse_pickle(std::as_bytes(std::span(kept.back())), limits, "p");
}

PickleTree read(const std::string& body) {
  auto tree = parse("\x80\x02" + body + ".");
  EXPECT_TRUE(tree) << tree.error().message;
  return tree ? std::move(*tree) : PickleTree{.values = {PickleValue{}}};
}

std::string refusal(const std::string& body) {
  const auto tree = parse("\x80\x02" + body);
  if (tree) return "(was read)";
  EXPECT_EQ(tree.error().code, ErrorCode::model_format);
  return tree.error().message;
}

TEST(Pickle, Constants) {
  EXPECT_EQ(read("N").root_value().kind, PickleKind::none);
  EXPECT_EQ(read("\x88").root_value().integer, 1);
  EXPECT_EQ(read("\x89").root_value().kind, PickleKind::boolean);
  EXPECT_EQ(read("K\xff"s).root_value().integer, 255);
  EXPECT_EQ(read("M\x01\x02"s).root_value().integer, 0x201);
  EXPECT_EQ(read("J\xfe\xff\xff\xff"s).root_value().integer, -2);
  EXPECT_EQ(read("\x8a\x00"s).root_value().integer, 0);
  EXPECT_EQ(read("\x8a\x01\xff"s).root_value().integer, -1);
  EXPECT_EQ(read("\x8a\x02\xff\x00"s).root_value().integer, 255);
  EXPECT_EQ(read("\x8b\x03\x00\x00\x00\x00\x00\x01"s).root_value().integer, 65536);
  EXPECT_EQ(read("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"s).root_value().kind, PickleKind::big_integer);
  EXPECT_EQ(read("G\x3f\xe0\x00\x00\x00\x00\x00\x00"s).root_value().real, 0.5);
}

TEST(Pickle, Texts) {
  EXPECT_EQ(read("X\x02\x00\x00\x00hi"s).root_value().text, "hi");
  EXPECT_EQ(read("\x8c\x02hi").root_value().text, "hi");
  EXPECT_EQ(read("\x8d\x02\x00\x00\x00\x00\x00\x00\x00hi"s).root_value().text, "hi");
  EXPECT_EQ(read("U\x02hi").root_value().text, "hi");
  EXPECT_EQ(read("T\x02\x00\x00\x00hi"s).root_value().kind, PickleKind::text);
  EXPECT_EQ(read("C\x02hi").root_value().kind, PickleKind::bytes);
  EXPECT_EQ(read("B\x02\x00\x00\x00hi"s).root_value().text, "hi");
  EXPECT_EQ(read("\x8e\x02\x00\x00\x00\x00\x00\x00\x00hi"s).root_value().text, "hi");
}

TEST(Pickle, Containers) {
  EXPECT_EQ(read(")").root_value().kind, PickleKind::tuple);
  EXPECT_EQ(read("K\1K\2\x86").root_value().items.size(), 2u);
  EXPECT_EQ(read("K\1K\2K\3\x87").root_value().items.size(), 3u);
  EXPECT_EQ(read("(K\1K\2K\3K\4t").root_value().items.size(), 4u);
  const PickleTree list = read("](K\1K\2eK\3a");
  ASSERT_EQ(list.root_value().items.size(), 3u);
  EXPECT_EQ(list.at(list.root_value().items[2]).integer, 3);
  const PickleTree dict = read("}(U\1aK\1U\1bK\2uU\1aK\3s");
  EXPECT_EQ(dict.find(dict.root_value(), "b")->integer, 2);
  EXPECT_EQ(dict.find(dict.root_value(), "a")->integer, 3);  // the later of two equal keys, as in Python
  EXPECT_EQ(dict.find(dict.root_value(), "c"), nullptr);
  EXPECT_EQ(read("\x8f(K\1K\2\x90").root_value().kind, PickleKind::set);
  EXPECT_EQ(read("(K\1\x91").root_value().kind, PickleKind::set);
}

TEST(Pickle, MemoSharesOneValue) {
  const PickleTree tree = read("]q\0h\0K\1a\x86"s);
  ASSERT_EQ(tree.root_value().items.size(), 2u);
  EXPECT_EQ(tree.root_value().items[0], tree.root_value().items[1]);
  EXPECT_EQ(tree.at(tree.root_value().items[0]).items.size(), 1u);
  EXPECT_EQ(read("K\7r\x00\x01\x00\x00\x30j\x00\x01\x00\x00"s).root_value().integer, 7);
  EXPECT_EQ(read("K\7\x94\x30h\0"s).root_value().integer, 7);
}

TEST(Pickle, AListMayHoldItself) {
  const PickleTree tree = read("]q\0h\0a"s);
  EXPECT_EQ(tree.root_value().items, (std::vector<ValueId>{tree.root}));
}

TEST(Pickle, CallsAreRecordedNotMade) {
  const PickleTree tree = read(
      "cos\nsystem\n(U\6rm -rft"
      "R");
  EXPECT_EQ(tree.root_value().kind, PickleKind::call);
  EXPECT_EQ(global_name(tree.at(tree.root_value().items[0])), "os.system");
  EXPECT_EQ(read("U\2osU\6system\x93").root_value().kind, PickleKind::global);
  EXPECT_EQ(read("ca\nb\n)\x81").root_value().kind, PickleKind::call);
  EXPECT_EQ(read("ca\nb\n)}\x92").root_value().items.size(), 3u);
  EXPECT_EQ(read("ca\nb\n)R}b").root_value().items.size(), 3u);        // with its state
  EXPECT_EQ(read("ca\nb\n)R(K\1K\2e").root_value().items.size(), 4u);  // a subclass of list
}

TEST(Pickle, OrderedDictIsADict) {
  const PickleTree tree = read("ccollections\nOrderedDict\n)RU\1aK\1s}b");
  EXPECT_EQ(tree.root_value().kind, PickleKind::dict);
  EXPECT_EQ(tree.find(tree.root_value(), "a")->integer, 1);
  const PickleTree pairs = read("ccollections\nOrderedDict\n]](U\1aK\1ea\x85R");
  EXPECT_EQ(pairs.find(pairs.root_value(), "a")->integer, 1);
  EXPECT_THAT(refusal("ccollections\nOrderedDict\n]K\1a\x85R."), HasSubstr("no list of pairs"));
  EXPECT_THAT(refusal("ccollections\nOrderedDict\nK\1K\2\x86R."), HasSubstr("arguments it does not take"));
}

TEST(Pickle, PersistentIds) {
  const PickleTree tree = read("U\1kQ");
  EXPECT_EQ(tree.root_value().kind, PickleKind::persistent);
  EXPECT_EQ(tree.at(tree.root_value().items[0]).text, "k");
}

TEST(Pickle, NamesInMessagesArePrintable) {
  const PickleTree tree = read("c\x1b[31m\nb\n");
  EXPECT_EQ(global_name(tree.root_value()), "?[31m.b");
}

TEST(Pickle, UnknownOpcodesAreNamedWithTheirPlace) {
  EXPECT_EQ(refusal("NI1\n."), "p: opcode 0x49 at byte 3: an opcode that no state dict needs");
  for (const char* op : {"i", "o", "S", "V",    "F",    "I",    "L",    "l",    "d",    "p",
                         "g", "P", "2", "\x82", "\x83", "\x84", "\x96", "\x97", "\x98", "\xff"})
    EXPECT_THAT(refusal("N"s + op + "."), HasSubstr("at byte 3: an opcode")) << op;
}

TEST(Pickle, OtherProtocolsAreRefused) {
  EXPECT_THAT(parse("\x80\x05N.").error().message, HasSubstr("protocol 5, this reader knows 2 to 4"));
  EXPECT_THAT(parse("\x80\x01N.").error().message, HasSubstr("protocol 1"));
  EXPECT_THAT(parse("(dp0\n.").error().message, HasSubstr("not a pickle of protocol 2 to 4"));
  EXPECT_THAT(parse("").error().message, HasSubstr("not a pickle"));
}

TEST(Pickle, StackMisuseIsRefused) {
  EXPECT_THAT(refusal("."), HasSubstr("wants a value, the stack has none"));
  EXPECT_THAT(refusal("NN."), HasSubstr("values left on the stack"));
  EXPECT_THAT(refusal("0."), HasSubstr("pops from an empty stack"));
  EXPECT_THAT(refusal("t."), HasSubstr("wants a mark"));
  EXPECT_THAT(refusal("1."), HasSubstr("wants a mark"));
  EXPECT_THAT(refusal("N\x86."), HasSubstr("wants a value"));
  EXPECT_THAT(refusal("(R."), HasSubstr("wants a value"));
  EXPECT_THAT(refusal("](K\1u."), HasSubstr("a key without a value"));
  EXPECT_THAT(refusal("](K\1K\2u."), HasSubstr("no container for them"));
  EXPECT_THAT(refusal("}K\1a."), HasSubstr("no container for them"));
  EXPECT_THAT(refusal(")K\1a."), HasSubstr("no container for them"));
  EXPECT_THAT(refusal("NK\1b."), HasSubstr("gives a state to a value that is no object"));
  EXPECT_THAT(refusal("h\1."), HasSubstr("memo entry 1 was never stored"));
  EXPECT_THAT(refusal("Nq\3h\2."), HasSubstr("memo entry 2 was never stored"));
  EXPECT_THAT(refusal("K\1K\2\x93."), HasSubstr("a global whose name is no text"));
  EXPECT_THAT(refusal("cos\nsystem"), HasSubstr("a global whose name has no end"));
}

TEST(Pickle, LengthsAreComparedWithTheFile) {
  EXPECT_THAT(refusal("X\xff\xff\xff\xff."), HasSubstr("wants 4294967295 bytes, 1 are left"));
  EXPECT_THAT(refusal("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."), HasSubstr("wants 18446744073709551615 bytes"));
  EXPECT_THAT(refusal("\x95\xff\xff\xff\xff\xff\xff\xff\x7f."), HasSubstr("a frame that is longer than the file"));
  EXPECT_THAT(refusal("\x8a\x05\x01"), HasSubstr("wants 5 bytes, 1 are left"));
}

TEST(Pickle, EveryTruncationIsRefused) {
  const std::string whole =
      "\x80\x04\x95\x2a\0\0\0\0\0\0\0}\x94(\x8c\1a\x94K\1\x8c\1bX\2\0\0\0hi\x8c\1cG\x3f\xe0\0\0\0\0\0\0\x8c\1d\x8c\2os\x8c\1x\x93)Ru."s;
  ASSERT_TRUE(parse(whole)) << parse(whole).error().message;
  for (std::size_t length = 0; length < whole.size(); ++length) EXPECT_FALSE(parse(whole.substr(0, length))) << length;
}

TEST(Pickle, LimitsHold) {
  const auto limited = [](const std::string& body, PickleLimits limits) {
    const auto tree = parse("\x80\x02" + body + ".", limits);
    return tree ? "(was read)"s : std::string(error_code_name(tree.error().code)) + ": " + tree.error().message;
  };
  EXPECT_THAT(limited(std::string(11, 'N'), {.max_values = 10}),
              HasSubstr("limit_exceeded: p: opcode 0x4e at byte 12: more than 10 values"));
  EXPECT_THAT(limited(std::string(300, '('), {}), HasSubstr("more than 256 nested containers"));
  EXPECT_THAT(limited("Nr\xff\xff\xff\x7f", {}), HasSubstr("more than 1000000 memo entries"));
  EXPECT_THAT(limited("\x8b\xff\xff\xff\x7f", {}), HasSubstr("more than 1024 bytes of one integer"));
  std::string gets = "Nq\0"s;
  for (int i = 0; i < 20; ++i) gets += "h\0"s;
  EXPECT_THAT(limited(gets, {.max_values = 10}), HasSubstr("more than 10 stack entries"));
}

TEST(Pickle, CopiesOfALongListAreCounted) {
  // OrderedDict(list) copies the list: 100 pairs, copied by 6 bytes of pickle each time.
  std::string body = "](";
  for (int i = 0; i < 100; ++i) body += "K\1K\2\x86";
  body += "e\x85q\0"s;
  for (int i = 0; i < 50; ++i) body += "ccollections\nOrderedDict\nh\0R0"s;
  const auto tree = parse("\x80\x02" + body + ".", {.max_values = 1000});
  ASSERT_FALSE(tree);
  EXPECT_THAT(tree.error().message, HasSubstr("more than 8000 container elements"));
}

}  // namespace
}  // namespace dfa
