// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"
#include "gpu/cpu/cpu_memory.h"
#include "gpu/op_check.h"
#include "gpu/op_table.h"
#include "gpu/plan/activation_memory.h"
#include "gpu/plan/constants.h"
#include "gpu/plan/packings.h"
#include "gpu/plan/plan_sizes.h"

namespace mneme {
namespace {

constexpr std::size_t kScratchAlign = 64;
constexpr std::int64_t kBytesAtATime = 8 << 10;  // what a thread takes: about a microsecond of work
constexpr std::int64_t kPiecesOfMany = 4;  // of a product, for each thread, so that none waits long

// Of a graph that was checked. A plan is made in three passes: ops become phases over numbered
// tensors; phases form groups, which decide how long tensors live; then memory is taken and every
// phase is bound to it. Tensors have the graph's numbers; packed activations get new ones behind
// them.
class Compiler {
 public:
  Compiler(const Graph& graph, const CompileOptions& options, const Kernels& kernels,
           Weaver& weaver, int threads)
      : graph_(graph),
        options_(options),
        kernels_(kernels),
        weaver_(weaver),
        threads_(static_cast<std::size_t>(threads)),
        plan_(std::make_unique<CpuPlan>()),
        sizes_(graph, options),
        copies_(FloatCopies::find(graph)),
        packings_(Packings::find(graph, [this](const Op& op) { return form_of(op); })),
        packed_(graph.ops.size(), kNoTensor),
        sorted_(graph.tensors.size(), kNoTensor) {}

  Result<std::unique_ptr<Plan>> run() {
    plan_->limits_ = sizes_.limits();
    describe_tensors();
    RETURN_IF_ERROR(describe_constants());
    std::vector<std::size_t> starts;
    for (const Segment& segment : graph_.segments) {
      starts.push_back(plan_->phases_.size());
      for (std::size_t i = segment.first_op; i < segment.end_op; ++i) lower(i);
    }
    plan_->groups_ = group_phases(uses_, starts);
    for (const std::size_t start : starts) {
      const auto& groups = plan_->groups_;
      const auto at = std::find_if(groups.begin(), groups.end(),
                                   [&](const BarrierGroup& group) { return group.first >= start; });
      plan_->first_group_.push_back(static_cast<std::size_t>(at - groups.begin()));
    }
    plan_->first_group_.push_back(plan_->groups_.size());
    weave_weights();
    RETURN_IF_ERROR(take_memory());
    for (std::size_t p = 0; p < plan_->phases_.size(); ++p) bind(p);
    RETURN_IF_ERROR(fill_constants());
    describe_ops();
    return std::unique_ptr<Plan>(std::move(plan_));
  }

 private:
  // Of a graph tensor, or of one that only the plan knows.
  struct PlanTensor {
    KernelTensor bound;
    std::size_t bytes = 0;
    bool activation = false;
    bool output_rows = false;
  };

  void describe_tensors() {
    for (TensorId id = 0; id < graph_.tensors.size(); ++id) {
      const Tensor& x = graph_.tensor(id);
      PlanTensor t;
      t.bound.rows = x.rows;
      t.bound.cols = x.cols;
      t.bound.stride = static_cast<std::int64_t>(row_bytes(x.dtype, x.cols));
      t.bound.element = x.dtype;
      t.bound.depth = x.depth;
      t.output_rows = sizes_.is_of_outputs(id);
      t.activation = x.role == TensorRole::activation;
      if (!t.activation) {
        t.bound.data = reinterpret_cast<unsigned char*>(x.buffer->handle()) + x.offset;
      }
      if (x.role != TensorRole::constant && x.role != TensorRole::state)
        t.bytes = sizes_.bytes_of(id);
      tensors_.push_back(t);
    }
  }

  // Small constants as floats, then the rows of rotations: numbered in that order.
  Status describe_constants() {
    for (const FloatCopy& copy : copies_.all()) {
      float_ids_.push_back(new_constant(copy.rows(graph_), copy.cols(graph_)));
    }
    auto ropes = RopeTables::find(graph_, [&](TensorId id) { return floats_of(id); });
    if (!ropes) return ropes.error();
    ropes_ = std::move(*ropes);
    for (const RopeAngles& angles : ropes_.all) {
      const auto floats = static_cast<std::int64_t>(angles.row_floats());
      rope_ids_.push_back(new_constant(options_.tokens_max, floats));
      plan_->rope_tables_.push_back({angles, nullptr});
    }
    return {};
  }

  std::vector<float> floats_of(TensorId id) const {
    const Tensor& x = graph_.tensor(id);
    std::vector<float> values(static_cast<std::size_t>(x.rows * x.cols));
    const auto* stored = reinterpret_cast<const std::byte*>(tensors_[id].bound.data);
    dequantize_row(x.dtype, stored, x.rows * x.cols, values.data());
    return values;
  }

  std::uint32_t new_activation(std::size_t bytes, std::int64_t cols = 0, std::int64_t stride = 0,
                               bool output_rows = false) {
    PlanTensor t;
    t.bound.cols = cols;
    t.bound.stride = stride;
    t.output_rows = output_rows;
    t.bytes = bytes;
    t.activation = true;
    tensors_.push_back(t);
    return static_cast<std::uint32_t>(tensors_.size() - 1);
  }

  // Memory for the plan's whole life, behind the activations.
  std::uint32_t new_constant(std::int64_t rows, std::int64_t cols) {
    PlanTensor t;
    t.bound.rows = rows;
    t.bound.cols = cols;
    t.bound.stride = cols * 4;
    t.bytes = static_cast<std::size_t>(rows * t.bound.stride);
    tensors_.push_back(t);
    constants_.push_back(static_cast<std::uint32_t>(tensors_.size() - 1));
    return constants_.back();
  }

  // Adds a phase for an op. `in` replaces the op's own inputs where they were converted.
  Phase& add_phase(std::size_t op_index, Kernel kernel, std::vector<std::uint32_t> in,
                   std::vector<std::uint32_t> out, std::int64_t item_bytes,
                   std::int64_t granularity = 1) {
    const Op& op = graph_.ops[op_index];
    Phase phase;
    phase.kernel = kernel;
    phase.op = op_index;
    const std::int64_t piece = std::max<std::int64_t>(1, item_bytes * granularity);
    phase.chunk = std::max<std::int64_t>(1, kBytesAtATime / piece) * granularity;
    phase.chunk_of_many = phase.chunk;
    KernelArgs& args = phase.args;
    args.params = op.params;
    phase.output_rows = sizes_.op_is_of_outputs(op_index);
    PhaseUse use;
    use.by_token = true;
    use.output_rows = phase.output_rows;
    for (const std::uint32_t id : in) {
      if (id != kNoTensor) use.reads.push_back(id);
    }
    use.writes = out;
    inputs_.push_back(std::move(in));
    outputs_.push_back(std::move(out));
    uses_.push_back(std::move(use));
    plan_->phases_.push_back(phase);
    return plan_->phases_.back();
  }

  // Quantised weights are multiplied with activations as 8-bit integers. The form is how long rows
  // are: those of several experts lie side by side in the activations.
  std::optional<PackedForm> form_of(const Op& product) const {
    const Tensor& weight = graph_.tensor(product.in[1]);
    const bool integers = is_quantised(weight.dtype) && kernels_.pack_activations &&
                          options_.mode == NumericMode::fast;
    return integers ? std::optional(static_cast<PackedForm>(weight.cols)) : std::nullopt;
  }

  void add_packing(std::size_t index) {
    const TensorId x = packings_.packs[index];
    const std::int64_t cols = tensors_[graph_.ops[index].in[1]].bound.cols;
    const std::int64_t rows = tensors_[x].bound.cols / cols;  // of each token
    const std::int64_t stride = kernels_.packed_stride(cols);
    const auto bytes = static_cast<std::size_t>(sizes_.op_rows(index) * rows * stride);
    packed_[index] = new_activation(bytes, cols, stride, sizes_.op_is_of_outputs(index));
    tensors_[packed_[index]].bound.depth = rows;
    Phase& phase = add_phase(index, kernels_.pack_activations, {x}, {packed_[index]}, cols * 4);
    phase.items_of_row = rows;
    uses_.back().by_token = rows == 1;
  }

  // What products of weights read: x, weight, bias or sorted experts, packed activations, and room
  // for the woven weight.
  std::vector<std::uint32_t> product_inputs(std::size_t index, std::uint32_t third) {
    const Op& op = graph_.ops[index];
    const std::size_t by = packings_.packed_by[index];
    if (by == index) add_packing(index);
    const bool integers = by != Packings::kNoOp;
    // Where integers are multiplied the float32 activations are not read; K-quants that found no
    // room for a woven copy are multiplied with them.
    const bool floats = !integers || is_k_quant(tensors_[op.in[1]].bound.element);
    return {floats ? op.in[0] : kNoTensor, op.in[1], third, integers ? packed_[by] : kNoTensor,
            kNoTensor};
  }

  // The more rows at a time, the more seldom the activations of many tokens are read.
  void chunk_of_many(Phase& phase, std::int64_t rows) const {
    const std::int64_t share = rows / (kPiecesOfMany * static_cast<std::int64_t>(threads_));
    const std::int64_t tiles = 2 * kernels_.tile_rows;
    const std::int64_t most = std::min(share, kernels_.rows_of_many) / tiles * tiles;
    phase.chunk_of_many = std::max({phase.chunk, most, tiles});
  }

  void lower_matmul(std::size_t index) {
    const Op& op = graph_.ops[index];
    const std::vector<std::uint32_t> in = inputs_of(index);
    const KernelTensor weight = tensors_[op.in[1]].bound;
    Phase& phase =
        add_phase(index, kernels_.matmul, product_inputs(index, in.size() > 2 ? in[2] : kNoTensor),
                  {op.out}, weight.stride, kernels_.tile_rows);
    phase.by_token = uses_.back().by_token = false;
    phase.items = weight.rows;
    chunk_of_many(phase, weight.rows);
  }

  void lower_matmul_experts(std::size_t index) {
    const Op& op = graph_.ops[index];
    const KernelTensor weight = tensors_[op.in[1]].bound;
    std::uint32_t& sorted = sorted_[op.in[2]];
    if (sorted == kNoTensor || tensors_[sorted].bound.depth != weight.depth) {
      const std::int64_t pairs = sizes_.op_rows(index) * tensors_[op.in[2]].bound.cols;
      sorted = new_activation(
          static_cast<std::size_t>(kernels_.sorted_experts_bytes(weight.depth, pairs)));
      tensors_[sorted].bound.depth = weight.depth;
      Phase& phase =
          add_phase(index, kernels_.sort_experts, {op.in[2], op.in[1]}, {sorted}, kBytesAtATime);
      phase.by_token = uses_.back().by_token = false;
      phase.items = 1;
    }
    Phase& phase = add_phase(index, kernels_.matmul_experts, product_inputs(index, sorted),
                             {op.out}, weight.stride, kernels_.tile_rows);
    phase.by_token = uses_.back().by_token = false;
    phase.count_items = kernels_.expert_items;
    chunk_of_many(phase, weight.rows * weight.depth);
  }

  void lower_attention(std::size_t index) {
    const Op& op = graph_.ops[index];
    const bool combine = kernels_.combine_attention != nullptr;
    std::vector<std::uint32_t> outs{op.out};
    if (combine) {
      KernelArgs shape;
      shape.params = op.params;
      outs.push_back(new_activation(static_cast<std::size_t>(
          kernels_.attention_partials(shape, options_.tokens_max, options_.sequences_max))));
    }
    Phase& phase = add_phase(index, kernels_.attention, op.in, outs, kBytesAtATime);
    phase.by_token = uses_.back().by_token = false;
    phase.count_items = kernels_.attention_items;
    if (combine) {
      add_phase(index, kernels_.combine_attention, {outs[1]}, {op.out},
                tensors_[op.out].bound.stride);
    }
  }

  // What kernels read for each input of an op.
  std::vector<std::uint32_t> inputs_of(std::size_t index) const {
    const Op& op = graph_.ops[index];
    std::vector<std::uint32_t> in = op.in;
    for (std::size_t i = 0; i < in.size(); ++i) {
      const std::size_t copy = copies_.of(op, i);
      if (copy != FloatCopies::kNone) in[i] = float_ids_[copy];
    }
    if (op.kind == OpKind::rope) {
      in.resize(2);
      in[1] = rope_ids_[ropes_.of_op[index]];
    }
    return in;
  }

  void lower(std::size_t index) {
    const Op& op = graph_.ops[index];
    if (op.kind == OpKind::matmul) return lower_matmul(index);
    if (op.kind == OpKind::matmul_experts) return lower_matmul_experts(index);
    if (op.kind == OpKind::attention) return lower_attention(index);
    for (const TensorId id : {op.out, op.out2}) {
      if (id != kNoTensor) sorted_[id] = kNoTensor;
    }
    std::vector<std::uint32_t> outs;
    for (const TensorId id : {op.out, op.out2}) {
      if (id != kNoTensor) outs.push_back(id);
    }
    const std::int64_t row = tensors_[op.out == kNoTensor ? op.in[0] : op.out].bound.stride;
    const std::vector<std::uint32_t> in = inputs_of(index);
    if (op.kind == OpKind::short_conv) {
      add_phase(index, kernels_.short_conv_append, in, {}, row);
      uses_.back().reads = {op.in[1]};
      uses_.back().writes = {op.in[4]};
      add_phase(index, kernels_.short_conv, in, outs, row);
      uses_.back().reads = {op.in[0], op.in[1]};
      uses_.back().reads_across = {op.in[4]};
      return;
    }
    add_phase(index, kernels_.*kernel_of(op.kind), in, outs, row);
    PhaseUse& use = uses_.back();
    if (op.kind == OpKind::output_rows) use.reads_across = std::exchange(use.reads, {});
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      if (input_role(op, i) == OpInput::written_state && has_input(op, i)) {
        use.writes.push_back(op.in[i]);
      }
    }
  }

  // Of ops that one phase makes row by row.
  static Kernel Kernels::*kernel_of(OpKind kind) {
    switch (kind) {
#define X(op)      \
  case OpKind::op: \
    return &Kernels::op;
      MNEME_ROW_OPS(X)
#undef X
      default:
        break;
    }
    CHECK(false && "made of several phases, or in pieces of its own");
    return nullptr;
  }

  void weave_weights() {
    std::vector<std::size_t> phases;
    std::vector<WovenWeight> weights;
    for (std::size_t p = 0; p < plan_->phases_.size(); ++p) {
      const Kernel kernel = plan_->phases_[p].kernel;
      const bool product = kernel == kernels_.matmul || kernel == kernels_.matmul_experts;
      if (!product || inputs_[p][3] == kNoTensor) continue;
      const std::uint32_t weight = inputs_[p][1];
      KernelTensor stacked = tensors_[weight].bound;
      // Several matrices as one, where each begins with a tile.
      if (stacked.depth > 1 && stacked.rows % kernels_.woven_rows != 0) continue;
      stacked.rows *= std::exchange(stacked.depth, 1);
      phases.push_back(p);
      weights.push_back({stacked, graph_.tensors[weight].buffer->id()});
    }
    const std::vector<KernelTensor> woven = weaver_.weave(weights, plan_->woven_);
    for (std::size_t i = 0; i < phases.size(); ++i) {
      if (woven[i].data == nullptr) continue;
      PlanTensor t;
      t.bound = woven[i];
      tensors_.push_back(t);
      inputs_[phases[i]][4] = static_cast<std::uint32_t>(tensors_.size() - 1);
    }
  }

  Status take_memory() {
    ActivationLives lives(tensors_.size());
    for (std::size_t b = 0; b < plan_->groups_.size(); ++b) {
      for (std::size_t p = plan_->groups_[b].first; p < plan_->groups_[b].end; ++p) {
        for (const auto* ids : {&inputs_[p], &outputs_[p]}) {
          for (const std::uint32_t id : *ids) {
            if (id == kNoTensor || !tensors_[id].activation) continue;
            lives.touch(id, tensors_[id].bytes, b);
          }
        }
      }
    }
    const std::size_t activations = lives.place();
    const auto aligned = [](std::size_t n) { return round_up(n, kScratchAlign); };
    std::size_t bytes = activations;
    for (const std::uint32_t id : constants_) bytes += aligned(tensors_[id].bytes);
    for (std::size_t p = 0; p < plan_->phases_.size(); ++p) {
      bind(p);  // scratch depends on shapes only
      const Phase& phase = plan_->phases_[p];
      std::int64_t scratch = 0;
      if (phase.kernel == kernels_.matmul) scratch = kernels_.matmul_scratch(phase.args);
      if (phase.kernel == kernels_.route) scratch = kernels_.route_scratch(phase.args);
      if (phase.kernel == kernels_.matmul_experts) {
        scratch = kernels_.matmul_experts_scratch(phase.args);
      }
      if (phase.kernel == kernels_.attention) scratch = kernels_.attention_scratch(phase.args);
      plan_->scratch_bytes_ =
          std::max(plan_->scratch_bytes_, aligned(static_cast<std::size_t>(scratch)));
    }
    auto memory = alloc_host_memory(bytes + plan_->scratch_bytes_ * threads_);
    if (!memory) return memory.error().with("preparing the model's working memory");
    plan_->memory_ = std::move(*memory);
    std::byte* base = plan_->memory_.host().data();
    for (std::size_t id = 0; id < tensors_.size(); ++id) {
      const auto offset = lives.offset_of(id);
      if (offset) tensors_[id].bound.data = reinterpret_cast<unsigned char*>(base + *offset);
    }
    std::size_t at = activations;
    for (const std::uint32_t id : constants_) {
      tensors_[id].bound.data = reinterpret_cast<unsigned char*>(base + at);
      at += aligned(tensors_[id].bytes);
    }
    plan_->scratch_ = base + at;
    return {};
  }

  void bind(std::size_t p) {
    KernelArgs& args = plan_->phases_[p].args;
    for (std::size_t i = 0; i < inputs_[p].size(); ++i) {
      args.in[i] = inputs_[p][i] == kNoTensor ? KernelTensor() : tensors_[inputs_[p][i]].bound;
    }
    if (!outputs_[p].empty()) args.out = tensors_[outputs_[p][0]].bound;
    if (outputs_[p].size() > 1) args.out2 = tensors_[outputs_[p][1]].bound;
    if (plan_->phases_[p].kernel == kernels_.pack_activations) {
      args.in[0].cols = args.out.cols;
      args.in[0].stride = args.out.cols * 4;
    }
  }

  Status fill_constants() {
    for (std::size_t i = 0; i < float_ids_.size(); ++i) {
      const auto values =
          copies_.all()[i].values(graph_, [&](TensorId id) { return floats_of(id); });
      if (!values) return values.error();
      std::memcpy(tensors_[float_ids_[i]].bound.data, values->data(),
                  values->size() * sizeof(float));
    }
    for (std::size_t i = 0; i < rope_ids_.size(); ++i) {
      plan_->rope_tables_[i].rows = reinterpret_cast<float*>(tensors_[rope_ids_[i]].bound.data);
    }
    return {};
  }

  void describe_ops() {
    plan_->segments_ = graph_.segments;
    plan_->times_.begin(graph_.ops.size());
  }

  const Graph& graph_;
  const CompileOptions& options_;
  const Kernels& kernels_;
  Weaver& weaver_;
  const std::size_t threads_;
  std::unique_ptr<CpuPlan> plan_;
  const PlanSizes sizes_;
  const FloatCopies copies_;
  const Packings packings_;
  std::vector<std::uint32_t> packed_;  // [ops]: what they packed
  std::vector<std::uint32_t> sorted_;  // [tensors]: of ids, pairs by expert
  RopeTables ropes_;
  std::vector<PlanTensor> tensors_;
  std::vector<std::uint32_t> constants_;  // of new_constant()
  std::vector<std::uint32_t> float_ids_;  // [copies]
  std::vector<std::uint32_t> rope_ids_;  // [rope tables]
  // Of each phase, by tensor number:
  std::vector<PhaseUse> uses_;
  std::vector<std::vector<std::uint32_t>> inputs_;
  std::vector<std::vector<std::uint32_t>> outputs_;
};

}  // namespace

Result<std::unique_ptr<Plan>> compile_for_cpu(const Graph& graph, const CompileOptions& options,
                                              const Kernels& kernels, Weaver& weaver, int threads) {
  RETURN_IF_ERROR(check_ops(graph, "the CPU", why_unsupported));
  return Compiler(graph, options, kernels, weaver, threads).run();
}

}  // namespace mneme
