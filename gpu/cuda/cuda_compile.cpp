// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"
#include "gpu/activation_memory.h"
#include "gpu/cuda/cuda_plan.h"
#include "gpu/fused_gate_conv.h"
#include "gpu/matmul_add.h"
#include "gpu/op_check.h"
#include "gpu/op_table.h"

namespace mneme {
namespace {

constexpr std::size_t kBufferAlign = 256;
constexpr std::int64_t kTokensMax = 32768;  // a grid's smaller sides end at 65535

std::size_t aligned(std::size_t bytes) {
  return round_up(bytes, kBufferAlign);
}

// A plan is made in two passes: first all memory is placed, for the largest step; then the ops are
// lowered to calls once for each step size.
class Compiler {
 public:
  Compiler(const Graph& graph, const CompileOptions& options,
           std::shared_ptr<CudaDeviceContext> device,
           std::shared_ptr<const CudaMatrixLibrary> library)
      : graph_(graph),
        options_(options),
        device_(std::move(device)),
        plan_(std::make_unique<CudaPlan>(device_, std::move(library))),
        output_rows_(OutputRows::of(graph)) {}

  Result<std::unique_ptr<Plan>> run() {
    plan_->segments_ = graph_.segments;
    plan_->times_.begin(graph_.ops.size());
    if (options_.tokens_max > kTokensMax) {
      return Error{ErrorCode::unsupported,
                   fmt::format("a step of {} tokens is too long for CUDA: at most {}",
                               options_.tokens_max, kTokensMax)};
    }
    RETURN_IF_ERROR(check_ops(graph_, "CUDA", why_not_on_cuda));
    plan_->limits_ = StepLimits::of(graph_, options_);
    describe_tensors();
    fusions_ = find_fusions(graph_);
    fused_gate_convs_ = find_fused_gate_convs(graph_);
    sizes_ = step_sizes(options_, gains_by_library());
    RETURN_IF_ERROR(describe_step());
    RETURN_IF_ERROR(take_memory());
    RETURN_IF_ERROR(fill_floats());
    RETURN_IF_ERROR(describe_transfers());
    for (const StepSize& size : sizes_) lower_variant(size);
    return std::unique_ptr<Plan>(std::move(plan_));
  }

 private:
  void describe_tensors() {
    for (TensorId i = 0; i < graph_.tensors.size(); ++i) {
      const Tensor& x = graph_.tensors[i];
      CudaTensor t;
      t.rows = x.rows;
      t.cols = x.cols;
      t.stride = static_cast<std::int64_t>(row_bytes(x.dtype, x.cols));
      t.element = static_cast<std::int32_t>(x.dtype);
      if (x.role != TensorRole::activation) t.data = cuda_pointer(*x.buffer, x.offset);
      if (x.role == TensorRole::input || x.role == TensorRole::output) {
        CHECK(x.offset + rows_bytes(i) <= x.buffer->size());
      }
      tensors_.push_back(t);
    }
  }

  // Of output tokens there are few.
  bool for_library(std::size_t index) const {
    return !output_rows_.ops[index] && for_matrix_library(graph_, graph_.ops[index], options_.mode);
  }

  bool gains_by_library() const {
    return plan_->library_ != nullptr && options_.tokens_max > kCudaFewRows &&
           std::ranges::any_of(std::views::iota(std::size_t{0}, graph_.ops.size()),
                               [&](std::size_t i) { return for_library(i); });
  }

  std::size_t rows_bytes(TensorId id) const {
    const Tensor& x = graph_.tensor(id);
    const std::int64_t most = output_rows_.tensors[id] ? options_.outputs_max : options_.tokens_max;
    return static_cast<std::size_t>(x.rows > 0 ? x.rows : most) * row_bytes(x.dtype, x.cols);
  }

  // What the host writes before a step.
  Status describe_step() {
    plan_->records_ =
        kCudaOutputs + round_up(static_cast<std::size_t>(options_.outputs_max) * 4, 64);
    plan_->record_bytes_ = sizeof(CudaToken);
    rope_of_.assign(graph_.ops.size(), 0);
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      const Op& op = graph_.ops[i];
      if (op.kind != OpKind::rope) continue;
      std::vector<float> factors;
      if (op.in.size() > 1 && op.in[1] != kNoTensor) {
        auto values = floats_of(op.in[1]);
        if (!values) return values.error();
        factors = std::move(*values);
      }
      const RopeAngles angles = RopeAngles::of(op.params.rope, factors);
      auto& tables = plan_->rope_tables_;
      const auto same = std::find_if(tables.begin(), tables.end(),
                                     [&](const auto& table) { return table.angles == angles; });
      rope_of_[i] = static_cast<std::size_t>(same - tables.begin());
      if (same != tables.end()) continue;
      tables.push_back({angles, plan_->record_bytes_});
      plan_->record_bytes_ += round_up(angles.row_floats() * sizeof(float), 16);
    }
    auto step = device_->alloc_mirrored(
        plan_->records_ + static_cast<std::size_t>(options_.tokens_max) * plan_->record_bytes_);
    if (!step) return step.error();
    plan_->step_ = std::move(*step);
    return {};
  }

  // Activations share memory as their lives allow; behind them lies what ops of any segment use for
  // themselves, which a single stream lets them share, and small constants.
  Status take_memory() {
    ActivationLives lives(tensors_.size());
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      const Op& op = graph_.ops[i];
      const std::size_t first = i > 0 && fused_gate_convs_[i - 1] ? i - 1 : fusions_.made_at[i];
      const std::size_t last = fused_gate_convs_[i] ? i + 1 : std::max(i, fusions_.read_to[i]);
      std::vector<TensorId> ids = op.in;
      ids.push_back(op.out);
      ids.push_back(op.out2);
      for (const TensorId id : ids) {
        if (id == kNoTensor || graph_.tensor(id).role != TensorRole::activation) continue;
        for (const std::size_t when : {first, last}) {
          lives.touch(id, rows_bytes(id), when);
        }
      }
    }
    std::size_t bytes = aligned(lives.place());
    const auto take = [&](std::size_t more) {
      const std::size_t at = bytes;
      bytes += aligned(more);
      return at;
    };
    std::size_t packed_bytes = 0;
    std::size_t scale_bytes = 0;
    std::size_t partial_bytes = 0;
    for (const StepSize& size : sizes_) {
      for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
        const Op& op = graph_.ops[i];
        const std::int32_t rows = size.rows(output_rows_.ops[i]);
        if (op.kind == OpKind::matmul) {
          const Packing packing = packing_of(graph_.tensor(op.in[1]), options_.mode, rows);
          packed_bytes = std::max(packed_bytes, packing.bytes);
          scale_bytes = std::max(scale_bytes, packing.scale_bytes);
        }
        if (op.kind == OpKind::attention) {
          partial_bytes = std::max(
              partial_bytes, static_cast<std::size_t>(rows) * op.params.attention.n_heads *
                                 splits_of(op, rows) * (op.params.attention.head_dim + 2) * 4);
        }
      }
    }
    const std::size_t packed = take(packed_bytes);
    const std::size_t scales = take(scale_bytes);
    const std::size_t partials = take(partial_bytes);
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) add_float_copies(i, take);
    auto memory = device_->alloc(bytes, false);
    if (!memory) return memory.error().with("preparing the model's working memory");
    plan_->memory_ = std::move(*memory);
    for (std::size_t id = 0; id < tensors_.size(); ++id) {
      const auto offset = lives.offset_of(id);
      if (offset) tensors_[id].data = cuda_pointer(plan_->memory_, *offset);
    }
    packed_ = cuda_pointer(plan_->memory_, packed);
    scales_ = cuda_pointer(plan_->memory_, scales);
    partials_ = cuda_pointer(plan_->memory_, partials);
    return {};
  }

  // Norms, biases and the convolution's kernel as floats: files hold them in any type.
  struct FloatCopy {
    TensorId from;
    std::size_t offset;  // into the plan's memory
    bool transposed;
  };

  template <class Take>
  void add_float_copies(std::size_t index, const Take& take) {
    const Op& op = graph_.ops[index];
    for (std::size_t k = 0; k < op.in.size(); ++k) {
      if (!is_float_copy(op, k) || float_of(op.in[k], is_transposed(op, k)) != nullptr) continue;
      const Tensor& x = graph_.tensor(op.in[k]);
      float_copies_.push_back({op.in[k],
                               take(static_cast<std::size_t>(x.rows * x.cols) * sizeof(float)),
                               is_transposed(op, k)});
    }
  }

  static bool is_transposed(const Op& op, std::size_t input) {
    return input_role(op, input) == OpInput::floats_transposed;
  }
  static bool is_float_copy(const Op& op, std::size_t input) {
    return has_input(op, input) &&
           (input_role(op, input) == OpInput::floats || is_transposed(op, input));
  }

  const FloatCopy* float_of(TensorId id, bool transposed) const {
    const auto found = std::find_if(float_copies_.begin(), float_copies_.end(), [&](const auto& c) {
      return c.from == id && c.transposed == transposed;
    });
    return found == float_copies_.end() ? nullptr : &*found;
  }

  CudaTensor float_tensor(TensorId id, bool transposed) const {
    const FloatCopy* copy = float_of(id, transposed);
    CHECK(copy != nullptr);
    const Tensor& x = graph_.tensor(id);
    CudaTensor t;
    t.data = cuda_pointer(plan_->memory_, copy->offset);
    t.rows = transposed ? x.cols : x.rows;
    t.cols = transposed ? x.rows : x.cols;
    t.stride = t.cols * static_cast<std::int64_t>(sizeof(float));
    return t;
  }

  Result<std::vector<float>> floats_of(TensorId id) const {
    const Tensor& x = graph_.tensor(id);
    const std::size_t stride = row_bytes(x.dtype, x.cols);
    std::vector<std::byte> stored(static_cast<std::size_t>(x.rows) * stride);
    RETURN_IF_ERROR(device_->download(*x.buffer, x.offset, stored));
    std::vector<float> values(static_cast<std::size_t>(x.rows * x.cols));
    for (std::size_t r = 0; r < static_cast<std::size_t>(x.rows); ++r) {
      dequantize_row(x.dtype, stored.data() + r * stride, x.cols,
                     values.data() + r * static_cast<std::size_t>(x.cols));
    }
    return values;
  }

  Status fill_floats() {
    for (const FloatCopy& copy : float_copies_) {
      auto values = floats_of(copy.from);
      if (!values) return values.error();
      const Tensor& x = graph_.tensor(copy.from);
      std::vector<float> stored = *values;
      if (copy.transposed) {
        for (std::int64_t r = 0; r < x.rows; ++r) {
          for (std::int64_t c = 0; c < x.cols; ++c) {
            stored[static_cast<std::size_t>(c * x.rows + r)] =
                (*values)[static_cast<std::size_t>(r * x.cols + c)];
          }
        }
      }
      RETURN_IF_ERROR(
          device_->upload(plan_->memory_, copy.offset, std::as_bytes(std::span(stored))));
    }
    return {};
  }

  // Inputs go over before the first segment that reads them, outputs come back behind the segment
  // that wrote them.
  Status describe_transfers() {
    std::vector<bool> known(tensors_.size(), false);
    for (const Segment& segment : graph_.segments) {
      auto& inputs = plan_->inputs_.emplace_back();
      auto& outputs = plan_->outputs_.emplace_back();
      const auto add = [&](TensorId id, TensorRole role, std::vector<CudaTransfer>& to) {
        if (id == kNoTensor || known[id] || graph_.tensor(id).role != role) return;
        known[id] = true;
        const Tensor& x = graph_.tensor(id);
        CHECK(!x.buffer->host().empty());  // inputs and outputs are host_visible
        to.push_back({tensors_[id], output_rows_.tensors[id], x.buffer->host().data() + x.offset});
      };
      for (std::size_t i = segment.first_op; i < segment.end_op; ++i) {
        const Op& op = graph_.ops[i];
        for (const TensorId id : op.in) add(id, TensorRole::input, inputs);
        add(op.out, TensorRole::output, outputs);
        add(op.out2, TensorRole::output, outputs);
      }
      CudaEvent*& event = plan_->copied_.emplace_back(nullptr);
      RETURN_IF_ERROR(
          device_->check(device_->api().new_event(device_->context(), &event), "preparing copies"));
    }
    return {};
  }

  bool by_tiles(const Op& op, std::int32_t rows) const {
    return attention_by_tiles(op, tensors_[op.in[1]], tensors_[op.in[2]], rows);
  }
  std::int32_t splits_of(const Op& op, std::int32_t rows) const {
    return attention_splits(op, rows, device_->about().multiprocessors);
  }

  void lower_variant(StepSize size) {
    CudaVariant variant;
    variant.size = size;
    for (const Segment& segment : graph_.segments) {
      variant.first.push_back(variant.calls.size());
      packed_from_.reset();
      for (std::size_t i = segment.first_op; i < segment.end_op; ++i) {
        const bool fused = fused_gate_convs_[i] && size.tokens <= kFusedGateConvTokensMax;
        const std::int32_t rows = size.rows(output_rows_.ops[i]);
        if (fusions_.made_at[i] == i && rows > 0) {
          fused ? lower_fused_gate_conv(i, rows, variant.calls) : lower(i, size, variant.calls);
        }
        // Whatever was packed from a tensor that an op has written is old.
        if (packed_from_ && graph_.ops[i].out == packed_from_->tensor) packed_from_.reset();
        if (rows > 0) pack_for_next(i, size, variant.calls);
        if (fused) ++i;  // the convolution
      }
    }
    variant.first.push_back(variant.calls.size());
    variant.graphs.assign(graph_.segments.size(), nullptr);
    plan_->variants_.push_back(std::move(variant));
  }

  CudaTensor tensor(TensorId id) const { return id == kNoTensor ? CudaTensor{} : tensors_[id]; }

  // As kernels take it; empty where it is absent.
  CudaTensor input(const Op& op, std::size_t i) const {
    if (!has_input(op, i)) return {};
    return is_float_copy(op, i) ? float_tensor(op.in[i], is_transposed(op, i)) : tensors_[op.in[i]];
  }

  CudaCall call_of(std::size_t index, CudaKernel kernel, std::int32_t rows) const {
    const Op& op = graph_.ops[index];
    CudaCall call;
    call.kernel = kernel;
    call.output_rows = output_rows_.ops[index] ? 1 : 0;
    call.rows_max = rows;
    call.sequences_max = static_cast<std::int32_t>(options_.sequences_max);
    call.step = reinterpret_cast<const CudaStep*>(cuda_pointer(plan_->step_));
    for (std::size_t i = 0; i < op.in.size() && i < std::size(call.in); ++i) {
      call.in[i] = input(op, i);
    }
    call.out = tensor(op.out);
    call.out2 = tensor(op.out2);
    call.params = op.params;
    return call;
  }

  // Of each token of the step: what lies `offset` bytes into its record.
  CudaTensor record(std::size_t offset) const {
    CudaTensor t;
    t.data = cuda_pointer(plan_->step_, plan_->records_ + offset);
    t.stride = static_cast<std::int64_t>(plan_->record_bytes_);
    return t;
  }

  // What the packed activations are, so that products of the same activations share them.
  struct PackedFrom {
    TensorId tensor;
    CudaKernel kernel;
    DType half;
    bool operator==(const PackedFrom&) const = default;
  };

  PackedFrom packed_from(const Op& product, const Packing& packing) const {
    return {product.in[0], packing.kernel, packing.half};
  }

  // Where packed activations lie; row i is the call's row i.
  CudaTensor packed_tensor(const Packing& packing) const {
    CudaTensor t;
    t.data = packed_;
    t.stride = packing.stride;
    t.element = static_cast<std::int32_t>(packing.half);
    return t;
  }
  CudaTensor scales_tensor(const Packing& packing) const {
    CudaTensor t;
    t.data = scales_;
    t.stride = packing.scale_stride;
    return t;
  }

  // Norms, gated products and decoded rows pack their values by themselves where the op that comes
  // next wants them packed.
  void pack_for_next(std::size_t index, StepSize size, std::vector<PlannedCall>& calls) {
    const Op& op = graph_.ops[index];
    if (op.kind != OpKind::rms_norm && op.kind != OpKind::glu && op.kind != OpKind::table_decode) {
      return;
    }
    if (index + 1 >= graph_.ops.size()) return;
    // Norms of heads leave whole blocks to nobody.
    if (op.kind == OpKind::rms_norm && op.params.rms_norm.width != graph_.tensor(op.out).cols) {
      return;
    }
    const Op& next = graph_.ops[index + 1];
    if (next.kind != OpKind::matmul || next.in[0] != op.out) return;
    const Packing packing = packing_of(graph_.tensor(next.in[1]), options_.mode,
                                       size.rows(output_rows_.ops[index + 1]));
    if (packing.kernel != CudaKernel::pack_int8) return;
    calls.back().call.packed = packed_tensor(packing);
    calls.back().call.scales = scales_tensor(packing);
    packed_from_ = packed_from(next, packing);
  }

  void lower_matmul(std::size_t index, StepSize size, std::vector<PlannedCall>& calls) {
    const Op& op = graph_.ops[index];
    const std::int32_t rows = size.rows(output_rows_.ops[index]);
    const DType dtype = graph_.tensor(op.in[1]).dtype;
    const Packing packing = packing_of(graph_.tensor(op.in[1]), options_.mode, rows);
    if (packing.packs() && packed_from_ != packed_from(op, packing)) {
      CudaCall pack = call_of(index, packing.kernel, rows);
      pack.out = packed_tensor(packing);
      pack.out2 = scales_tensor(packing);
      calls.push_back({pack, index});
      packed_from_ = packed_from(op, packing);
    }
    const bool few = rows <= kCudaFewRows;
    const CudaKernel kernel = few               ? CudaKernel::matvec
                              : packing.packs() ? CudaKernel::gemm
                                                : CudaKernel::gemm_exact;
    CudaCall call = call_of(index, kernel, rows);
    call.exact = few && !packing.packs() && is_quantised(dtype) ? 1 : 0;
    if (packing.packs()) {
      call.in[0] = packed_tensor(packing);
      call.in[3] = scales_tensor(packing);
    }
    if (fusions_.sum[index] != 0) {
      const Op& sum = graph_.ops[fusions_.sum[index]];
      call.in[4] = tensor(added_to(graph_, index));
      call.out = tensor(sum.out);
    }
    bool by_library = size.whole && for_library(index);
    for (std::size_t i = index + 1; i < index + fusions_.group[index]; ++i) {
      const Op& product = graph_.ops[i];
      call.more[call.more_count++] = {input(product, 1), input(product, 2), tensor(product.out)};
      by_library = by_library && for_library(i);
    }
    if (by_library) plan_->library_->take_over(call);
    calls.push_back({call, index});
  }

  // Op `index`, a gate, and the convolution behind it.
  void lower_fused_gate_conv(std::size_t index, std::int32_t rows,
                             std::vector<PlannedCall>& calls) {
    const Op& gate = graph_.ops[index];
    const Op& conv = graph_.ops[index + 1];
    CudaCall call = call_of(index, CudaKernel::fused_gate_conv, rows);
    call.in[5] = input(conv, 2);
    call.in[6] = input(conv, 3);
    call.in[7] = input(conv, 4);
    call.out = tensor(conv.out);
    call.out3 = tensor(conv.out2);
    call.conv_params = conv.params.short_conv;
    calls.push_back({call, index});
  }

  void lower(std::size_t index, StepSize size, std::vector<PlannedCall>& calls) {
    const Op& op = graph_.ops[index];
    const std::int32_t rows = size.rows(output_rows_.ops[index]);
    const auto add = [&](CudaKernel kernel) -> CudaCall& {
      calls.push_back({call_of(index, kernel, rows), index});
      return calls.back().call;
    };
    switch (op.kind) {
      case OpKind::embed:
        add(CudaKernel::embed);
        return;
      case OpKind::rms_norm:
        add(CudaKernel::rms_norm);
        return;
      case OpKind::matmul:
        lower_matmul(index, size, calls);
        return;
      case OpKind::rope:
        add(CudaKernel::rope).in[1] = record(plan_->rope_tables_[rope_of_[index]].offset);
        return;
      case OpKind::kv_append:
        add(CudaKernel::kv_append);
        return;
      case OpKind::attention: {
        CudaCall& call = add(CudaKernel::attention);
        call.tiles = by_tiles(op, rows) ? 1 : 0;
        if (call.tiles) return;
        call.splits = splits_of(op, rows);
        call.out2.data = partials_;
        CudaCall joined = call;
        joined.kernel = CudaKernel::combine;
        calls.push_back({joined, index});
        return;
      }
      case OpKind::glu:
        add(CudaKernel::glu);
        return;
      case OpKind::add:
        add(CudaKernel::add);
        return;
      case OpKind::scale:
        add(CudaKernel::scale);
        return;
      case OpKind::output_rows:
        add(CudaKernel::output_rows).in[1].data = cuda_pointer(plan_->step_, kCudaOutputs);
        return;
      case OpKind::table_decode:
        add(CudaKernel::table_decode);
        return;
      case OpKind::engram_gate:
        add(CudaKernel::engram_gate);
        return;
      case OpKind::short_conv:
        add(CudaKernel::conv_append);
        add(CudaKernel::short_conv);
        return;
    }
  }

  const Graph& graph_;
  const CompileOptions& options_;
  const std::shared_ptr<CudaDeviceContext> device_;
  std::unique_ptr<CudaPlan> plan_;
  const OutputRows output_rows_;
  std::vector<CudaTensor> tensors_;  // by TensorId
  Fusions fusions_;
  std::vector<bool> fused_gate_convs_;  // [ops]
  std::vector<std::size_t> rope_of_;    // [ops], index into the plan's rope tables
  std::vector<StepSize> sizes_;
  std::vector<FloatCopy> float_copies_;
  unsigned char* packed_ = nullptr;
  unsigned char* scales_ = nullptr;
  unsigned char* partials_ = nullptr;
  std::optional<PackedFrom> packed_from_;
};

}  // namespace

static_assert(kCudaTapsMax == kFusedGateConvTapsMax);

Result<std::unique_ptr<Plan>> compile_for_cuda(const Graph& graph, const CompileOptions& options,
                                               std::shared_ptr<CudaDeviceContext> device,
                                               std::shared_ptr<const CudaMatrixLibrary> library) {
  return Compiler(graph, options, std::move(device), std::move(library)).run();
}

}  // namespace mneme
