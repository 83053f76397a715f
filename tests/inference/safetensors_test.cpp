// SPDX-License-Identifier: Apache-2.0
#include "inference/files/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/file_text.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_paths.h"

namespace mneme {
namespace {

std::vector<std::byte> head_of(std::string_view json) {
  const std::uint64_t size = json.size();
  std::vector<std::byte> out(sizeof size + json.size());
  std::memcpy(out.data(), &size, sizeof size);
  std::memcpy(out.data() + sizeof size, json.data(), json.size());
  return out;
}

Result<SafetensorsFile> parse(std::string_view json, std::uint64_t data_bytes = 100) {
  const auto head = head_of(json);
  return SafetensorsFile::parse(head, head.size() + data_bytes, "a.safetensors");
}

TEST(Safetensors, ReadsAFileOfTheSafetensorsPackage) {
  const auto file = SafetensorsFile::open(test_data("table_v41.safetensors"));
  ASSERT_TRUE(file) << file.error().message;
  ASSERT_EQ(file->tensors().size(), 3u);
  const SafetensorsTensor* scale = file->find("layers.1.engram.embed.scale");
  ASSERT_NE(scale, nullptr);
  EXPECT_EQ(scale->dtype, "F8_E8M0");
  EXPECT_EQ(scale->shape, (std::vector<std::uint64_t>{48, 2}));
  EXPECT_EQ(scale->bytes, 96u);
  EXPECT_EQ(file->find("layers.1.engram.embed"), nullptr);
}

TEST(Safetensors, TakesWhatTheFormatAllows) {
  EXPECT_TRUE(parse("{}"));
  EXPECT_TRUE(parse(R"({"__metadata__":{"format":"pt"}}   )"));
  EXPECT_TRUE(parse(R"({"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})"));
  EXPECT_TRUE(parse(R"({"a":{"dtype":"F32","shape":[0,7],"data_offsets":[4,4]}})"));
  EXPECT_TRUE(parse(R"({"a":{"dtype":"NEW","shape":[3],"data_offsets":[0,5]}})"));
}

TEST(Safetensors, RefusesWhatBreaksTheFormat) {
  const char* const kBroken[] = {
      "",
      "[]",
      "{",
      "{}}",
      R"({"a":7})",
      R"({"a":{}})",
      R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})",
      R"({"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,5]}})",
      R"({"a":{"dtype":"F32","shape":[30],"data_offsets":[0,120]}})",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551615,18446744073709551615]}})",
      R"({"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}})",
      R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,0]}})",
      R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
      R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[7,15]}})",
  };
  for (const char* json : kBroken) {
    const auto file = parse(json);
    ASSERT_FALSE(file) << json;
    EXPECT_EQ(file.error().code, ErrorCode::corrupt);
    EXPECT_NE(file.error().message.find("a.safetensors"), std::string::npos);
  }
  auto head = head_of("{}");
  head[0] = std::byte{3};  // one byte more than there is
  EXPECT_FALSE(SafetensorsFile::parse(head, head.size(), "cut"));
  head[7] = std::byte{0xff};
  EXPECT_FALSE(SafetensorsFile::parse(head, head.size(), "huge"));
  EXPECT_FALSE(SafetensorsFile::parse(std::span(head).first(5), 5, "short"));
}

TEST(Safetensors, DeepNestingCostsNoStack) {
  EXPECT_FALSE(parse(std::string(3'000'000, '[')));
  EXPECT_FALSE(parse("{\"a\":" + std::string(1'000'000, '[') + std::string(1'000'000, ']') + "}"));
}

TEST(Safetensors, NoDamageIsMoreThanAnError) {
  const std::string whole = file_text(test_data("table_v41.safetensors"));
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = whole;
    for (std::uint64_t n = 1 + random() % 4; n > 0; --n) {
      bytes[random() % 260] = static_cast<char>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    const auto file =
        SafetensorsFile::parse(std::as_bytes(std::span(bytes)), bytes.size(), "damaged");
    if (!file) continue;
    for (const SafetensorsTensor& tensor : file->tensors()) {
      ASSERT_LE(tensor.file_offset + tensor.bytes, bytes.size());
    }
  }
}

TEST(Safetensors, AnIndexNamesFilesBesideIt) {
  const auto index = parse_safetensors_index(
      R"({"metadata":{},"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}})",
      "/models/x/model.safetensors.index.json");
  ASSERT_TRUE(index);
  ASSERT_EQ(index->size(), 2u);
  EXPECT_EQ((*index)[0].tensor, "a");
  EXPECT_EQ((*index)[0].path, "/models/x/model-1.safetensors");
  for (const char* json :
       {R"({"weight_map":{"a":"../secret"}})", R"({"weight_map":{"a":"/etc/passwd"}})",
        R"({"weight_map":{"a":"x/y"}})", R"({"weight_map":{"a":""}})", R"({"weight_map":{"a":7}})",
        R"({"weight_map":7})", "{}", "[]", "", R"({"weight_map":{"a":"x\u0000y"}})"}) {
    EXPECT_FALSE(parse_safetensors_index(json, "i.json")) << json;
  }
}

}  // namespace
}  // namespace mneme
