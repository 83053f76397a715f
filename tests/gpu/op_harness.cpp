// SPDX-License-Identifier: Apache-2.0
#include "tests/gpu/op_harness.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "inference/base/half.h"

namespace mneme {
namespace {

constexpr std::byte kGuardByte{0xa5};

void put_half(std::vector<std::byte>& bytes, float value) {
  const std::uint16_t bits = float_to_half(value);
  const auto* p = reinterpret_cast<const std::byte*>(&bits);
  bytes.insert(bytes.end(), p, p + 2);
}

}  // namespace

std::vector<std::byte> OpHarness::random_rows(DType dtype, std::int64_t rows, std::int64_t cols,
                                              float size) {
  std::vector<std::byte> bytes;
  std::normal_distribution<float> normal(0.0f, size);
  std::uniform_int_distribution<int> any_byte(0, 255);
  const std::int64_t blocks = rows * cols / dtype_info(dtype).block_values;
  for (std::int64_t b = 0; b < blocks; ++b) {
    switch (dtype) {
      case DType::f32: {
        const float value = normal(random_);
        const auto* p = reinterpret_cast<const std::byte*>(&value);
        bytes.insert(bytes.end(), p, p + 4);
        break;
      }
      case DType::f16:
        put_half(bytes, normal(random_));
        break;
      case DType::bf16: {
        const std::uint16_t bits = float_to_bfloat(normal(random_));
        const auto* p = reinterpret_cast<const std::byte*>(&bits);
        bytes.insert(bytes.end(), p, p + 2);
        break;
      }
      case DType::q8_0:
        put_half(bytes, size * normal(random_) / 64);
        break;
      case DType::q4_0:
        put_half(bytes, size * normal(random_) / 4);
        break;
      case DType::q4_1:
        put_half(bytes, size * normal(random_) / 4);
        put_half(bytes, size * normal(random_));
        break;
      case DType::i8:
        bytes.push_back(static_cast<std::byte>(any_byte(random_)));
        break;
    }
    const std::int64_t quants = dtype == DType::q8_0                           ? 32
                                : dtype == DType::q4_0 || dtype == DType::q4_1 ? 16
                                                                               : 0;
    for (std::int64_t i = 0; i < quants; ++i) {
      bytes.push_back(static_cast<std::byte>(any_byte(random_)));
    }
  }
  return bytes;
}

TensorId OpHarness::add(Tensor tensor, std::int64_t rows, std::vector<std::byte> bytes) {
  const std::size_t size = static_cast<std::size_t>(rows) * row_bytes(tensor.dtype, tensor.cols);
  auto buffer = backend_.alloc(size + 2 * kGuard, MemoryKind::host_visible);
  EXPECT_TRUE(buffer.has_value());
  std::fill(buffer->host().begin(), buffer->host().end(), kGuardByte);
  EXPECT_TRUE(bytes.empty() || bytes.size() == size);
  std::copy(bytes.begin(), bytes.end(), buffer->host().begin() + kGuard);
  buffers_.push_back(std::move(*buffer));
  tensor.buffer = &buffers_.back();
  tensor.offset = kGuard;
  tensor.name = fmt::format("t{}", graph_.tensors.size());
  rows_.push_back(rows);
  graph_.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(graph_.tensors.size() - 1);
}

TensorId OpHarness::constant(DType dtype, std::int64_t rows, std::int64_t cols) {
  return add({"", dtype, rows, cols, TensorRole::constant}, rows,
             random_rows(dtype, rows, cols, 0.5f));
}

TensorId OpHarness::state(DType dtype, std::int64_t cols) {
  return add({"", dtype, context(), cols, TensorRole::state}, context(),
             random_rows(dtype, context(), cols, 1.0f));
}

TensorId OpHarness::input(std::int64_t cols, float size) {
  return add({"", DType::f32, 0, cols, TensorRole::input}, tokens_,
             random_rows(DType::f32, tokens_, cols, size));
}

TensorId OpHarness::input_i8(std::int64_t cols) {
  return add({"", DType::i8, 0, cols, TensorRole::input}, tokens_,
             random_rows(DType::i8, tokens_, cols, 1.0f));
}

TensorId OpHarness::output(std::int64_t cols) {
  return add({"", DType::f32, 0, cols, TensorRole::output}, tokens_, {});
}

void OpHarness::run(const Op& op, NumericMode mode) {
  graph_.ops = {op};
  graph_.segments = {Segment{0, 1, {}}};
  std::vector<std::vector<std::byte>> before;
  for (const Buffer& buffer : buffers_)
    before.emplace_back(buffer.host().begin(), buffer.host().end());

  auto plan = backend_.compile(graph_, {mode, tokens_, std::max<std::int64_t>(outputs_, 1)});
  ASSERT_TRUE(plan.has_value()) << plan.error().message;
  backend_.run(**plan, (*plan)->segments()[0], {ids_, position_, outputs_, nullptr});
  ASSERT_TRUE(backend_.finish().has_value());

  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const auto id = static_cast<TensorId>(i);
    const auto host = buffers_[i].host();
    const bool writes_states = op.kind == OpKind::kv_append || op.kind == OpKind::short_conv;
    const bool written = id == op.out || id == op.out2 ||
                         (writes_states && graph_.tensors[i].role == TensorRole::state);
    if (!written) {
      EXPECT_TRUE(std::equal(host.begin(), host.end(), before[i].begin())) << "input " << i;
      continue;
    }
    const auto guarded = [](std::span<const std::byte> bytes) {
      return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == kGuardByte; });
    };
    std::size_t end = host.size() - kGuard;
    if (op.outputs_only) {
      end = kGuard + static_cast<std::size_t>(outputs_ * graph_.tensors[i].cols) * sizeof(float);
    }
    EXPECT_TRUE(guarded(host.first(kGuard))) << "before tensor " << i;
    EXPECT_TRUE(guarded(host.subspan(end))) << "behind tensor " << i;
  }
}

std::vector<double> OpHarness::values(TensorId id) const {
  const Tensor& x = graph_.tensors[id];
  std::vector<double> values;
  std::vector<float> row(static_cast<std::size_t>(x.cols));
  for (std::int64_t r = 0; r < rows_[id]; ++r) {
    dequantize_row(x.dtype, bytes(id) + static_cast<std::size_t>(r) * row_bytes(x.dtype, x.cols),
                   x.cols, row.data());
    values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

}  // namespace mneme
