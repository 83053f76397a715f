// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "gpu/cpu/activation_memory.h"
#include "gpu/cpu/cpu_memory.h"
#include "gpu/cpu/op_check.h"
#include "inference/base/check.h"

namespace mneme {
namespace {

static_assert(static_cast<int>(DType::f32) == static_cast<int>(Element::f32) &&
              static_cast<int>(DType::q8_0) == static_cast<int>(Element::q8_0) &&
              static_cast<int>(DType::q4_1) == static_cast<int>(Element::q4_1) &&
              static_cast<int>(DType::i8) == static_cast<int>(Element::i8));

constexpr std::size_t kAlign = 64;
std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlign - 1) / kAlign * kAlign;
}

class Compiler {
 public:
  Compiler(const Graph& graph, const CompileOptions& options, const Kernels& kernels, int threads)
      : graph_(graph), options_(options), kernels_(kernels), threads_(threads) {}

  Result<std::unique_ptr<Plan>> run() {
    CHECK(options_.tokens_max >= 1 && options_.outputs_max >= 0);
    RETURN_IF_ERROR(check_ops());
    size_tensors();
    const ActivationMemory activations = place_activations(graph_, bytes_);
    // Small constants and rope tables lie behind the activations, at offsets known only after all
    // ops were seen: first count, then allocate, then fill.
    offset_ = activations.bytes;
    build();  // counts
    const std::size_t scratch_at = offset_;
    auto memory =
        alloc_host_memory(scratch_at + plan_->scratch_bytes_ * static_cast<std::size_t>(threads_));
    if (!memory) return memory.error().with("preparing the model's working memory");
    plan_->memory_ = std::move(*memory);
    base_ = plan_->memory_.host().data();
    activations_ = &activations;
    offset_ = activations.bytes;
    build();  // fills
    CHECK(offset_ == scratch_at);
    plan_->scratch_ = base_ + scratch_at;
    return std::unique_ptr<Plan>(std::move(plan_));
  }

 private:
  Status check_ops() const {
    for (const Op& op : graph_.ops) {
      const std::string reason = why_unsupported(graph_, op);
      if (reason.empty()) continue;
      const std::string out = op.out == kNoTensor ? "" : " to " + graph_.tensor(op.out).name;
      return Error{ErrorCode::unsupported, fmt::format("the CPU cannot run the op {}{}: {}",
                                                       op_kind_name(op.kind), out, reason)};
    }
    return {};
  }

  void size_tensors() {
    trailing_.assign(graph_.tensors.size(), false);
    for (const Op& op : graph_.ops) {
      if (op.out != kNoTensor) trailing_[op.out] = op.outputs_only;
      if (op.out2 != kNoTensor) trailing_[op.out2] = op.outputs_only;
    }
    for (const Op& op : graph_.ops) {
      for (const TensorId id : op.in) {
        // An op on every token cannot read rows that exist for the trailing ones only.
        if (id != kNoTensor) CHECK(op.outputs_only || !trailing_[id]);
      }
    }
    bytes_.assign(graph_.tensors.size(), 0);
    for (std::size_t i = 0; i < graph_.tensors.size(); ++i) {
      const Tensor& x = graph_.tensors[i];
      if (x.role == TensorRole::constant || x.role == TensorRole::state) continue;
      const std::int64_t rows = trailing_[i] ? options_.outputs_max : options_.tokens_max;
      bytes_[i] = static_cast<std::size_t>(rows) * row_bytes(x.dtype, x.cols);
      if (x.role != TensorRole::activation) CHECK(x.offset + bytes_[i] <= x.buffer->size());
    }
  }

  void build() {
    plan_ = base_ ? std::move(plan_) : std::make_unique<CpuPlan>();
    CpuPlan& plan = *plan_;
    plan.segments_ = graph_.segments;
    plan.phases_.clear();
    plan.first_phase_.clear();
    plan.rope_tables_.clear();
    plan.tokens_max_ = options_.tokens_max;
    plan.outputs_max_ = options_.outputs_max;
    plan.positions_max_ = std::numeric_limits<std::int64_t>::max();
    plan.vocab_ = std::numeric_limits<std::int64_t>::max();
    plan.op_us_.assign(graph_.ops.size(), 0);
    plan.runs_.assign(graph_.ops.size(), 0);
    for (const Tensor& x : graph_.tensors) {
      if (x.role == TensorRole::state) plan.positions_max_ = std::min(plan.positions_max_, x.rows);
    }
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      plan.first_phase_.push_back(plan.phases_.size());
      add_op(i);
    }
    plan.first_phase_.push_back(plan.phases_.size());
  }

  std::byte* reserve(std::size_t bytes) {
    const std::size_t at = offset_;
    offset_ += aligned(bytes);
    return base_ ? base_ + at : nullptr;
  }

  KernelTensor bind(TensorId id) const {
    KernelTensor bound;
    if (id == kNoTensor) return bound;
    const Tensor& x = graph_.tensor(id);
    bound.rows = x.rows;
    bound.cols = x.cols;
    bound.stride = static_cast<std::int64_t>(row_bytes(x.dtype, x.cols));
    bound.element = static_cast<Element>(x.dtype);
    bound.trailing = trailing_[id];
    if (x.role != TensorRole::activation) {
      bound.data = reinterpret_cast<unsigned char*>(x.buffer->handle()) + x.offset;
    } else if (base_) {
      bound.data = reinterpret_cast<unsigned char*>(base_ + activations_->offsets[id]);
    }
    return bound;
  }

  // A norm's weight, a bias or a small kernel as aligned floats: files hold them in any type and at
  // any address. Bounded by the widths of the model.
  KernelTensor as_floats(TensorId id, bool transposed = false) {
    KernelTensor bound = bind(id);
    if (id == kNoTensor) return bound;
    const Tensor& x = graph_.tensor(id);
    const auto values = static_cast<std::size_t>(x.rows * x.cols);
    auto* floats = reinterpret_cast<float*>(reserve(values * sizeof(float)));
    if (floats) {
      std::vector<float> row(static_cast<std::size_t>(x.cols));
      for (std::int64_t r = 0; r < x.rows; ++r) {
        dequantize_row(x.dtype, reinterpret_cast<std::byte*>(bound.data) + r * bound.stride, x.cols,
                       row.data());
        for (std::int64_t c = 0; c < x.cols; ++c) {
          floats[transposed ? c * x.rows + r : r * x.cols + c] = row[static_cast<std::size_t>(c)];
        }
      }
    }
    if (transposed) std::swap(bound.rows, bound.cols);
    bound.data = reinterpret_cast<unsigned char*>(floats);
    bound.stride = bound.cols * 4;
    bound.element = Element::f32;
    return bound;
  }

  KernelTensor rope_table(const Op& op) {
    RopeTable table;
    std::vector<float> factors(static_cast<std::size_t>(op.params.rope_dims / 2), 1.0f);
    if (op.in.size() > 1 && op.in[1] != kNoTensor) {
      const KernelTensor stored = bind(op.in[1]);
      const Tensor& x = graph_.tensor(op.in[1]);
      dequantize_row(x.dtype, reinterpret_cast<std::byte*>(stored.data), x.rows * x.cols,
                     factors.data());
    }
    for (std::int64_t i = 0; i < op.params.rope_dims / 2; ++i) {
      const double exponent = -2.0 * static_cast<double>(i) / op.params.rope_dims;
      table.frequencies.push_back(std::pow(static_cast<double>(op.params.rope_base), exponent) /
                                  factors[static_cast<std::size_t>(i)]);
    }
    KernelTensor bound;
    bound.cols = op.params.rope_dims;
    bound.stride = bound.cols * 4;
    const auto same = std::find_if(
        plan_->rope_tables_.begin(), plan_->rope_tables_.end(),
        [&](const RopeTable& other) { return other.frequencies == table.frequencies; });
    if (same != plan_->rope_tables_.end()) {
      bound.data = reinterpret_cast<unsigned char*>(same->rows);
      return bound;
    }
    table.rows = reinterpret_cast<float*>(
        reserve(static_cast<std::size_t>(options_.tokens_max * bound.stride)));
    bound.data = reinterpret_cast<unsigned char*>(table.rows);
    plan_->rope_tables_.push_back(std::move(table));
    return bound;
  }

  void add_phase(std::size_t op, Kernel kernel, const KernelArgs& args, std::int64_t items,
                 std::int64_t items_per_token, std::int64_t item_bytes) {
    plan_->phases_.push_back(Phase{kernel, args, items, items_per_token, item_bytes, op});
  }

  void need_scratch(std::int64_t bytes) {
    plan_->scratch_bytes_ =
        std::max(plan_->scratch_bytes_, aligned(static_cast<std::size_t>(bytes)));
  }

  void add_op(std::size_t index) {
    const Op& op = graph_.ops[index];
    KernelArgs args;
    for (std::size_t i = 0; i < op.in.size(); ++i) args.in[i] = bind(op.in[i]);
    args.out = bind(op.out);
    args.out2 = bind(op.out2);
    args.outputs_only = op.outputs_only;
    args.eps = op.params.eps;
    args.n_heads = op.params.n_heads;
    args.n_kv_heads = op.params.n_kv_heads;
    args.head_dim = op.params.head_dim;
    args.rope_dims = op.params.rope_dims;
    args.streams = op.params.streams;
    args.columns = op.params.columns;
    args.column_dims = op.params.column_dims;
    args.dilation = op.params.dilation;
    const std::int64_t row = op.out == kNoTensor ? args.in[0].stride : args.out.stride;
    switch (op.kind) {
      case OpKind::embed:
        plan_->vocab_ = std::min(plan_->vocab_, args.in[0].rows);
        return add_phase(index, kernels_.embed, args, 0, 1, row);
      case OpKind::rms_norm:
        args.in[1] = as_floats(op.in[1]);
        return add_phase(index, kernels_.rms_norm, args, 0, 1, row);
      case OpKind::matmul:
        if (op.in.size() > 2) args.in[2] = as_floats(op.in[2]);
        need_scratch(kernels_.matmul_scratch(args));
        return add_phase(index, kernels_.matmul, args, args.in[1].rows, 0, args.in[1].stride);
      case OpKind::rope:
        args.in[1] = rope_table(op);
        return add_phase(index, kernels_.rope, args, 0, 1, row);
      case OpKind::kv_append:
        return add_phase(index, kernels_.kv_append, args, 0, 1, row);
      case OpKind::attention:
        need_scratch(kernels_.attention_scratch(args));
        return add_phase(index, kernels_.attention, args, 0, args.n_heads, 1 << 14);
      case OpKind::swiglu:
        return add_phase(index, kernels_.swiglu, args, 0, 1, row);
      case OpKind::add:
        return add_phase(index, kernels_.add, args, 0, 1, row);
      case OpKind::table_decode:
        return add_phase(index, kernels_.table_decode, args, 0, 1, row);
      case OpKind::engram_gate:
        args.in[3] = as_floats(op.in[3]);
        args.in[4] = as_floats(op.in[4]);
        return add_phase(index, kernels_.engram_gate, args, 0, 1, row);
      case OpKind::short_conv:
        args.in[2] = as_floats(op.in[2]);
        args.in[3] = as_floats(op.in[3], true);
        add_phase(index, kernels_.short_conv_append, args, 0, 1, row);
        return add_phase(index, kernels_.short_conv, args, 0, 1, row);
    }
  }

  const Graph& graph_;
  const CompileOptions& options_;
  const Kernels& kernels_;
  const int threads_;
  std::vector<bool> trailing_;      // [tensors]: written by an outputs_only op
  std::vector<std::size_t> bytes_;  // [tensors]
  std::unique_ptr<CpuPlan> plan_;
  const ActivationMemory* activations_ = nullptr;
  std::byte* base_ = nullptr;  // null while counting
  std::size_t offset_ = 0;     // of the next reserve()
};

}  // namespace

Result<std::unique_ptr<Plan>> compile_for_cpu(const Graph& graph, const CompileOptions& options,
                                              const Kernels& kernels, int threads) {
  return Compiler(graph, options, kernels, threads).run();
}

}  // namespace mneme
