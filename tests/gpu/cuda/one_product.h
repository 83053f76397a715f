// SPDX-License-Identifier: Apache-2.0
// One product on a backend, of weights and activations that are always the same: for tests that
// compare ways of making it.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "gpu/backend.h"

namespace mneme {

class OneProduct {
 public:
  static constexpr std::int64_t kRows = 32;  // of the weights
  static constexpr std::int64_t kCols = 512;

  // The weights lie `offset` bytes into a buffer that ends behind them.
  OneProduct(Backend& backend, DType dtype, std::int64_t tokens_max, NumericMode mode,
             std::size_t offset = 0)
      : backend_(backend), x_(static_cast<std::size_t>(tokens_max * kCols)) {
    std::mt19937 random(3);
    std::vector<std::byte> stored(kRows * row_bytes(dtype, kCols));
    for (std::byte& byte : stored) byte = static_cast<std::byte>(random() % 64);  // no NaN
    std::normal_distribution<float> normal;
    for (float& value : x_) value = normal(random);
    weight_ = take(offset + stored.size(), MemoryKind::device);
    in_ = take(x_.size() * sizeof(float), MemoryKind::host_visible);
    out_ = take(static_cast<std::size_t>(tokens_max * kRows) * sizeof(float),
                MemoryKind::host_visible);
    EXPECT_TRUE(backend_.upload(weight_, offset, stored));
    GraphBuilder builder;
    Op op{OpKind::matmul};
    op.in = {builder.input("x", DType::f32, kCols, in_),
             builder.constant("weight", dtype, kRows, kCols, weight_, offset)};
    op.out = builder.output("y", kRows, out_);
    builder.begin_segment({});
    builder.op(op);
    auto plan = backend_.compile(std::move(builder).finish(), {mode, tokens_max, 1});
    EXPECT_TRUE(plan) << plan.error().message;
    plan_ = std::move(*plan);
  }

  // [tokens, kRows], of the first activations.
  std::vector<float> run(std::int64_t tokens) {
    EXPECT_TRUE(backend_.upload(in_, 0, std::as_bytes(std::span(x_))));
    StepLists step;
    step.add(std::vector<TokenId>(static_cast<std::size_t>(tokens)), 0, 0, 0);
    backend_.run(*plan_, plan_->segments()[0], step.params());
    EXPECT_TRUE(backend_.finish());
    std::vector<float> y(static_cast<std::size_t>(tokens * kRows));
    EXPECT_TRUE(backend_.download(out_, 0, std::as_writable_bytes(std::span(y))));
    return y;
  }

 private:
  Buffer take(std::size_t bytes, MemoryKind kind) {
    auto buffer = backend_.alloc(bytes, kind);
    EXPECT_TRUE(buffer) << buffer.error().message;
    return std::move(*buffer);
  }

  Backend& backend_;
  std::vector<float> x_;
  Buffer weight_;
  Buffer in_;
  Buffer out_;
  std::unique_ptr<Plan> plan_;
};

}  // namespace mneme
