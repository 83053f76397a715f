// SPDX-License-Identifier: Apache-2.0
// Trace records with known contents, each telling its index by its token; and what two traces must
// have in common.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "inference/trace/trace_log.h"

namespace mneme {

constexpr TraceShape kTestShape{2, 1, 2};

inline std::vector<std::byte> test_record(TokenId token, TraceShape shape = kTestShape) {
  TraceRecordWriter writer;
  writer.begin(shape);
  writer.header().token = token;
  writer.header().position = static_cast<std::uint32_t>(token);
  for (int layer = 0; layer < shape.layers; ++layer) {
    const std::vector<float> gates(shape.streams, 0.25f + static_cast<float>(token % 16) / 64);
    const std::vector<float> writes(shape.streams, static_cast<float>(layer + 1));
    writer.set_layer(layer, gates, writes);
    for (int order = 0; order < shape.orders; ++order) {
      writer.set_tier(layer, order, static_cast<Tier>((token + layer + order) % 4),
                      10u * order + 1);
    }
  }
  const auto bytes = writer.finish();
  return {bytes.begin(), bytes.end()};
}

// Records [first, end) one after another.
inline std::vector<std::byte> test_records(TokenId first, TokenId end) {
  std::vector<std::byte> bytes;
  for (TokenId token = first; token < end; ++token) {
    const auto one = test_record(token);
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

// That every record's step says when its parts ran: waits and segments one behind the other within
// the step, those of part `p` on the lane of `p`. `copies`: also that rows went to a device.
inline void expect_step_times(const TraceLog& trace, int parts, bool copies) {
  ASSERT_GT(trace.size(), 0u);
  for (EventIndex i = 0; i < trace.size(); ++i) {
    const auto times = trace.steps().step_of(i);
    ASSERT_TRUE(times) << i;
    EXPECT_LE(times->asked_us, 0) << i;
    const int layers = trace.record(i).shape().layers;
    int waits = 0;
    int copied = 0;
    int segments = 0;
    std::vector<bool> ran(static_cast<std::size_t>(parts));
    float last_end = 0;
    for (const StepSpan& span : times->spans) {
      EXPECT_LE(span.begin_us, span.end_us) << i;
      EXPECT_LE(span.end_us, times->total_us + 1) << i;
      ASSERT_LT(span.part, parts) << i;
      waits += span.kind == StepSpan::Kind::wait ? 1 : 0;
      copied += span.kind == StepSpan::Kind::copy && span.slot >= 0 ? 1 : 0;
      if (span.kind != StepSpan::Kind::compute) continue;
      ++segments;
      EXPECT_GE(span.begin_us + 1, last_end) << i;  // floats of large sums
      last_end = span.end_us;
      ran[span.part] = true;
    }
    EXPECT_EQ(waits, layers) << i;
    EXPECT_EQ(copied > 0, copies && layers > 0) << i;
    EXPECT_GE(segments, layers) << i;
    EXPECT_TRUE(std::all_of(ran.begin(), ran.end(), [](bool one) { return one; })) << i;
  }
}

// What the memory did, to the tolerance of float32 sums in another order.
inline void expect_same_memory(const TraceLog& a, const TraceLog& b) {
  ASSERT_EQ(a.size(), b.size());
  ASSERT_GT(a.size(), 0u);
  for (EventIndex i = 0; i < a.size(); ++i) {
    const TraceShape shape = a.record(i).shape();
    ASSERT_EQ(b.record(i).shape(), shape);
    ASSERT_GT(shape.layers, 0);
    for (int layer = 0; layer < shape.layers; ++layer) {
      for (int stream = 0; stream < shape.streams; ++stream) {
        EXPECT_NEAR(a.record(i).gate(layer, stream), b.record(i).gate(layer, stream), 1e-4);
        EXPECT_NEAR(a.record(i).write(layer, stream), b.record(i).write(layer, stream), 1e-4);
      }
    }
  }
}

}  // namespace mneme
