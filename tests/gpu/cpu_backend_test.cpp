// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <vector>

#include "gpu/registry.h"

namespace mneme {
namespace {

std::unique_ptr<Backend> open(int threads = 2, std::string set = "") {
  auto backend = open_backend({threads, std::move(set)});
  EXPECT_TRUE(backend.has_value());
  return std::move(*backend);
}

Buffer alloc(Backend& backend, std::size_t bytes) {
  auto buffer = backend.alloc(bytes, MemoryKind::host_visible);
  EXPECT_TRUE(buffer.has_value());
  return std::move(*buffer);
}

void fill(Buffer& buffer, float value) {
  auto* p = reinterpret_cast<float*>(buffer.host().data());
  for (std::size_t i = 0; i < buffer.size() / 4; ++i) p[i] = value;
}

Op make(OpKind kind, std::vector<TensorId> in, TensorId out) {
  Op op{kind};
  op.in = std::move(in);
  op.out = out;
  return op;
}

TEST(CpuBackend, MemoryIsZeroedAndAligned) {
  const auto backend = open();
  for (const std::size_t bytes : {1u, 63u, 4096u, 5u << 20}) {
    const Buffer buffer = alloc(*backend, bytes);
    ASSERT_EQ(buffer.host().size(), bytes);
    EXPECT_EQ(buffer.handle() % 64, 0u);
    for (const std::byte b : buffer.host()) ASSERT_EQ(b, std::byte{0});
  }
}

TEST(CpuBackend, TooMuchMemoryIsAnError) {
  const auto backend = open();
  const auto buffer = backend->alloc(std::size_t{1} << 50, MemoryKind::device);
  ASSERT_FALSE(buffer.has_value());
  EXPECT_EQ(buffer.error().code, ErrorCode::out_of_memory);
  EXPECT_FALSE(backend->alloc(~std::size_t{0}, MemoryKind::device).has_value());
}

TEST(CpuBackend, SaysWhatItIs) {
  const auto backend = open(2, "scalar");
  EXPECT_EQ(backend->name(), "cpu");
  EXPECT_NE(backend->description().find("scalar, 2 threads"), std::string::npos);
  EXPECT_GT(backend->memory().total_bytes, backend->memory().free_bytes);
  EXPECT_GT(backend->memory().free_bytes, 0u);
}

TEST(CpuBackend, RefusesWhatItCannotBe) {
  const auto set = open_backend({1, "neon"});
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error().code, ErrorCode::unsupported);
  EXPECT_NE(set.error().message.find("neon"), std::string::npos);
  const auto threads = open_backend({-1, ""});
  ASSERT_FALSE(threads.has_value());
  EXPECT_EQ(threads.error().code, ErrorCode::invalid);
}

TEST(CpuBackend, RefusesAnOpByName) {
  const auto backend = open();
  const Buffer bytes = alloc(*backend, 1 << 12);
  GraphBuilder builder;
  const TensorId x = builder.input("x", DType::f32, 32, bytes);
  const TensorId weight = builder.constant("w", DType::i8, 4, 32, bytes);
  const TensorId y = builder.activation("logits", 4);
  builder.begin_segment({});
  builder.op(make(OpKind::matmul, {x, weight}, y));
  const Graph graph = std::move(builder).finish();
  EXPECT_FALSE(backend->supports(graph, graph.ops[0]));
  const auto plan = backend->compile(graph, {});
  ASSERT_FALSE(plan.has_value());
  EXPECT_EQ(plan.error().code, ErrorCode::unsupported);
  EXPECT_NE(plan.error().message.find("matmul to logits: w is I8"), std::string::npos)
      << plan.error().message;
}

// h = x + x; h = h + x in place; of output rows: y = h + h, z = y + x.
struct Chain {
  explicit Chain(Backend& backend) : in(alloc(backend, 6 * 8 * 4)), out(alloc(backend, 3 * 8 * 4)) {
    GraphBuilder builder;
    const TensorId x = builder.input("x", DType::f32, 8, in);
    const TensorId h = builder.activation("h", 8);
    const TensorId h_rows = builder.activation("h_rows", 8);
    const TensorId x_rows = builder.activation("x_rows", 8);
    const TensorId y = builder.activation("y", 8);
    const TensorId z = builder.output("z", 8, out);
    builder.begin_segment({});
    builder.op(make(OpKind::add, {x, x}, h));
    builder.op(make(OpKind::add, {h, x}, h));
    builder.begin_segment(0);
    builder.op(make(OpKind::output_rows, {h}, h_rows));
    builder.op(make(OpKind::output_rows, {x}, x_rows));
    builder.op(make(OpKind::add, {h_rows, h_rows}, y));
    builder.op(make(OpKind::add, {y, x_rows}, z));
    graph = std::move(builder).finish();
  }
  void step(Backend& backend, Plan& plan, std::int64_t tokens, std::int64_t outputs) {
    const std::vector<TokenId> ids(static_cast<std::size_t>(tokens), 0);
    StepLists step;
    if (tokens > 0) step.add(ids, 0, 0, outputs);
    for (const Segment& segment : plan.segments()) backend.run(plan, segment, step.params());
    ASSERT_TRUE(backend.finish().has_value());
  }
  Buffer in;
  Buffer out;
  Graph graph;
};

TEST(CpuBackend, OutputRowsAreThoseOfOutputTokens) {
  const auto backend = open();
  Chain chain(*backend);
  auto* x = reinterpret_cast<float*>(chain.in.host().data());
  for (int i = 0; i < 6 * 8; ++i) x[i] = static_cast<float>(i);
  const auto plan = backend->compile(chain.graph, {NumericMode::fast, 6, 2});
  ASSERT_TRUE(plan.has_value());
  const auto* z = reinterpret_cast<const float*>(chain.out.host().data());
  for (const std::int64_t tokens : {6, 3}) {
    for (const std::int64_t outputs : {2, 1, 0}) {
      fill(chain.out, -1);
      chain.step(*backend, **plan, tokens, outputs);
      for (std::int64_t i = 0; i < 3 * 8; ++i) {
        const float want =
            i < outputs * 8 ? 7 * static_cast<float>((tokens - outputs) * 8 + i) : -1;
        EXPECT_EQ(z[i], want) << tokens << " " << outputs << " " << i;
      }
    }
  }
}

TEST(CpuBackend, TimesEveryOpWhileAsked) {
  const auto backend = open();
  Chain chain(*backend);
  const auto plan = backend->compile(chain.graph, {NumericMode::fast, 6, 2});
  ASSERT_TRUE(plan.has_value());
  chain.step(*backend, **plan, 6, 2);
  EXPECT_TRUE(backend->times(**plan).empty());
  backend->set_timing(**plan, true);
  chain.step(*backend, **plan, 6, 2);
  chain.step(*backend, **plan, 6, 2);
  backend->set_timing(**plan, false);
  const std::vector<OpTime> times = backend->times(**plan);
  ASSERT_EQ(times.size(), 6u);
  for (std::size_t i = 0; i < times.size(); ++i) {
    EXPECT_EQ(times[i].op, i);
    EXPECT_GT(times[i].microseconds, 0);
    EXPECT_LT(times[i].microseconds, 1e6);
  }
}

TEST(CpuBackend, AStopIsFeltWithinAStep) {
  const auto backend = open(2, "scalar");
  constexpr std::int64_t kWidth = 1024;
  constexpr std::int64_t kTokens = 256;
  const Buffer weights = alloc(*backend, kWidth * kWidth * 4);
  const Buffer rows = alloc(*backend, kTokens * kWidth * 4);
  GraphBuilder builder;
  TensorId x = builder.input("x", DType::f32, kWidth, rows);
  const TensorId weight = builder.constant("w", DType::f32, kWidth, kWidth, weights);
  builder.begin_segment({});
  for (int i = 0; i < 400; ++i) {  // many seconds of work
    const TensorId y = builder.activation("y", kWidth);
    builder.op(make(OpKind::matmul, {x, weight}, y));
    x = y;
  }
  const Graph graph = std::move(builder).finish();
  const auto plan = backend->compile(graph, {NumericMode::exact, kTokens, 1});
  ASSERT_TRUE(plan.has_value());
  EXPECT_LT((*plan)->memory_bytes(), 8u << 20);  // two rows of activations, not 400

  std::atomic<bool> cancel{false};
  // Processor time: how long the machine lets this test wait says nothing.
  std::clock_t stopped_at = 0;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    stopped_at = std::clock();
    cancel.store(true);
  });
  const std::vector<TokenId> ids(kTokens, 0);
  StepLists step;
  step.add(ids, 0, 0, 0);
  StepParams params = step.params();
  params.cancel = &cancel;
  backend->run(**plan, (*plan)->segments()[0], params);
  const std::clock_t returned_at = std::clock();
  stopper.join();
  EXPECT_LT(returned_at - stopped_at, CLOCKS_PER_SEC / 2);
  const Status status = backend->finish();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, ErrorCode::cancelled);
  EXPECT_TRUE(backend->finish().has_value());  // told once
}

}  // namespace
}  // namespace mneme
