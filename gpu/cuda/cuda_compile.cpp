// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"
#include "gpu/cuda/cuda_plan.h"
#include "gpu/op_check.h"
#include "gpu/op_table.h"
#include "gpu/plan/activation_memory.h"
#include "gpu/plan/constants.h"
#include "gpu/plan/fused_gate_conv.h"
#include "gpu/plan/fusions.h"
#include "gpu/plan/matmul_add.h"
#include "gpu/plan/packings.h"
#include "gpu/plan/plan_sizes.h"

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
        sizes_(graph, options),
        fusions_(Fusions::find(graph, kCudaGroupMax)),
        copies_(FloatCopies::find(graph)) {}

  Result<std::unique_ptr<Plan>> run() {
    plan_->segments_ = graph_.segments;
    plan_->times_.begin(graph_.ops.size());
    if (options_.tokens_max > kTokensMax) {
      return Error{ErrorCode::unsupported,
                   fmt::format("a step of {} tokens is too long for CUDA: at most {}",
                               options_.tokens_max, kTokensMax)};
    }
    plan_->limits_ = sizes_.limits();
    describe_tensors();
    find_packings();
    step_sizes_ = step_sizes(options_, gains_by_library());
    RETURN_IF_ERROR(describe_step());
    RETURN_IF_ERROR(take_memory());
    RETURN_IF_ERROR(fill_floats());
    RETURN_IF_ERROR(describe_transfers());
    for (const StepSize& size : step_sizes_) lower_variant(size);
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
      t.depth = x.depth;
      if (x.role != TensorRole::activation) t.data = cuda_pointer(*x.buffer, x.offset);
      tensors_.push_back(t);
    }
  }

  // Of output tokens there are few.
  bool for_library(std::size_t index) const {
    return !sizes_.op_is_of_outputs(index) &&
           for_matrix_library(graph_, graph_.ops[index], options_.mode);
  }

  bool gains_by_library() const {
    if (plan_->library_ == nullptr || options_.tokens_max <= kCudaFewRows) return false;
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      if (for_library(i)) return true;
    }
    return false;
  }

  // How products take their activations: of few rows as integers, of many as halves.
  void find_packings() {
    const auto form_of = [&](std::int32_t rows) {
      return [this, rows](const Op& product) -> std::optional<PackedForm> {
        if (product.kind != OpKind::matmul) return std::nullopt;
        const Packing packing = packing_of(graph_.tensor(product.in[1]), options_.mode, rows);
        if (!packing.packs()) return std::nullopt;
        return static_cast<PackedForm>(packing.half);
      };
    };
    few_ = {Packings::find(graph_, form_of(kCudaFewRows), [&](const Op& op) { return packs(op); }),
            std::vector<PackedActivations>(graph_.ops.size())};
    many_ = {Packings::find(graph_, form_of(kCudaFewRows + 1)),
             std::vector<PackedActivations>(graph_.ops.size())};
    for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
      if (graph_.ops[i].kind != OpKind::matmul) continue;
      const Tensor& weight = graph_.tensor(graph_.ops[i].in[1]);
      const auto rows = static_cast<std::int32_t>(sizes_.op_rows(i));
      const auto add = [&](PackedRows& of, std::int32_t most) {
        const std::size_t by = of.packings.packed_by[i];
        if (by != Packings::kNoOp) of.made[by].packing = packing_of(weight, options_.mode, most);
      };
      add(few_, std::min(rows, kCudaFewRows));
      if (rows > kCudaFewRows) add(many_, rows);
    }
  }

  // Norms, gated products and decoded rows pack their values by themselves.
  bool packs(const Op& op) const {
    const bool can =
        op.kind == OpKind::rms_norm || op.kind == OpKind::glu || op.kind == OpKind::table_decode;
    return can && makes_whole_rows(graph_, op);
  }

  // What the host writes before a step.
  Status describe_step() {
    plan_->records_ =
        kCudaOutputs + round_up(static_cast<std::size_t>(options_.outputs_max) * 4, 64);
    plan_->record_bytes_ = sizeof(CudaToken);
    auto ropes = RopeTables::find(graph_, [&](TensorId id) { return floats_of(id); });
    if (!ropes) return ropes.error();
    rope_of_ = std::move(ropes->of_op);
    for (RopeAngles& angles : ropes->all) {
      const std::size_t floats = angles.row_floats();
      plan_->rope_tables_.push_back({std::move(angles), plan_->record_bytes_});
      plan_->record_bytes_ += round_up(floats * sizeof(float), 16);
    }
    auto step = device_->alloc_mirrored(
        plan_->records_ + static_cast<std::size_t>(options_.tokens_max) * plan_->record_bytes_);
    if (!step) return step.error();
    plan_->step_ = std::move(*step);
    return {};
  }

  // Activations share memory as their lives allow, packed ones among them; behind lies what
  // attentions use for themselves, which a single stream lets them share, and small constants.
  Status take_memory() {
    const std::size_t tensors = tensors_.size();
    const std::size_t ops = graph_.ops.size();
    ActivationLives lives(tensors + 2 * ops);
    touch_activations(lives, graph_, sizes_, fusions_, kBufferAlign);
    const auto touch_packed = [&](const PackedRows& rows, std::size_t first) {
      for (std::size_t i = 0; i < ops; ++i) {
        const Packing& packing = rows.made[i].packing;
        if (packing.bytes > 0) {
          lives.touch(first + i, aligned(packing.bytes) + aligned(packing.scale_bytes), i);
        }
        const std::size_t by = rows.packings.packed_by[i];
        if (by != Packings::kNoOp && rows.made[by].packing.bytes > 0) lives.touch(first + by, 0, i);
      }
    };
    touch_packed(few_, tensors);
    touch_packed(many_, tensors + ops);
    std::size_t bytes = aligned(lives.place());
    const auto take = [&](std::size_t more) {
      const std::size_t at = bytes;
      bytes += aligned(more);
      return at;
    };
    const std::size_t partials = take(partial_bytes());
    std::vector<std::size_t> offsets;
    for (const FloatCopy& copy : copies_.all()) {
      const std::int64_t values = copy.rows(graph_) * copy.cols(graph_);
      offsets.push_back(take(static_cast<std::size_t>(values) * sizeof(float)));
    }
    auto memory = device_->alloc(bytes, false);
    if (!memory) return memory.error().with("preparing the model's working memory");
    plan_->memory_ = std::move(*memory);
    const auto at = [&](std::size_t number) -> unsigned char* {
      const auto offset = lives.offset_of(number);
      return offset ? cuda_pointer(plan_->memory_, *offset) : nullptr;
    };
    for (std::size_t id = 0; id < tensors; ++id) {
      if (unsigned char* data = at(id)) tensors_[id].data = data;
    }
    for (std::size_t i = 0; i < ops; ++i) {
      few_.made[i].data = at(tensors + i);
      many_.made[i].data = at(tensors + ops + i);
    }
    partials_ = cuda_pointer(plan_->memory_, partials);
    for (std::size_t i = 0; i < offsets.size(); ++i) {
      const FloatCopy& copy = copies_.all()[i];
      CudaTensor t;
      t.data = cuda_pointer(plan_->memory_, offsets[i]);
      t.rows = copy.rows(graph_);
      t.cols = copy.cols(graph_);
      t.stride = t.cols * static_cast<std::int64_t>(sizeof(float));
      floats_.push_back(t);
    }
    return {};
  }

  std::size_t partial_bytes() const {
    std::size_t most = 0;
    for (const StepSize& size : step_sizes_) {
      for (std::size_t i = 0; i < graph_.ops.size(); ++i) {
        const Op& op = graph_.ops[i];
        if (op.kind != OpKind::attention) continue;
        const std::int32_t rows = size.rows(sizes_.op_is_of_outputs(i));
        most = std::max(most, static_cast<std::size_t>(rows) * op.params.attention.n_heads *
                                  splits_of(op, rows) * (op.params.attention.head_dim + 2) * 4);
      }
    }
    return most;
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
    for (std::size_t i = 0; i < floats_.size(); ++i) {
      const auto values =
          copies_.all()[i].values(graph_, [&](TensorId id) { return floats_of(id); });
      if (!values) return values.error();
      const auto* base = cuda_pointer(plan_->memory_);
      RETURN_IF_ERROR(device_->upload(plan_->memory_,
                                      static_cast<std::size_t>(floats_[i].data - base),
                                      std::as_bytes(std::span(*values))));
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
        to.push_back({tensors_[id], sizes_.is_of_outputs(id), x.buffer->host().data() + x.offset});
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
      for (std::size_t i = segment.first_op; i < segment.end_op; ++i) {
        const std::int32_t rows = size.rows(sizes_.op_is_of_outputs(i));
        if (fusions_.made_at[i] != i || rows == 0) continue;
        if (fusions_.gate_conv[i] && size.tokens <= kFusedGateConvTokensMax) {
          lower_fused_gate_conv(i++, rows, variant.calls);  // with the convolution
          continue;
        }
        lower(i, size, variant.calls);
        if (few_.packings.packs[i] != kNoTensor && packs(graph_.ops[i]) && rows <= kCudaFewRows) {
          variant.calls.back().call.packed = values_of(few_.made[i]);
          variant.calls.back().call.scales = scales_of(few_.made[i]);
        }
      }
    }
    variant.first.push_back(variant.calls.size());
    variant.graphs.assign(graph_.segments.size(), nullptr);
    plan_->variants_.push_back(std::move(variant));
  }

  CudaTensor tensor(TensorId id) const { return id == kNoTensor ? CudaTensor{} : tensors_[id]; }

  // As kernels take it; empty where it is absent.
  CudaTensor input(const Op& op, std::size_t i) const {
    const std::size_t copy = copies_.of(op, i);
    return copy != FloatCopies::kNone ? floats_[copy]
           : has_input(op, i)         ? tensors_[op.in[i]]
                                      : CudaTensor{};
  }

  CudaCall call_of(std::size_t index, CudaKernel kernel, std::int32_t rows) const {
    const Op& op = graph_.ops[index];
    CudaCall call;
    call.kernel = kernel;
    call.output_rows = sizes_.op_is_of_outputs(index) ? 1 : 0;
    call.rows_max = rows;
    call.sequences_max = static_cast<std::int32_t>(options_.sequences_max);
    call.step = reinterpret_cast<const CudaStep*>(cuda_pointer(plan_->step_));
    for (std::size_t i = 0; i < op.in.size() && i < std::size(call.in); ++i) {
      call.in[i] = input(op, i);
    }
    if (op.kind == OpKind::rope) {
      call.in[1] = record(plan_->rope_tables_[rope_of_[index]].offset);
    }
    if (op.kind == OpKind::output_rows) {
      call.in[1].data = cuda_pointer(plan_->step_, kCudaOutputs);
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

  struct PackedActivations {
    Packing packing;
    unsigned char* data = nullptr;  // values, then scales
  };
  // Row i is the call's row i.
  static CudaTensor values_of(const PackedActivations& packed) {
    CudaTensor t;
    t.data = packed.data;
    t.stride = packed.packing.stride;
    t.element = static_cast<std::int32_t>(packed.packing.half);
    return t;
  }
  static CudaTensor scales_of(const PackedActivations& packed) {
    CudaTensor t;
    t.data = packed.data + aligned(packed.packing.bytes);
    t.stride = packed.packing.scale_stride;
    return t;
  }

  void lower_matmul(std::size_t index, StepSize size, std::vector<PlannedCall>& calls) {
    const Op& op = graph_.ops[index];
    const std::int32_t rows = size.rows(sizes_.op_is_of_outputs(index));
    const DType dtype = graph_.tensor(op.in[1]).dtype;
    const bool few = rows <= kCudaFewRows;
    const PackedRows& packed_rows = few ? few_ : many_;
    const std::size_t by = packed_rows.packings.packed_by[index];
    const bool packed = by != Packings::kNoOp;
    if (by == index) {
      const PackedActivations& made = packed_rows.made[index];
      CudaCall pack = call_of(index, made.packing.kernel, rows);
      pack.out = values_of(made);
      pack.out2 = scales_of(made);
      calls.push_back({pack, index});
    }
    const CudaKernel kernel = few      ? CudaKernel::matvec
                              : packed ? CudaKernel::gemm
                                       : CudaKernel::gemm_exact;
    CudaCall call = call_of(index, kernel, rows);
    call.exact = few && !packed && is_quantised(dtype) ? 1 : 0;
    if (packed) {
      call.in[0] = values_of(packed_rows.made[by]);
      call.in[3] = scales_of(packed_rows.made[by]);
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
    const std::int32_t rows = size.rows(sizes_.op_is_of_outputs(index));
    const auto add = [&](CudaKernel kernel) -> CudaCall& {
      calls.push_back({call_of(index, kernel, rows), index});
      return calls.back().call;
    };
    switch (op.kind) {
#define X(op)            \
  case OpKind::op:       \
    add(CudaKernel::op); \
    return;
      MNEME_ROW_OPS(X)
#undef X
      case OpKind::matmul:
        lower_matmul(index, size, calls);
        return;
      case OpKind::matmul_experts:
        add(CudaKernel::matmul_experts);
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
  const PlanSizes sizes_;
  const Fusions fusions_;
  const FloatCopies copies_;
  std::vector<CudaTensor> tensors_;   // by TensorId
  std::vector<CudaTensor> floats_;    // of copies_
  std::vector<std::size_t> rope_of_;  // [ops], index into the plan's rope tables
  std::vector<StepSize> step_sizes_;
  // Who packs what for whom, and where it lies.
  struct PackedRows {
    Packings packings;
    std::vector<PackedActivations> made;  // [ops]
  };
  PackedRows few_, many_;  // of products of up to kCudaFewRows rows, and of more
  unsigned char* partials_ = nullptr;
};

}  // namespace

static_assert(kCudaTapsMax == kFusedGateConvTapsMax);

Result<std::unique_ptr<Plan>> compile_for_cuda(const Graph& graph, const CompileOptions& options,
                                               std::shared_ptr<CudaDeviceContext> device,
                                               std::shared_ptr<const CudaMatrixLibrary> library) {
  RETURN_IF_ERROR(check_ops(graph, "CUDA", why_not_on_cuda));
  return Compiler(graph, options, std::move(device), std::move(library)).run();
}

}  // namespace mneme
