// Protocol buffers taken apart without their schema: for tests of files that this program only writes.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace dfa::test {

struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a varint
  std::string_view bytes;   // of a length-delimited field; the four or eight bytes of a fixed one
};

class Message {
 public:
  // Bytes that are no message end the list early and fail the test.
  explicit Message(std::string_view bytes) {
    while (!bytes.empty()) {
      const std::uint64_t tag = varint(bytes);
      Field field{.number = tag >> 3, .value = 0, .bytes = {}};
      if ((tag & 7) == 0) {
        field.value = varint(bytes);
      } else {
        const std::uint64_t size = (tag & 7) == 2 ? varint(bytes) : (tag & 7) == 5 ? 4 : 8;
        if (size > bytes.size()) {
          ADD_FAILURE() << "field " << field.number << " ends beyond its message";
          return;
        }
        field.bytes = bytes.substr(0, size);
        bytes.remove_prefix(size);
      }
      fields_.push_back(field);
    }
  }

  std::vector<Message> messages(std::uint64_t number) const {
    std::vector<Message> found;
    for (const Field& field : fields_)
      if (field.number == number) found.emplace_back(field.bytes);
    return found;
  }
  std::vector<std::string> texts(std::uint64_t number) const {
    std::vector<std::string> found;
    for (const Field& field : fields_)
      if (field.number == number) found.emplace_back(field.bytes);
    return found;
  }
  std::vector<std::int64_t> integers(std::uint64_t number) const {
    std::vector<std::int64_t> found;
    for (const Field& field : fields_)
      if (field.number == number) found.push_back(static_cast<std::int64_t>(field.value));
    return found;
  }
  // Of a field that has to be there once.
  std::string text(std::uint64_t number) const { return only(texts(number), number); }
  std::int64_t integer(std::uint64_t number) const { return only(integers(number), number); }

 private:
  template <class Value>
  static Value only(const std::vector<Value>& values, std::uint64_t number) {
    EXPECT_EQ(values.size(), 1U) << "field " << number;
    return values.empty() ? Value() : values.front();
  }

  static std::uint64_t varint(std::string_view& bytes) {
    std::uint64_t value = 0;
    for (int shift = 0; !bytes.empty() && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    ADD_FAILURE() << "a varint does not end";
    return value;
  }

  std::vector<Field> fields_;
};

}  // namespace dfa::test
