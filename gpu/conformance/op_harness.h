// SPDX-License-Identifier: Apache-2.0
// Runs one op, or a few behind each other, on a backend, with random contents from a fixed seed and
// guard bytes around every tensor. Everything is also readable as doubles, for the formulas it is
// compared with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "gpu/graph.h"
#include "gpu/step.h"

namespace mneme {

class OpHarness {
 public:
  // `all_on_device`: also what a model exchanges with the host lies in the device's own memory, so
  // that times are those of ops between ops.
  // `outputs`: output tokens, every second one up to the last where there are enough.
  OpHarness(Backend& backend, std::span<const SequenceRun> runs, std::int64_t outputs,
            bool all_on_device);

  std::int64_t tokens() const { return static_cast<std::int64_t>(lists_.tokens.size()); }
  std::int64_t outputs() const { return static_cast<std::int64_t>(lists_.outputs.size()); }
  const StepLists& lists() const { return lists_; }
  std::int64_t context() const { return context_; }  // rows of a sequence in states
  std::int64_t sequences() const { return sequences_; }
  std::int64_t position_of(std::int64_t token) const { return run_of(token).position; }
  // The row that position 0 of a token's sequence has in a state.
  std::int64_t first_state_row(std::int64_t token) const { return run_of(token).first_row; }
  std::int64_t ngrams() const { return ngrams_; }  // that the step brings

  TensorId constant(DType dtype, std::int64_t rows, std::int64_t cols);
  TensorId state(DType dtype, std::int64_t cols);  // context() rows a sequence, all filled
  TensorId input(std::int64_t cols, float size = 1.0f);
  TensorId input_i8(std::int64_t cols);
  TensorId input_of(std::int64_t cols, const std::vector<float>& row);  // repeated for every token
  TensorId input_ids(std::int64_t cols, const std::vector<std::int32_t>& ids);  // repeated
  TensorId experts(DType dtype, std::int64_t depth, std::int64_t rows, std::int64_t cols);
  TensorId output_ids(std::int64_t cols);
  TensorId activation_ids(std::int64_t cols);
  TensorId input_rows(std::int64_t columns, std::int64_t dims);  // of a table, with sane scales
  // Rows as those of input_rows(), one for each n-gram, of `columns` of them: what a step
  // transfers.
  TensorId input_ngrams(std::int64_t count, std::int64_t columns, std::int64_t dims);
  TensorId input_index(const std::vector<RowLocation>& locations);  // [tokens(), orders]
  // The state that an index points into, filled with such n-grams.
  TensorId cached_rows(std::int64_t entries, std::int64_t columns, std::int64_t dims);
  TensorId output(std::int64_t cols);
  TensorId activation(std::int64_t cols);  // from op to op; the backend may leave it out

  // Before run(): replaces one value of row 0, or of a quantised tensor the scale of one block of
  // that row, by `value`. For inputs, weights and states of float or block types; not for table
  // rows, indices and the outputs of ops, where can_break() is false.
  bool can_break(TensorId id) const;
  void break_value(TensorId id, float value);

  // Every tensor as it was made: neither what a run wrote nor what was broken is left.
  void restore();

  // The first failure of the backend's memory. What is read after one is zeros.
  const Status& memory() const { return memory_; }

  // Compiles the ops and runs them once. Errors: the backend's, at memory, compile() or finish(),
  // and corrupt when one wrote to an input or beside an output.
  Status run(const std::vector<Op>& ops, NumericMode mode);

  // The ops' own time, the median of `times` more runs. After run(). Errors: the backend's.
  Result<double> microseconds(int times);

  // As doubles, [rows, cols]; of I8 its bytes.
  std::vector<double> values(TensorId id) const;
  std::vector<std::byte> bytes(TensorId id) const;
  std::int64_t cols(TensorId id) const { return graph_.tensors[id].cols; }
  std::int64_t rows(TensorId id) const { return rows_[id]; }
  DType dtype(TensorId id) const { return graph_.tensors[id].dtype; }
  TensorRole role(TensorId id) const { return graph_.tensors[id].role; }

 private:
  static constexpr std::size_t kGuard = 96;  // 32 modulo 64: no more aligned than a GGUF promises

  template <class T>
  TensorId add_repeated(DType dtype, std::int64_t cols, const std::vector<T>& values);
  TensorId activation(Tensor tensor);
  TensorId add(Tensor tensor, std::int64_t rows, std::vector<std::byte> bytes);
  std::vector<std::byte> random_rows(DType dtype, std::int64_t rows, std::int64_t cols, float size);
  std::vector<std::byte> table_rows(std::int64_t rows, std::int64_t columns, std::int64_t dims);
  struct TokenPlace {
    std::int64_t position, first_row;
  };
  TokenPlace run_of(std::int64_t token) const;
  StepParams step() const;
  std::vector<std::byte> guarded_bytes(TensorId id) const;
  Status compare(const std::vector<std::vector<std::byte>>& before) const;
  bool writes(TensorId id) const;

  Backend& backend_;
  StepLists lists_;
  std::int64_t context_ = 0;
  std::int64_t sequences_ = 0;
  const bool all_on_device_;
  std::int64_t ngrams_ = 0;
  std::mt19937 random_{7};
  Graph graph_;
  std::deque<Buffer> buffers_;  // by TensorId
  std::vector<std::vector<std::byte>> made_;  // contents with their guards, by TensorId
  std::vector<std::int64_t> rows_;            // that memory has
  std::unique_ptr<Plan> plan_;
  mutable Status memory_;  // the first buffer that could not be had, filled or read
};

}  // namespace mneme
