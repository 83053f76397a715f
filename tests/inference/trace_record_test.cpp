// SPDX-License-Identifier: Apache-2.0
#include "inference/trace/trace_record.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mneme {
namespace {

std::vector<std::byte> record_of(const TraceShape& shape) {
  TraceRecordWriter writer;
  writer.begin(shape);
  TraceHeader& header = writer.header();
  header.source = TokenSource::user;
  header.sampled = 1;
  header.top_count = kTraceTopTokens;
  header.position = 4000000000u;
  header.token = 49151;
  header.log_prob = -0.5f;
  for (int i = 0; i < kTraceTopTokens; ++i) {
    header.top_tokens[static_cast<std::size_t>(i)] = 100 + i;
    header.top_log_probs[static_cast<std::size_t>(i)] = static_cast<std::uint16_t>(0xb800 + i);
  }
  header.wait_us = 1;
  header.compute_us = 2;
  header.sample_us = 3;
  for (int layer = 0; layer < shape.layers; ++layer) {
    std::vector<float> gates, writes;
    for (int stream = 0; stream < shape.streams; ++stream) {
      gates.push_back(static_cast<float>(layer * 10 + stream + 1) / 512);
      writes.push_back(static_cast<float>(layer * 10 + stream + 1));
    }
    writer.set_layer(layer, gates, writes);
    for (int order = 0; order < shape.orders; ++order) {
      writer.set_tier(layer, order, static_cast<Tier>((layer + order) % 4),
                      static_cast<std::uint32_t>(layer * 1000 + order));
    }
  }
  const auto bytes = writer.finish();
  return {bytes.begin(), bytes.end()};
}

constexpr TraceShape kShapes[] = {{0, 0, 0}, {2, 1, 2}, {1, 1, 1},
                                  {3, 4, 2}, {2, 4, 3}, {30, 2, 7}};

TEST(TraceRecord, GivesBackWhatWasWrittenInEveryShape) {
  for (const TraceShape& shape : kShapes) {
    const auto bytes = record_of(shape);
    ASSERT_EQ(bytes.size(), shape.record_bytes());
    ASSERT_TRUE(is_valid_trace_record(bytes));
    const TraceRecord record(bytes.data());
    EXPECT_EQ(record.shape(), shape);
    EXPECT_EQ(record.bytes().size(), bytes.size());
    EXPECT_EQ(record.token(), 49151);
    EXPECT_EQ(record.header().source, TokenSource::user);
    EXPECT_EQ(record.header().sampled, 1);
    EXPECT_EQ(record.header().position, 4000000000u);
    EXPECT_EQ(record.header().log_prob, -0.5f);
    EXPECT_EQ(record.header().top_tokens[7], 107);
    EXPECT_EQ(record.header().top_log_probs[7], 0xb807);
    EXPECT_EQ(record.header().wait_us, 1u);
    EXPECT_EQ(record.header().compute_us, 2u);
    EXPECT_EQ(record.header().sample_us, 3u);
    for (int layer = 0; layer < shape.layers; ++layer) {
      for (int stream = 0; stream < shape.streams; ++stream) {
        EXPECT_EQ(record.gate(layer, stream), static_cast<float>(layer * 10 + stream + 1) / 512);
        EXPECT_EQ(record.write(layer, stream), static_cast<float>(layer * 10 + stream + 1));
      }
      EXPECT_EQ(record.write_max(layer), static_cast<float>(layer * 10 + shape.streams));
      for (int order = 0; order < shape.orders; ++order) {
        EXPECT_EQ(record.tier(layer, order), static_cast<Tier>((layer + order) % 4));
        EXPECT_EQ(record.latency_us(layer, order),
                  static_cast<std::uint32_t>(layer * 1000 + order));
      }
    }
    const float most =
        shape.layers == 0 ? 0 : static_cast<float>((shape.layers - 1) * 10 + shape.streams);
    EXPECT_EQ(record.gate_max(), most / 512);
    EXPECT_EQ(record.write_max(), most);
    EXPECT_EQ(record.slowest_tier(),
              static_cast<Tier>(
                  shape.layers == 0 ? 0 : std::min(3, shape.layers - 1 + shape.orders - 1)));
  }
}

TEST(TraceRecord, HasTheDocumentedSizeForTheDefaultPack) {
  EXPECT_EQ((TraceShape{2, 1, 2}.record_bytes()), 112u);
}

TEST(TraceRecord, LatencyStopsAtItsLargestValue) {
  TraceRecordWriter writer;
  writer.begin({1, 1, 1});
  writer.set_tier(0, 0, Tier::ssd_late, 1000000);
  EXPECT_EQ(TraceRecord(writer.finish().data()).latency_us(0, 0), 65535u);
}

TEST(TraceRecord, DamagedBytesAreNotARecord) {
  const auto whole = record_of({2, 1, 2});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(is_valid_trace_record(std::span(whole).first(size))) << size;
  }
  const auto with = [&](std::size_t at, int value) {
    auto bytes = whole;
    bytes[at] = static_cast<std::byte>(value);
    return bytes;
  };
  EXPECT_FALSE(is_valid_trace_record(with(0, 113)));  // record_bytes
  EXPECT_FALSE(is_valid_trace_record(with(2, 3)));    // layers
  EXPECT_FALSE(is_valid_trace_record(with(3, 9)));    // streams
  EXPECT_FALSE(is_valid_trace_record(with(4, 9)));    // orders
  EXPECT_FALSE(is_valid_trace_record(with(5, 5)));    // source
  EXPECT_FALSE(is_valid_trace_record(with(7, 9)));    // top_count
  const std::size_t first_tier = sizeof(TraceHeader) + 8 + 4;
  EXPECT_FALSE(is_valid_trace_record(with(first_tier, 4)));
  EXPECT_TRUE(is_valid_trace_record(with(first_tier, 3)));
}

}  // namespace
}  // namespace mneme
