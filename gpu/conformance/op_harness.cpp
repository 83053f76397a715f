// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/op_harness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "base/half.h"

namespace mneme {
namespace {

constexpr std::byte kGuardByte{0xa5};

void put_half(std::vector<std::byte>& bytes, float value) {
  const std::uint16_t bits = float_to_half(value);
  const auto* p = reinterpret_cast<const std::byte*>(&bits);
  bytes.insert(bytes.end(), p, p + 2);
}

void keep(Status& first, Status status) {
  if (first.has_value()) first = std::move(status);
}

}  // namespace

OpHarness::OpHarness(Backend& backend, std::span<const SequenceRun> runs, std::int64_t outputs,
                     bool all_on_device)
    : backend_(backend), all_on_device_(all_on_device) {
  lists_.runs.assign(runs.begin(), runs.end());
  for (const SequenceRun& run : runs) {
    context_ = std::max(context_, run.position + run.tokens);
    sequences_ = std::max(sequences_, run.sequence + 1);
    for (std::int64_t t = 0; t < run.tokens; ++t) {
      lists_.tokens.push_back(static_cast<TokenId>(lists_.tokens.size() * 7 % 32));
    }
  }
  const std::int64_t apart = tokens() >= 2 * outputs ? 2 : 1;
  for (std::int64_t i = outputs; i > 0; --i) {
    lists_.outputs.push_back(static_cast<std::int32_t>(tokens() - 1 - (i - 1) * apart));
  }
}

OpHarness::TokenPlace OpHarness::run_of(std::int64_t token) const {
  for (const SequenceRun& run : lists_.runs) {
    if (token < run.tokens) return {run.position + token, run.sequence * context_};
    token -= run.tokens;
  }
  CHECK(false && "a token of the step");
  return {};
}

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
      case DType::q4_k:
      case DType::q5_k:
        put_half(bytes, size * normal(random_) / 128);
        put_half(bytes, size * normal(random_) / 32);
        break;
      case DType::i8:
      case DType::q6_k:
        break;
      case DType::i32:
        CHECK(false && "an index is never random");
        break;
      default: {  // blocks of 32
        const DTypeInfo& type = dtype_info(dtype);
        put_half(bytes, size * normal(random_) / static_cast<float>(1 << (type.bits - 2)));
        if (type.has_minimum) put_half(bytes, size * normal(random_));
      }
    }
    // The block's other bytes may have any value: quantised values and their packed scales.
    const std::int64_t half = dtype == DType::q6_k ? 2 : 0;
    const std::int64_t end = (b + 1) * dtype_info(dtype).block_bytes - half;
    while (static_cast<std::int64_t>(bytes.size()) < end) {
      bytes.push_back(static_cast<std::byte>(any_byte(random_)));
    }
    if (dtype == DType::q6_k) put_half(bytes, size * normal(random_) / 1024);
  }
  return bytes;
}

TensorId OpHarness::add(Tensor tensor, std::int64_t rows, std::vector<std::byte> bytes) {
  const std::size_t size = static_cast<std::size_t>(rows) * row_bytes(tensor.dtype, tensor.cols);
  CHECK(bytes.empty() || bytes.size() == size);
  // Weights and states lie where a model's do, so that their times mean something.
  const bool host =
      !all_on_device_ && (tensor.role == TensorRole::input || tensor.role == TensorRole::output);
  auto buffer =
      backend_.alloc(size + 2 * kGuard, host ? MemoryKind::host_visible : MemoryKind::device);
  if (buffer) {
    std::vector<std::byte> guarded(size + 2 * kGuard, kGuardByte);
    std::copy(bytes.begin(), bytes.end(), guarded.begin() + kGuard);
    buffers_.push_back(std::move(*buffer));
    keep(memory_, backend_.upload(buffers_.back(), 0, guarded));
    made_.push_back(std::move(guarded));
  } else {
    buffers_.emplace_back();
    made_.emplace_back();
    keep(memory_, buffer.error());
  }
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
  const std::int64_t rows = context() * sequences();
  return add({"", dtype, context(), cols, TensorRole::state}, rows,
             random_rows(dtype, rows, cols, 1.0f));
}

TensorId OpHarness::input(std::int64_t cols, float size) {
  return add({"", DType::f32, 0, cols, TensorRole::input}, tokens(),
             random_rows(DType::f32, tokens(), cols, size));
}

TensorId OpHarness::input_i8(std::int64_t cols) {
  return add({"", DType::i8, 0, cols, TensorRole::input}, tokens(),
             random_rows(DType::i8, tokens(), cols, 1.0f));
}

template <class T>
TensorId OpHarness::add_repeated(DType dtype, std::int64_t cols, const std::vector<T>& values) {
  std::vector<T> all(static_cast<std::size_t>(tokens() * cols));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = values[i % values.size()];
  const auto bytes = std::as_bytes(std::span(all));
  return add({"", dtype, 0, cols, TensorRole::input}, tokens(), {bytes.begin(), bytes.end()});
}

TensorId OpHarness::input_of(std::int64_t cols, const std::vector<float>& row) {
  return add_repeated(DType::f32, cols, row);
}

TensorId OpHarness::input_ids(std::int64_t cols, const std::vector<std::int32_t>& ids) {
  return add_repeated(DType::i32, cols, ids);
}

TensorId OpHarness::experts(DType dtype, std::int64_t depth, std::int64_t rows, std::int64_t cols) {
  Tensor tensor{"", dtype, rows, cols, TensorRole::constant};
  tensor.depth = depth;
  return add(std::move(tensor), depth * rows, random_rows(dtype, depth * rows, cols, 0.5f));
}

std::vector<std::byte> OpHarness::table_rows(std::int64_t rows, std::int64_t columns,
                                             std::int64_t dims) {
  const std::int64_t stored = dims + dims / 32;
  std::vector<std::byte> bytes = random_rows(DType::i8, rows, columns * stored, 1.0f);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const bool scale = static_cast<std::int64_t>(i) % stored >= dims;
    // Scales from 2^-8 to 2^-1; values whose code is not NaN's.
    bytes[i] = scale ? (bytes[i] & std::byte{7}) | std::byte{0x78} : bytes[i] & std::byte{0xf7};
  }
  return bytes;
}

TensorId OpHarness::input_rows(std::int64_t columns, std::int64_t dims) {
  return add({"", DType::i8, 0, columns * (dims + dims / 32), TensorRole::input}, tokens(),
             table_rows(tokens(), columns, dims));
}

TensorId OpHarness::input_ngrams(std::int64_t count, std::int64_t columns, std::int64_t dims) {
  ngrams_ = count;
  const std::int64_t room = std::max<std::int64_t>(count, 1);
  return add({"", DType::i8, room, columns * (dims + dims / 32), TensorRole::input}, room,
             table_rows(room, columns, dims));
}

TensorId OpHarness::input_index(const std::vector<RowLocation>& locations) {
  const auto bytes = std::as_bytes(std::span(locations));
  const auto orders = static_cast<std::int64_t>(locations.size()) / tokens();
  return add({"", DType::i32, 0, 2 * orders, TensorRole::input}, tokens(),
             {bytes.begin(), bytes.end()});
}

TensorId OpHarness::cached_rows(std::int64_t entries, std::int64_t columns, std::int64_t dims) {
  const std::int64_t used = columns * (dims + dims / 32);
  const std::int64_t size = cached_entry_bytes(used);
  const std::vector<std::byte> ngrams = table_rows(entries, columns, dims);
  std::vector<std::byte> bytes;
  for (std::int64_t entry = 0; entry < entries; ++entry) {
    const auto first = ngrams.begin() + entry * used;
    bytes.insert(bytes.end(), first, first + used);
    bytes.resize(static_cast<std::size_t>((entry + 1) * size));
  }
  return add({"", DType::i8, entries, size, TensorRole::state}, entries, std::move(bytes));
}

TensorId OpHarness::output(std::int64_t cols) {
  return add({"", DType::f32, 0, cols, TensorRole::output}, tokens(), {});
}

TensorId OpHarness::output_ids(std::int64_t cols) {
  return add({"", DType::i32, 0, cols, TensorRole::output}, tokens(), {});
}

TensorId OpHarness::activation(std::int64_t cols) {
  return activation(Tensor{"", DType::f32, 0, cols, TensorRole::activation});
}

TensorId OpHarness::activation_ids(std::int64_t cols) {
  return activation(Tensor{"", DType::i32, 0, cols, TensorRole::activation});
}

TensorId OpHarness::activation(Tensor tensor) {
  tensor.name = fmt::format("t{}", graph_.tensors.size());
  graph_.tensors.push_back(std::move(tensor));
  buffers_.emplace_back();
  made_.emplace_back();
  rows_.push_back(0);
  return static_cast<TensorId>(graph_.tensors.size() - 1);
}

bool OpHarness::can_break(TensorId id) const {
  const Tensor& x = graph_.tensors[id];
  return x.dtype != DType::i8 && x.dtype != DType::i32 && x.role != TensorRole::output &&
         x.role != TensorRole::activation;
}

void OpHarness::break_value(TensorId id, float value) {
  CHECK(can_break(id));
  const Tensor& x = graph_.tensors[id];
  const DTypeInfo& info = dtype_info(x.dtype);
  // Somewhere in the row, so that kernels meet it in any lane; row 0, which every table look-up of
  // a test reads.
  const std::int64_t block = x.cols / info.block_values / 3;
  std::size_t at = static_cast<std::size_t>(block * info.block_bytes);
  if (x.dtype == DType::q6_k) at += static_cast<std::size_t>(info.block_bytes) - 2;
  std::vector<std::byte> bytes;
  if (x.dtype == DType::f32) {
    const auto* p = reinterpret_cast<const std::byte*>(&value);
    bytes.assign(p, p + 4);
  } else if (x.dtype == DType::bf16) {
    const std::uint16_t bits = float_to_bfloat(value);
    const auto* p = reinterpret_cast<const std::byte*>(&bits);
    bytes.assign(p, p + 2);
  } else {
    put_half(bytes, value);
  }
  keep(memory_, backend_.upload(buffers_[id], kGuard + at, bytes));
}

void OpHarness::restore() {
  plan_.reset();  // plans share what they repacked of weights, which are never written to meanwhile
  for (TensorId id = 0; id < buffers_.size(); ++id) {
    if (!made_[id].empty()) keep(memory_, backend_.upload(buffers_[id], 0, made_[id]));
  }
}

std::vector<std::byte> OpHarness::guarded_bytes(TensorId id) const {
  const Tensor& x = graph_.tensors[id];
  std::vector<std::byte> all(static_cast<std::size_t>(rows_[id]) * row_bytes(x.dtype, x.cols) +
                             2 * kGuard);
  if (buffers_[id].size() == all.size()) keep(memory_, backend_.download(buffers_[id], 0, all));
  return all;
}

std::vector<std::byte> OpHarness::bytes(TensorId id) const {
  std::vector<std::byte> all = guarded_bytes(id);
  return {all.begin() + kGuard, all.end() - kGuard};
}

StepParams OpHarness::step() const {
  StepParams params = lists_.params();
  params.ngrams = ngrams_;
  return params;
}

Status OpHarness::run(const std::vector<Op>& ops, NumericMode mode) {
  RETURN_IF_ERROR(memory_);
  graph_.ops = ops;
  graph_.segments = {Segment{0, ops.size(), {}}};
  std::vector<std::vector<std::byte>> before;
  for (TensorId id = 0; id < buffers_.size(); ++id) before.push_back(guarded_bytes(id));

  auto plan =
      backend_.compile(graph_, {mode, tokens(), std::max<std::int64_t>(outputs(), 1), sequences()});
  if (!plan) return plan.error();
  plan_ = std::move(*plan);
  backend_.run(*plan_, plan_->segments()[0], step());
  RETURN_IF_ERROR(backend_.finish());
  return compare(before);
}

bool OpHarness::writes(TensorId id) const {
  return std::any_of(graph_.ops.begin(), graph_.ops.end(), [&](const Op& op) {
    const bool states = op.kind == OpKind::kv_append || op.kind == OpKind::short_conv ||
                        op.kind == OpKind::table_decode;
    return id == op.out || id == op.out2 ||
           (states && graph_.tensors[id].role == TensorRole::state);
  });
}

Status OpHarness::compare(const std::vector<std::vector<std::byte>>& before) const {
  for (TensorId id = 0; id < buffers_.size(); ++id) {
    if (graph_.tensors[id].role == TensorRole::activation) continue;
    const std::vector<std::byte> after = guarded_bytes(id);
    RETURN_IF_ERROR(memory_);
    if (!writes(id)) {
      if (after == before[id]) continue;
      return Error{ErrorCode::corrupt, fmt::format("it wrote to its tensor {}", id)};
    }
    std::size_t end = after.size() - kGuard;
    if (outputs() > 0) {
      end = kGuard + static_cast<std::size_t>(outputs() * graph_.tensors[id].cols) * sizeof(float);
    }
    const auto untouched = [&](std::size_t first, std::size_t last) {
      return std::all_of(after.begin() + static_cast<std::ptrdiff_t>(first),
                         after.begin() + static_cast<std::ptrdiff_t>(last),
                         [](std::byte b) { return b == kGuardByte; });
    };
    if (!untouched(0, kGuard) || !untouched(end, after.size())) {
      return Error{ErrorCode::corrupt, fmt::format("it wrote beside its tensor {}", id)};
    }
  }
  return {};
}

Result<double> OpHarness::microseconds(int times) {
  CHECK(plan_ && times > 0);
  std::vector<double> all;
  for (int i = 0; i < times; ++i) {
    backend_.set_timing(*plan_, true);
    backend_.run(*plan_, plan_->segments()[0], step());
    RETURN_IF_ERROR(backend_.finish());
    double sum = 0;
    for (const OpTime& time : backend_.times(*plan_)) sum += time.microseconds;
    all.push_back(sum);
  }
  std::nth_element(all.begin(), all.begin() + times / 2, all.end());
  return all[static_cast<std::size_t>(times / 2)];
}

std::vector<double> OpHarness::values(TensorId id) const {
  const Tensor& x = graph_.tensors[id];
  const std::vector<std::byte> stored = bytes(id);
  std::vector<double> values;
  if (x.dtype == DType::i8) {
    for (const std::byte b : stored) values.push_back(std::to_integer<int>(b));
    return values;
  }
  if (x.dtype == DType::i32) {
    for (std::size_t at = 0; at < stored.size(); at += sizeof(std::int32_t)) {
      std::int32_t value;
      std::memcpy(&value, stored.data() + at, sizeof value);
      values.push_back(value);
    }
    return values;
  }
  std::vector<float> row(static_cast<std::size_t>(x.cols));
  for (std::int64_t r = 0; r < rows_[id]; ++r) {
    dequantize_row(x.dtype,
                   stored.data() + static_cast<std::size_t>(r) * row_bytes(x.dtype, x.cols), x.cols,
                   row.data());
    values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

}  // namespace mneme
