// SPDX-License-Identifier: Apache-2.0
// From a graph's ops to dispatches: which shader, which memory, which constants.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "base/check.h"
#include "base/round_up.h"
#include "gpu/op_check.h"
#include "gpu/op_table.h"
#include "gpu/plan/activation_memory.h"
#include "gpu/plan/constants.h"
#include "gpu/plan/fused_gate_conv.h"
#include "gpu/plan/fusions.h"
#include "gpu/plan/matmul_add.h"
#include "gpu/plan/packings.h"
#include "gpu/plan/plan_sizes.h"
#include "gpu/vulkan/choices.h"
#include "gpu/vulkan/plan_constants.h"
#include "gpu/vulkan/vulkan_plan.h"

namespace mneme {
namespace {

constexpr std::int64_t kFewTokens = 8;
constexpr std::size_t kAlign = 256;
constexpr std::size_t kNoOp = Packings::kNoOp;

std::size_t aligned(std::size_t bytes) {
  return round_up(bytes, kAlign);
}

class Compiler {
 public:
  Compiler(const Graph& graph, const CompileOptions& options, const VulkanCompiler& with)
      : graph_(graph),
        with_(with),
        shape_(VulkanShape::of(with.device->physical())),
        fast_(options.mode == NumericMode::fast),
        sizes_(graph, options),
        fusions_(Fusions::find(graph, 1)),
        plan_(std::make_unique<VulkanPlan>(with.device)) {
    plan_->groups_wanted_ = shape_.groups_wanted;
    plan_->layout_ = with.programs.layout();
    plan_->segments_ = graph.segments;
    plan_->times_.begin(graph.ops.size());
  }

  Result<std::unique_ptr<Plan>> run() {
    plan_->limits_ = sizes_.limits();
    RETURN_IF_ERROR(check_state_sizes(graph_, plan_->limits_));
    find_packings();
    RETURN_IF_ERROR(place_activations_of_ops());
    RETURN_IF_ERROR(make_constants());
    RETURN_IF_ERROR(describe_step());
    for (VulkanPlan::Variant& variant : plan_->variants_) {
      for (const Segment& segment : graph_.segments) {
        variant.first.push_back(variant.dispatches.size());
        for (std::size_t i = segment.first_op; i < segment.end_op; ++i) {
          const bool fused = fusions_.gate_conv[i] && variant.tokens_max <= kFusedGateConvTokensMax;
          RETURN_IF_ERROR(fused ? add_fused_gate_conv(i, variant) : lower(i, variant));
          if (fused || fusions_.sum[i] != 0) ++i;  // the convolution, the sum
        }
      }
      variant.first.push_back(variant.dispatches.size());
    }
    for (VulkanPlan::Variant& variant : plan_->variants_) {
      RETURN_IF_ERROR(plan_->record(variant, false));
    }
    return std::unique_ptr<Plan>(std::move(plan_));
  }

 private:
  // What products read: quantised weights activations as integers, matrix units halves.
  void find_packings() {
    const auto if_true = [](bool reads) {
      return reads ? std::optional<PackedForm>(0) : std::nullopt;
    };
    integers_ = Packings::find(
        graph_,
        [&](const Op& product) {
          return if_true(product.kind == OpKind::matmul && fast_ &&
                         with_.device->physical().integer_dot &&
                         is_quantised(weight_type(product)));
        },
        [&](const Op& maker) {
          return maker.kind == OpKind::glu ||
                 (maker.kind == OpKind::rms_norm && makes_whole_rows(graph_, maker));
        });
    halves_ = Packings::find(graph_, [&](const Op& product) {
      return if_true(product.kind == OpKind::matmul && fast_ && shape_.matrix.subgroups > 0 &&
                     !sizes_.is_of_outputs(product.out) && is_half(product));
    });
  }

  // Workgroups of an attention's row without a split.
  static std::uint32_t attention_groups(const Op& op) {
    return static_cast<std::uint32_t>(op.params.attention.n_heads) /
           heads_of_group(op.params.attention);
  }

  // Whether rows of these begin where vectors of 16 bytes may, when their widths are multiples.
  bool is_wide(std::initializer_list<TensorId> ids) const {
    return std::all_of(ids.begin(), ids.end(),
                       [&](TensorId id) { return addresses_[id] % 16 == 0; });
  }

  DType weight_type(const Op& product) const { return graph_.tensor(product.in[1]).dtype; }

  // Whether a half holds what the weights of a product are.
  bool is_half(const Op& product) const {
    return is_quantised(weight_type(product)) || weight_type(product) == DType::f16;
  }

  // Packed activations: values, then what they were divided by.
  struct Packed {
    std::uint64_t values = 0;  // device addresses
    std::uint64_t scales = 0;
    std::uint64_t end = 0;

    VulkanRange range(bool writes) const { return {values, end, writes}; }
  };
  // Of an op that packs activations as integers: a byte a value, 8 bytes a block of 32.
  Packed integers_at(std::size_t index) const {
    const std::size_t count = packed_rows(index) * cols_of(integers_.packs[index]);
    const std::uint64_t at = scratch_[index];
    return {at, at + count, at + count + count / 32 * 8};
  }
  // As halves: 2 bytes a value of rows filled up to whole blocks, 4 bytes a row.
  Packed halves_at(std::size_t index) const {
    const std::size_t rows = packed_rows(index);
    const std::size_t bytes = rows * round_up(cols_of(halves_.packs[index]), 32) * 2;
    const std::uint64_t at = scratch_[graph_.ops.size() + index];
    return {at, at + bytes, at + bytes + rows * sizeof(float)};
  }
  std::size_t packed_rows(std::size_t index) const {
    return static_cast<std::size_t>(sizes_.op_rows(index));
  }
  std::size_t cols_of(TensorId id) const {
    return static_cast<std::size_t>(graph_.tensor(id).cols);
  }
  // Of an attention: the splits' results.
  std::size_t split_bytes(const Op& op) const {
    // Rows times splits are at most this (split_positions()).
    const std::size_t parts = std::max<std::size_t>(
        kFewTokens, shape_.groups_wanted / std::max(1u, plan_->attention_groups_));
    const AttentionParams& p = op.params.attention;
    const auto values = static_cast<std::size_t>(p.head_dim + 2);
    return parts * static_cast<std::size_t>(p.n_heads) * values * sizeof(float);
  }

  Status place_activations_of_ops() {
    for (const Op& op : graph_.ops) {
      if (op.kind != OpKind::attention) continue;
      const std::uint32_t groups = attention_groups(op);
      std::uint32_t& fewest = plan_->attention_groups_;
      fewest = fewest == 0 ? groups : std::min(fewest, groups);
    }
    const std::size_t tensors = graph_.tensors.size();
    const std::size_t ops = graph_.ops.size();
    scratch_.assign(2 * ops, 0);
    ActivationLives lives(tensors + scratch_.size());  // behind tensors the ops' scratch
    // Whole pieces: activations begin where vectors may.
    touch_activations(lives, graph_, sizes_, fusions_, kAlign);
    for (std::size_t i = 0; i < ops; ++i) {
      if (graph_.ops[i].kind == OpKind::attention) {
        lives.touch(tensors + i, aligned(split_bytes(graph_.ops[i])), i);
      }
      // Nothing is placed yet: addresses are sizes.
      if (integers_.packs[i] != kNoTensor) {
        lives.touch(tensors + i, aligned(integers_at(i).end), i);
      }
      if (halves_.packs[i] != kNoTensor) {
        lives.touch(tensors + ops + i, aligned(halves_at(i).end), i);
      }
      if (const std::size_t by = integers_.packed_by[i]; by != kNoOp) {
        lives.touch(tensors + by, 0, i);
      }
      if (const std::size_t by = halves_.packed_by[i]; by != kNoOp) {
        lives.touch(tensors + ops + by, 0, i);
      }
    }
    auto buffer =
        with_.memory->alloc(std::max<std::size_t>(lives.place(), 4), VulkanMemoryUse::device);
    if (!buffer) return buffer.error().with("preparing the model's working memory");
    plan_->activations_ = std::move(*buffer);
    for (std::size_t i = 0; i < scratch_.size(); ++i) {
      if (const auto offset = lives.offset_of(tensors + i)) {
        scratch_[i] = plan_->activations_.handle() + *offset;
      }
    }
    addresses_.assign(tensors, 0);
    for (TensorId id = 0; id < tensors; ++id) {
      const Tensor& x = graph_.tensor(id);
      if (x.role != TensorRole::activation) {
        addresses_[id] = x.buffer->handle() + x.offset;
      } else if (const auto offset = lives.offset_of(id)) {
        addresses_[id] = plan_->activations_.handle() + *offset;
      }
    }
    return {};
  }

  // Lays out the step's memory: header, tokens, output tokens, rope tables, workgroup counts.
  Status describe_step() {
    const auto tokens = static_cast<std::size_t>(plan_->limits_.tokens_max);
    plan_->outputs_offset_ = aligned(16 * (1 + tokens));
    const auto outputs = static_cast<std::size_t>(plan_->limits_.outputs_max);
    step_bytes_ = plan_->outputs_offset_ + aligned(4 * outputs);
    auto ropes = RopeTables::find(graph_, [&](TensorId id) { return floats_of(id); });
    if (!ropes) return ropes.error();
    rope_of_ = std::move(ropes->of_op);
    for (RopeAngles& angles : ropes->all) {
      const std::size_t bytes = tokens * angles.row_floats() * sizeof(float);
      plan_->rope_tables_.push_back({std::move(angles), step_bytes_});
      step_bytes_ += aligned(bytes);
    }
    // A conservative count: no op has more than two dispatches.
    for (const std::int64_t tokens_max : {std::int64_t{1}, kFewTokens, plan_->limits_.tokens_max}) {
      const bool last = tokens_max >= plan_->limits_.tokens_max;
      VulkanPlan::Variant variant;
      variant.tokens_max = last ? plan_->limits_.tokens_max : tokens_max;
      variant.splits = variant.tokens_max <= kFewTokens;
      variant.groups_offset = step_bytes_;
      step_bytes_ += aligned(2 * graph_.ops.size() * sizeof(VkDispatchIndirectCommand));
      plan_->variants_.push_back(std::move(variant));
      if (last) break;
    }
    auto step = with_.memory->alloc(step_bytes_, VulkanMemoryUse::step);
    if (!step) return step.error().with("preparing the model's working memory");
    plan_->step_ = std::move(*step);
    plan_->step_place_ = with_.memory->place(plan_->step_.handle());
    return {};
  }

  // The values of a small constant.
  Result<std::vector<float>> floats_of(TensorId id) {
    const Tensor& x = graph_.tensor(id);
    std::vector<std::byte> stored(sizes_.bytes_of(id));
    RETURN_IF_ERROR(with_.transfer.download(x.buffer->handle() + x.offset, stored));
    std::vector<float> values(static_cast<std::size_t>(x.rows * x.cols));
    dequantize_row(x.dtype, stored.data(), x.rows * x.cols, values.data());
    return values;
  }

  std::uint64_t params_at(std::size_t index) const {
    return plan_->constants_.handle() + index * sizeof(OpParams);
  }

  Status make_constants() {
    auto made =
        plan_constants(graph_, fusions_.gate_conv, [&](TensorId id) { return floats_of(id); });
    if (!made) return made.error();
    fused_gate_conv_constants_ = std::move(made->fused_gate_convs);
    if (made->values.empty()) return {};
    const auto bytes = std::as_bytes(std::span(made->values));
    auto buffer = with_.memory->alloc(bytes.size(), VulkanMemoryUse::device);
    if (!buffer) return buffer.error().with("preparing the model's working memory");
    plan_->constants_ = std::move(*buffer);
    return with_.transfer.upload(plan_->constants_.handle(), bytes);
  }

  // Adds a dispatch with what all ops share: addresses, types, flags, parameters.
  Status add(std::size_t index, VulkanPlan::Variant& variant, std::string_view shader,
             std::vector<std::uint32_t> constants, const VulkanGrid& grid, bool matrix = false) {
    const Op& op = graph_.ops[index];
    auto pipeline = with_.programs.get(shader, std::move(constants), matrix);
    if (!pipeline) return pipeline.error();
    VulkanDispatch dispatch;
    dispatch.pipeline = *pipeline;
    dispatch.grid = grid;
    dispatch.op = index;
    VulkanPush& push = dispatch.push;
    push.step = plan_->step_.handle();
    push.flags = sizes_.op_is_of_outputs(index) ? 1 : 0;
    const auto touch = [&](TensorId id, bool writes) {
      const std::uint64_t begin = addresses_[id];
      dispatch.ranges.push_back({begin, begin + sizes_.bytes_of(id), writes});
    };
    for (std::size_t k = 0; k < op.in.size(); ++k) {
      if (op.in[k] == kNoTensor) continue;
      const Tensor& x = graph_.tensor(op.in[k]);
      push.in[k] = addresses_[op.in[k]];
      push.types |= static_cast<std::uint32_t>(x.dtype) << (4 * k);
      // The convolution's own dispatch reads what the one before it appended.
      touch(op.in[k], input_role(op, k) == OpInput::written_state && shader != "short_conv");
    }
    if (op.kind == OpKind::rope) {
      push.in[1] = plan_->step_.handle() + plan_->rope_tables_[rope_of_[index]].offset;
    }
    const std::array<TensorId, 2> outs{op.out, op.out2};
    for (std::size_t k = 0; k < outs.size(); ++k) {
      if (outs[k] == kNoTensor) continue;
      push.out[k] = addresses_[outs[k]];
      touch(outs[k], true);
    }
    const auto word = [](auto value) { return static_cast<std::uint32_t>(value); };
    push.cols = word(graph_.tensor(op.in[op.kind == OpKind::engram_gate ? 2 : 0]).cols);
    if (op.kind == OpKind::matmul) push.rows = word(graph_.tensor(op.in[1]).rows);
    for (const TensorId id : op.in) {
      if (id == kNoTensor || op.kind == OpKind::table_decode) continue;
      if (graph_.tensor(id).role == TensorRole::state) push.rows = word(graph_.tensor(id).rows);
    }
    push.params = params_at(index);
    if (op.kind == OpKind::short_conv) push.taps = word(graph_.tensor(op.in[3]).cols);
    variant.dispatches.push_back(std::move(dispatch));
    return {};
  }

  // Op `index`, a gate, and the convolution behind it.
  Status add_fused_gate_conv(std::size_t index, VulkanPlan::Variant& variant) {
    const Op& gate = graph_.ops[index];
    const Op& conv = graph_.ops[index + 1];
    auto pipeline = with_.programs.get("fused_gate_conv", {shape_.row_lanes});
    if (!pipeline) return pipeline.error();
    VulkanDispatch dispatch;
    dispatch.pipeline = *pipeline;
    dispatch.grid = {VulkanGrid::Kind::rows,
                     static_cast<std::uint32_t>(gate.params.engram_gate.streams)};
    dispatch.op = index;
    VulkanPush& push = dispatch.push;
    push.step = plan_->step_.handle();
    const auto use = [&](TensorId id, std::uint64_t& address, bool writes) {
      address = addresses_[id];
      dispatch.ranges.push_back({address, address + sizes_.bytes_of(id), writes});
    };
    use(gate.in[0], push.in[0], false);
    use(gate.in[1], push.in[1], false);
    use(gate.in[2], push.in[2], false);
    push.in[3] = plan_->constants_.handle() + fused_gate_conv_constants_[index];
    use(conv.in[4], push.in[4], true);
    use(conv.out, push.out[0], true);
    use(gate.out2, push.out[1], true);
    use(conv.out2, push.out2, true);
    push.types = static_cast<std::uint32_t>(graph_.tensor(conv.in[4]).dtype) << 16;
    push.rows = static_cast<std::uint32_t>(graph_.tensor(conv.in[4]).rows);
    push.cols = static_cast<std::uint32_t>(graph_.tensor(gate.in[2]).cols);
    push.params = params_at(index + 1);
    push.taps = static_cast<std::uint32_t>(graph_.tensor(conv.in[3]).cols);
    variant.dispatches.push_back(std::move(dispatch));
    return {};
  }

  // A lane for each of `width` values of a row.
  Status add_values(std::size_t index, VulkanPlan::Variant& variant, std::string_view shader,
                    std::int64_t width) {
    return add(index, variant, shader, {shape_.lanes},
               {VulkanGrid::Kind::values, static_cast<std::uint32_t>(width), shape_.lanes});
  }
  // `width` workgroups for each row.
  Status add_rows(std::size_t index, VulkanPlan::Variant& variant, std::string_view shader,
                  std::int64_t width) {
    return add(index, variant, shader, {shape_.row_lanes},
               {VulkanGrid::Kind::rows, static_cast<std::uint32_t>(width)});
  }

  Status add_attention(std::size_t index, VulkanPlan::Variant& variant) {
    const Op& op = graph_.ops[index];
    const AttentionParams& p = op.params.attention;
    const auto dim = static_cast<std::uint32_t>(p.head_dim);
    const auto heads = static_cast<std::uint32_t>(p.n_heads);
    const std::string_view state = dtype_info(graph_.tensor(op.in[1]).dtype).name;
    const std::uint32_t group = heads_of_group(p);
    const bool wide = dim % 4 == 0 && is_wide({op.in[0], op.in[1], op.in[2], op.out});
    const AttentionTile tile = AttentionTile::of(with_.device->physical(), p);
    if (!variant.splits && tile.across > 0) {
      return add(index, variant, fmt::format("attention_tile_{}", state),
                 {tile.lanes(), dim, group, wide, tile.across, tile.down, tile.positions},
                 {VulkanGrid::Kind::runs, attention_groups(op), 1, tile.tokens});
    }
    const auto share_scratch = [&] {
      VulkanDispatch& dispatch = variant.dispatches.back();
      dispatch.push.out[1] = scratch_[index];
      dispatch.ranges.push_back({scratch_[index], scratch_[index] + split_bytes(op), true});
    };
    RETURN_IF_ERROR(add(index, variant, fmt::format("attention_{}", state),
                        {shape_.lanes, dim, group, wide},
                        {VulkanGrid::Kind::splits, attention_groups(op)}));
    if (!variant.splits) return {};
    share_scratch();
    RETURN_IF_ERROR(add(index, variant, "attention_combine", {shape_.lanes, dim, kSplitsMax},
                        {VulkanGrid::Kind::joins, heads}));
    share_scratch();
    return {};
  }

  // The last dispatch also packs what op `index` packs.
  void write_packed(std::size_t index, VulkanPlan::Variant& variant) {
    VulkanDispatch& dispatch = variant.dispatches.back();
    const Packed packed = integers_at(index);
    dispatch.push.out[1] = packed.values;
    dispatch.push.out2 = packed.scales;
    dispatch.ranges.push_back(packed.range(true));
  }

  // Packs the activations of product `index`.
  Status add_packing(std::size_t index, VulkanPlan::Variant& variant) {
    const TensorId x = graph_.ops[index].in[0];
    const auto blocks = static_cast<std::uint32_t>(graph_.tensor(x).cols / 32);
    RETURN_IF_ERROR(add(index, variant, "pack_int8", {shape_.lanes, is_wide({x})},
                        {VulkanGrid::Kind::values, blocks, shape_.lanes}));
    variant.dispatches.back().ranges = {{addresses_[x], addresses_[x] + sizes_.bytes_of(x), false}};
    write_packed(index, variant);
    return {};
  }
  Status add_half_packing(std::size_t index, VulkanPlan::Variant& variant) {
    const TensorId x = graph_.ops[index].in[0];
    RETURN_IF_ERROR(add_rows(index, variant, "pack_half", 1));
    VulkanDispatch& dispatch = variant.dispatches.back();
    const Packed packed = halves_at(index);
    dispatch.push.out[0] = packed.values;
    dispatch.push.out[1] = packed.scales;
    dispatch.ranges = {{addresses_[x], addresses_[x] + sizes_.bytes_of(x), false},
                       packed.range(true)};
    return {};
  }

  // rms_norm and glu.
  Status add_packer(std::size_t index, VulkanPlan::Variant& variant) {
    const Op& op = graph_.ops[index];
    const bool packs = integers_.packs[index] != kNoTensor && reads_integers(index, variant);
    const bool norm = op.kind == OpKind::rms_norm;
    const bool wide = is_wide({op.in[0], norm ? op.out : op.in[1], op.out});
    const auto cols = static_cast<std::uint32_t>(graph_.tensor(op.out).cols);
    const std::uint32_t lanes = norm ? shape_.row_lanes : shape_.lanes;
    const VulkanGrid row{VulkanGrid::Kind::rows,
                         norm ? cols / static_cast<std::uint32_t>(op.params.rms_norm.width) : 1};
    const VulkanGrid values{VulkanGrid::Kind::values, packs ? cols / 32 : cols, lanes};
    RETURN_IF_ERROR(
        add(index, variant, op_kind_name(op.kind), {lanes, packs, wide}, norm ? row : values));
    if (packs) write_packed(index, variant);
    return {};
  }

  // How a step of a variant makes a product, or what an op with as many rows packs for one: for
  // few tokens, each weight is read once for all; for many, in tiles, on matrix units where a
  // device has them.
  bool takes_few(std::size_t index, const VulkanPlan::Variant& variant) const {
    return variant.tokens_max <= kFewTokens || sizes_.op_is_of_outputs(index);
  }
  bool reads_integers(std::size_t index, const VulkanPlan::Variant& variant) const {
    return takes_few(index, variant) || shape_.matrix.subgroups == 0;
  }

  Status add_matmul(std::size_t index, VulkanPlan::Variant& variant) {
    const Op& op = graph_.ops[index];
    const Tensor& weight = graph_.tensor(op.in[1]);
    const auto rows = static_cast<std::uint32_t>(weight.rows);
    const bool few = takes_few(index, variant);
    const std::size_t halves = few ? kNoOp : halves_.packed_by[index];
    const std::size_t integers =
        reads_integers(index, variant) ? integers_.packed_by[index] : kNoOp;
    if (halves == index) RETURN_IF_ERROR(add_half_packing(index, variant));
    if (integers == index) RETURN_IF_ERROR(add_packing(index, variant));
    const bool wide =
        addresses_[op.in[0]] % 16 == 0 &&
        (is_quantised(weight.dtype) || (addresses_[op.in[1]] % 16 == 0 && weight.cols % 8 == 0));
    const std::string shader =
        fmt::format("matmul_{}{}_{}", few ? "few" : "many",
                    halves != kNoOp ? "_matrix" : (integers != kNoOp ? "_int" : ""),
                    dtype_info(weight.dtype).name);
    if (few) {
      const auto tokens = static_cast<std::uint32_t>(variant.tokens_max == 1 ? 1 : kFewTokens);
      RETURN_IF_ERROR(add(index, variant, shader, {shape_.lanes, tokens, shape_.rows, wide},
                          {VulkanGrid::Kind::few, rows, shape_.rows, tokens}));
    } else if (halves != kNoOp) {
      const VulkanMatrixTile& tile = shape_.matrix;
      RETURN_IF_ERROR(add(index, variant, shader,
                          {tile.lanes, tile.size.m, tile.size.n, wide, tile.size.k, tile.subgroups,
                           tile.out_matrices, tile.token_matrices},
                          {VulkanGrid::Kind::tiles, rows, tile.outs(), tile.tokens()}, true));
    } else {
      RETURN_IF_ERROR(add(index, variant, shader,
                          {shape_.across * shape_.down, shape_.across, shape_.down, wide},
                          {VulkanGrid::Kind::tiles, rows, 4 * shape_.across, 4 * shape_.down}));
    }
    VulkanDispatch& dispatch = variant.dispatches.back();
    if (fusions_.sum[index] != 0) {
      const TensorId out = graph_.ops[index + 1].out;
      const TensorId other = added_to(graph_, index);
      dispatch.push.out[0] = addresses_[out];
      dispatch.push.out2 = addresses_[other];
      dispatch.ranges.push_back({addresses_[out], addresses_[out] + sizes_.bytes_of(out), true});
      dispatch.ranges.push_back(
          {addresses_[other], addresses_[other] + sizes_.bytes_of(other), false});
    }
    if (halves == kNoOp && integers == kNoOp) return {};
    const Packed packed = halves != kNoOp ? halves_at(halves) : integers_at(integers);
    dispatch.push.in[3] = packed.values;
    dispatch.push.in[4] = packed.scales;
    dispatch.ranges.push_back(packed.range(false));
    return {};
  }

  Status add_matmul_experts(std::size_t index, VulkanPlan::Variant& variant) {
    const Op& op = graph_.ops[index];
    const Tensor& weight = graph_.tensor(op.in[1]);
    const auto word = [](std::int64_t value) { return static_cast<std::uint32_t>(value); };
    const std::uint32_t chosen = word(graph_.tensor(op.in[2]).cols);
    const std::uint32_t rows = round_up(word(weight.rows), shape_.rows);
    const bool wide = is_wide({op.in[0]}) &&
                      (is_quantised(weight.dtype) || (is_wide({op.in[1]}) && weight.cols % 8 == 0));
    RETURN_IF_ERROR(add(index, variant,
                        fmt::format("matmul_experts_{}", dtype_info(weight.dtype).name),
                        {shape_.lanes, shape_.rows, 0, wide},
                        {VulkanGrid::Kind::few, chosen * rows, shape_.rows, 1}));
    VulkanPush& push = variant.dispatches.back().push;
    if (graph_.tensor(op.in[0]).cols != weight.cols) push.flags |= 2;
    push.cols = word(weight.cols);
    push.rows = word(weight.rows);
    push.depth = word(weight.depth);
    push.taps = chosen;
    return {};
  }

  Status lower(std::size_t index, VulkanPlan::Variant& variant) {
    const Op& op = graph_.ops[index];
    const auto cols = [&](std::size_t i) { return graph_.tensor(op.in[i]).cols; };
    const auto dtype = [&](std::size_t i) {
      return dtype_info(graph_.tensor(op.in[i]).dtype).name;
    };
    switch (op.kind) {
      case OpKind::embed:
        return add_values(index, variant, fmt::format("embed_{}", dtype(0)), (cols(0) + 7) / 8);
      case OpKind::rms_norm:
      case OpKind::glu:
        return add_packer(index, variant);
      case OpKind::matmul:
        return add_matmul(index, variant);
      case OpKind::rope:
        return add_values(index, variant, "rope",
                          cols(0) / op.params.rope.head_dim * ((op.params.rope.head_dim + 1) / 2));
      case OpKind::attention:
        return add_attention(index, variant);
      case OpKind::output_rows:
        RETURN_IF_ERROR(add_values(index, variant, "output_rows", cols(0)));
        variant.dispatches.back().push.in[1] = plan_->step_.handle() + plan_->outputs_offset_;
        return {};
      case OpKind::table_decode: {  // a lane for each four bytes of a row
        const bool cached = op.in.size() > 1;
        const std::int64_t orders = cached ? cols(1) / 2 : 1;
        return add_values(index, variant, cached ? "table_decode_cached" : "table_decode",
                          orders * ((cols(0) + 3) / 4));
      }
      case OpKind::route:
        return add_rows(index, variant, "route", 1);
      case OpKind::matmul_experts:
        return add_matmul_experts(index, variant);
      case OpKind::weighted_sum:
        RETURN_IF_ERROR(add_values(index, variant, "weighted_sum", cols(0) / cols(1)));
        variant.dispatches.back().push.taps = static_cast<std::uint32_t>(cols(1));
        return {};
      case OpKind::engram_gate:
        return add_rows(index, variant, "engram_gate", op.params.engram_gate.streams);
      case OpKind::short_conv:
        RETURN_IF_ERROR(
            add_rows(index, variant, "short_conv_append", op.params.short_conv.streams));
        return add_rows(index, variant, "short_conv", op.params.short_conv.streams);
      default: {  // a lane a value, under the op's name
        const std::int64_t width = op.out == kNoTensor ? cols(0) : graph_.tensor(op.out).cols;
        return add_values(index, variant, op_kind_name(op.kind), width);
      }
    }
  }

  const Graph& graph_;
  const VulkanCompiler& with_;
  const VulkanShape shape_;
  const bool fast_;
  const PlanSizes sizes_;
  const Fusions fusions_;
  std::unique_ptr<VulkanPlan> plan_;
  Packings integers_;                   // what products of quantised weights read
  Packings halves_;                     // what matrix units read
  std::vector<std::size_t> fused_gate_conv_constants_;  // by op: bytes into the plan's constants
  std::vector<std::uint64_t> addresses_;                // by TensorId
  std::vector<std::uint64_t> scratch_;  // by op, then by op for halves; 0: it has none
  std::vector<std::size_t> rope_of_;    // by op: index into rope_tables_
  std::size_t step_bytes_ = 0;
};

}  // namespace

Result<std::unique_ptr<Plan>> compile_for_vulkan(const Graph& graph, const CompileOptions& options,
                                                 const VulkanCompiler& with) {
  RETURN_IF_ERROR(check_ops(graph, with.device->physical().name, why_not_on_vulkan));
  return Compiler(graph, options, with).run();
}

}  // namespace mneme
