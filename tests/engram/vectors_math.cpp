// SPDX-License-Identifier: Apache-2.0
// Sections about number formats and the two forward passes.
#include <algorithm>
#include <cmath>

#include "engram/engram_math.h"
#include "engram/row_codec.h"
#include "vectors_file.h"

namespace mneme {
namespace {

TEST(vectors_e4m3, DecodesEveryCode) {
  SECTION_OR_SKIP(section, "e4m3");
  ASSERT_EQ(section.size(), 256u);
  for (int code = 0; code < 256; ++code) {
    const double got = e4m3_to_double(static_cast<std::uint8_t>(code));
    if (section[code].is_null()) {
      EXPECT_TRUE(std::isnan(got)) << code;
    } else {
      EXPECT_EQ(got, section[code].get<double>()) << code;
      EXPECT_EQ(std::signbit(got), code >= 128) << code;
    }
  }
}

TEST(vectors_e8m0_samples, DecodeExactly) {
  SECTION_OR_SKIP(section, "e8m0_samples");
  ASSERT_FALSE(section.empty());
  for (const auto& [code, value] : section.items()) {
    EXPECT_EQ(e8m0_to_double(static_cast<std::uint8_t>(std::stoi(code))), value.get<double>());
  }
}

// Rows of a forward section, checked against its own list: [T*C].
std::vector<RowId> checked_rows(const Json& section, ContextRule context) {
  const auto ids = section.at("compressed_ids").get<std::vector<TokenId>>();
  const ClassId largest = *std::max_element(ids.begin(), ids.end());
  const ClassId pad = section.at("pad");
  HashSpec spec = identity_spec(std::max(largest, pad) + 1, pad, context);
  spec.max_ngram_size = static_cast<std::int32_t>(section.at("multipliers").size());
  spec.head_count = static_cast<std::int32_t>(section.at("primes").at(0).size());
  spec.layers = {layer_from(section.at("multipliers"), section.at("primes"))};
  const auto hasher = NgramHasher::create(std::move(spec));
  if (!hasher) throw std::runtime_error(hasher.error().message);
  const std::vector<RowId> rows = rows_over(*hasher, 0, ids);
  EXPECT_EQ(rows, integers(section.at("rows")));
  return rows;
}

std::vector<float> gather(const std::vector<float>& table, std::size_t width,
                          const std::vector<RowId>& rows) {
  std::vector<float> memory;
  for (const RowId row : rows) {
    const auto begin = table.begin() + static_cast<std::ptrdiff_t>(row * width);
    memory.insert(memory.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  return memory;
}

TEST(vectors_forward_demo, UpdateIsRightInOnePieceAndInEverySplit) {
  SECTION_OR_SKIP(section, "forward_demo");
  const std::vector<RowId> rows = checked_rows(section, ContextRule::plain);
  const Json& hidden_json = section.at("hidden");
  const std::size_t tokens = hidden_json.size();
  const std::size_t columns = rows.size() / tokens;
  const std::size_t row_width = section.at("table").at(0).size();
  const EngramShape shape{hidden_json[0].size(), hidden_json[0][0].size(), columns * row_width};

  const Json& w = section.at("weights");
  const auto key_w = floats(w.at("key_w")), key_b = floats(w.at("key_b"));
  const auto value_w = floats(w.at("value_w")), value_b = floats(w.at("value_b"));
  const auto key_norm = floats(w.at("key_norm")), query_norm = floats(w.at("query_norm"));
  const auto conv_norm = floats(w.at("conv_norm")), conv = floats(w.at("conv"));
  PaperWeights weights{key_w,
                       key_b,
                       value_w,
                       value_b,
                       key_norm,
                       query_norm,
                       conv_norm,
                       conv,
                       section.at("conv_kernel"),
                       section.at("conv_dilation")};

  const std::vector<float> hidden = floats(hidden_json);
  const std::vector<float> memory = gather(floats(section.at("table")), row_width, rows);
  PaperEngram module(shape, weights);
  const EngramOutput whole = module.run(hidden, memory);
  expect_close(whole.streams, section.at("output"));
  EXPECT_EQ(whole.gates.size(), tokens * shape.streams);

  const std::size_t channels = shape.streams * shape.width;
  for (std::size_t cut = 0; cut <= tokens; ++cut) {
    module.reset();
    EngramOutput parts = module.run(std::span(hidden).first(cut * channels),
                                    std::span(memory).first(cut * shape.memory_width));
    const EngramOutput rest = module.run(std::span(hidden).subspan(cut * channels),
                                         std::span(memory).subspan(cut * shape.memory_width));
    parts.streams.insert(parts.streams.end(), rest.streams.begin(), rest.streams.end());
    parts.gates.insert(parts.gates.end(), rest.gates.begin(), rest.gates.end());
    EXPECT_EQ(parts.streams, whole.streams) << "cut at " << cut;
    EXPECT_EQ(parts.gates, whole.gates) << "cut at " << cut;
  }
}

TEST(vectors_forward_v41, StreamsAreRightAndImagesAreLeftAlone) {
  SECTION_OR_SKIP(section, "forward_v41");
  const std::vector<RowId> rows = checked_rows(section, ContextRule::sticky);
  const Json& hidden_json = section.at("hidden");
  const std::size_t tokens = hidden_json.size();
  const std::size_t columns = rows.size() / tokens;
  const Json& codes_json = section.at("row_codes_e4m3");
  const std::size_t row_width = codes_json.at(0).size();
  const EngramShape shape{hidden_json[0].size(), hidden_json[0][0].size(), columns * row_width};
  ASSERT_EQ(section.at("scale_block").get<std::size_t>(), kScaleBlock);

  // Rows go through the row format: codes, then scales.
  std::vector<float> table;
  for (std::size_t r = 0; r < codes_json.size(); ++r) {
    std::vector<std::byte> row;
    for (const std::uint64_t c : integers(codes_json[r])) row.push_back(static_cast<std::byte>(c));
    for (const std::uint64_t s : integers(section.at("row_scales_e8m0")[r])) {
      row.push_back(static_cast<std::byte>(s));
    }
    std::vector<double> values(row_width);
    decode_row(row, values);
    std::vector<double> rounded = values;
    round_to_bfloat(rounded);
    EXPECT_EQ(rounded, values);  // e4m3 times a power of two fits bfloat16
    table.insert(table.end(), values.begin(), values.end());
  }
  const std::vector<float> memory = gather(table, row_width, rows);
  const std::vector<float> hidden = floats(hidden_json);
  std::vector<std::uint8_t> keep;
  for (const Json& id : section.at("compressed_ids")) keep.push_back(id.get<ClassId>() >= 0);

  const auto wkv = floats(section.at("wkv"));
  const auto q = floats(section.at("q_weight")), k = floats(section.at("k_weight"));
  const V41Weights weights{wkv, q, k, section.at("eps"), false};
  const EngramOutput out = v41_engram(shape, weights, hidden, memory, keep);
  expect_close(out.streams, section.at("output"));
  for (std::size_t t = 0; t < tokens; ++t) {
    if (keep[t] != 0) continue;
    EXPECT_EQ(out.gates[t * shape.streams], 0) << t;
  }

  const std::vector<float> zeros(shape.streams * shape.width, 0.0f);
  const EngramOutput zero =
      v41_engram(shape, weights, zeros, std::span<const float>(memory).first(shape.memory_width));
  expect_close(zero.streams, section.at("output_for_zero_hidden_at_position_0"));
}

}  // namespace
}  // namespace mneme
