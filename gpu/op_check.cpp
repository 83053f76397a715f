// SPDX-License-Identifier: Apache-2.0
#include "gpu/op_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gpu/op_table.h"

namespace mneme {
namespace {

// Collects the first thing that is wrong with an op.
class Checker {
 public:
  Checker(const Graph& graph, const Op& op) : graph_(graph), op_(op) {}

  std::string run() {
    inputs();
    if (good()) (this->*kRules[static_cast<std::size_t>(op_.kind)])();
    return wrong_;
  }

 private:
  void require(bool good, const std::string& reason) {
    if (!good && wrong_.empty()) wrong_ = reason;
  }
  bool good() const { return wrong_.empty(); }

  const Tensor& in(std::size_t i) const { return graph_.tensor(op_.in[i]); }
  bool has(std::size_t i) const { return has_input(op_, i); }

  // What the table says of every op's inputs.
  void inputs() {
    const OpInfo& info = op_info(op_.kind);
    const auto most = static_cast<std::size_t>(std::count_if(
        info.in.begin(), info.in.end(), [](OpInput in) { return in != OpInput::none; }));
    require(op_.in.size() >= info.needed && op_.in.size() <= most,
            fmt::format("it has {} inputs", op_.in.size()));
    for (std::size_t i = 0; good() && i < info.needed; ++i) require(has(i), "an input is missing");
    for (std::size_t i = 0; good() && i < op_.in.size(); ++i) {
      if (!has(i)) continue;
      placed(in(i));
      switch (info.in[i]) {
        case OpInput::matrices:
          weight(i);
          break;
        case OpInput::ids:
          ids(op_.in[i]);
          break;
        case OpInput::matrix:
        case OpInput::floats:
        case OpInput::floats_transposed:
        case OpInput::rope_factors:
          weight(i);
          require(in(i).depth == 1, fmt::format("{} is {} matrices", in(i).name, in(i).depth));
          break;
        case OpInput::read_state:
        case OpInput::written_state:
          require(in(i).role == TensorRole::state, fmt::format("{} is no state", in(i).name));
          break;
        case OpInput::none:
        case OpInput::rows:
          break;
      }
    }
  }

  void placed(const Tensor& x) {
    if (x.role == TensorRole::activation) return;
    require(x.buffer != nullptr, fmt::format("{} has no memory", x.name));
    if (!good() || (x.role != TensorRole::constant && x.role != TensorRole::state)) return;
    require(
        x.depth > 0 && x.rows > 0 && x.cols > 0 && x.cols % dtype_info(x.dtype).block_values == 0,
        fmt::format("{} has the shape [{}, {}]", x.name, x.rows, x.cols));
    if (!good()) return;
    require(x.offset + static_cast<std::size_t>(x.depth * x.rows) * row_bytes(x.dtype, x.cols) <=
                x.buffer->size(),
            fmt::format("{} is larger than its memory", x.name));
  }

  // A float32 tensor with one row a token.
  void rows(TensorId id, std::int64_t cols) {
    rows(id);
    if (!good()) return;
    const Tensor& x = graph_.tensor(id);
    require(x.dtype == DType::f32,
            fmt::format("{} is {}, not F32", x.name, dtype_info(x.dtype).name));
    require(x.cols == cols && cols > 0,
            fmt::format("{} has {} columns, not {}", x.name, x.cols, cols));
  }

  void ids(TensorId id) {
    rows(id);
    if (!good()) return;
    const Tensor& x = graph_.tensor(id);
    require(x.dtype == DType::i32 && x.rows == 0 && x.cols > 0 && x.offset % 4 == 0,
            fmt::format("{} is no I32 with a row a token", x.name));
  }

  void rows(TensorId id) {
    require(id != kNoTensor, "an output is missing");
    if (!good()) return;
    const Tensor& x = graph_.tensor(id);
    placed(x);
    require(x.role != TensorRole::constant && x.role != TensorRole::state,
            fmt::format("{} does not hold a row a token", x.name));
  }

  void weight(std::size_t i) {
    require(in(i).role == TensorRole::constant, fmt::format("{} is no constant", in(i).name));
    require(is_weight_type(in(i).dtype),
            fmt::format("{} is {}", in(i).name, dtype_info(in(i).dtype).name));
  }

  void vector(std::size_t i, std::int64_t n) {
    require(in(i).rows * in(i).cols == n,
            fmt::format("{} has {} values, not {}", in(i).name, in(i).rows * in(i).cols, n));
  }

  void state(std::size_t i, std::int64_t cols) {
    require(in(i).dtype == DType::f16 || in(i).dtype == DType::f32,
            fmt::format("{} is {}", in(i).name, dtype_info(in(i).dtype).name));
    require(in(i).offset % 4 == 0, fmt::format("{} is not aligned", in(i).name));
    require(in(i).cols == cols,
            fmt::format("{} has {} columns, not {}", in(i).name, in(i).cols, cols));
  }

  void embed() { rows(op_.out, in(0).cols); }

  void rms_norm() {
    const int width = op_.params.rms_norm.width;
    require(width > 0 && in(0).cols % width == 0,
            fmt::format("it norms {} of {} values", width, in(0).cols));
    rows(op_.in[0], in(0).cols);
    vector(1, width);
    rows(op_.out, in(0).cols);
  }

  void matmul() {
    rows(op_.in[0], in(1).cols);
    if (has(2)) vector(2, in(1).rows);
    rows(op_.out, in(1).rows);
    require(op_.out != op_.in[0], "it cannot work in place");
  }

  void rope() {
    const RopeParams& p = op_.params.rope;
    require(p.head_dim > 0 && p.dims > 0 && p.dims % 2 == 0 && p.dims <= p.head_dim,
            fmt::format("it rotates {} of {} values", p.dims, p.head_dim));
    require(p.base > 0 && p.magnitude > 0, "its base or its magnitude is not positive");
    if (!good()) return;
    require(in(0).cols % p.head_dim == 0, "its heads do not fill the row");
    rows(op_.in[0], in(0).cols);
    if (has(1)) vector(1, p.dims / 2);
    rows(op_.out, in(0).cols);
  }

  void kv_append() {
    for (std::size_t i = 0; i < 2; ++i) {
      rows(op_.in[i], in(i).cols);
      state(2 + i, in(i).cols);
    }
    require(in(2).rows == in(3).rows, "its states differ in length");
  }

  void attention() {
    const AttentionParams& p = op_.params.attention;
    require(p.head_dim > 0 && p.n_kv_heads > 0 && p.n_heads > 0 && p.n_heads % p.n_kv_heads == 0,
            fmt::format("it has {} heads over {} kv heads of {} values", p.n_heads, p.n_kv_heads,
                        p.head_dim));
    if (!good()) return;
    require(p.scale > 0 && std::isfinite(p.scale) && p.cap >= 0 && p.window >= 0,
            fmt::format("its scale is {}, its cap {}, its window {}", p.scale, p.cap, p.window));
    if (!good()) return;
    rows(op_.in[0], std::int64_t{p.n_heads} * p.head_dim);
    state(1, std::int64_t{p.n_kv_heads} * p.head_dim);
    state(2, std::int64_t{p.n_kv_heads} * p.head_dim);
    require(in(1).rows == in(2).rows && in(1).dtype == in(2).dtype, "its states differ");
    rows(op_.out, std::int64_t{p.n_heads} * p.head_dim);
  }

  void glu() {
    require(op_.params.glu.activation == kSilu || op_.params.glu.activation == kGeluTanh,
            "its activation is not known");
    two_rows();
  }

  void two_rows() {
    rows(op_.in[0], in(0).cols);
    rows(op_.in[1], in(0).cols);
    rows(op_.out, in(0).cols);
  }

  void scale() {
    const ScaleParams& p = op_.params.scale;
    require(std::isfinite(p.factor) && p.cap >= 0, "its factor or its cap is no number");
    if (!good()) return;
    rows(op_.in[0], in(0).cols);
    rows(op_.out, in(0).cols);
  }

  void output_rows() {
    rows(op_.in[0], in(0).cols);
    rows(op_.out, in(0).cols);
    require(op_.out != op_.in[0], "it cannot work in place");
  }

  void table_decode() {
    require(op_.in.size() != 2, "it has an index without what it points into");
    const TableDecodeParams& p = op_.params.table_decode;
    require(p.columns > 0 && p.column_dims > 0 && p.column_dims % 32 == 0,
            fmt::format("it has {} columns of {} values", p.columns, p.column_dims));
    if (!good()) return;
    require(in(0).dtype == DType::i8 && in(0).role == TensorRole::input,
            "its rows are no I8 input");
    const std::int64_t row = p.column_dims + p.column_dims / 32;
    rows(op_.out, std::int64_t{p.columns} * p.column_dims);
    if (op_.in.size() == 1) {
      require(in(0).cols == p.columns * row, fmt::format("its rows have {} bytes", in(0).cols));
    } else {
      ngrams(p.columns * row);
    }
  }

  // table_decode of rows that are n-grams; `bytes` of a token's.
  void ngrams(std::int64_t bytes) {
    for (std::size_t i = 1; good() && i < 3; ++i) require(has(i), "an input is missing");
    if (!good()) return;
    const Tensor& index = in(1);
    require(index.dtype == DType::i32 && index.role == TensorRole::input && index.rows == 0,
            fmt::format("{} is no I32 input with a row a token", index.name));
    const std::int64_t orders = index.cols / 2;
    require(orders > 0 && index.cols % 2 == 0 && op_.params.table_decode.columns % orders == 0,
            fmt::format("{} has {} columns", index.name, index.cols));
    if (!good()) return;
    require(in(0).rows > 0 && in(0).cols * orders == bytes,
            fmt::format("its n-grams are {} of {} bytes", in(0).rows, in(0).cols));
    const Tensor& cached = in(2);
    require(cached.dtype == DType::i8, fmt::format("{} is no I8 state", cached.name));
    require(cached.cols == cached_entry_bytes(in(0).cols) && cached.offset % 4 == 0,
            fmt::format("{} has entries of {} bytes", cached.name, cached.cols));
    require(cached.rows <= std::numeric_limits<std::int32_t>::max(),
            fmt::format("{} has {} entries", cached.name, cached.rows));
  }

  void engram_gate() {
    const std::int64_t streams = op_.params.engram_gate.streams;
    require(streams > 0, "it has no streams");
    if (!good()) return;
    const std::int64_t width = streams * in(2).cols;
    rows(op_.in[0], width);
    rows(op_.in[1], width);
    rows(op_.in[2], in(2).cols);
    vector(3, width);
    vector(4, width);
    rows(op_.out, width);
    rows(op_.out2, streams);
  }

  void short_conv() {
    const ShortConvParams& p = op_.params.short_conv;
    const std::int64_t streams = p.streams;
    require(streams > 0 && p.dilation > 0, "it has no streams or no dilation");
    if (!good()) return;
    const std::int64_t width = in(0).cols;
    require(width % streams == 0, "its streams do not fill the row");
    rows(op_.in[0], width);
    rows(op_.in[1], width);
    vector(2, width);
    require(in(3).rows == width, fmt::format("its kernel has {} rows", in(3).rows));
    state(4, width);
    rows(op_.out, width);
    rows(op_.out2, streams);
  }

  void route() {
    const RouteParams& p = op_.params.route;
    const std::int64_t experts = in(0).cols;
    require(p.experts > 0 && p.groups > 0 && experts % p.groups == 0 && p.groups_kept > 0 &&
                p.groups_kept <= p.groups && p.experts <= p.groups_kept * (experts / p.groups) &&
                p.group_best > 0 && p.group_best <= experts / p.groups,
            fmt::format("it chooses {} of {} experts in {} of {} groups", p.experts, experts,
                        p.groups_kept, p.groups));
    require(p.scoring == kSoftmax || p.scoring == kSigmoid || p.scoring == kSqrtSoftplus,
            "its scoring is not known");
    require(std::isfinite(p.scale), "its scale is no number");
    if (!good()) return;
    rows(op_.in[0], experts);
    if (has(1)) vector(1, experts);
    ids(op_.out);
    rows(op_.out2, p.experts);
    require(graph_.tensor(op_.out).cols == p.experts,
            fmt::format("its ids have {} columns", graph_.tensor(op_.out).cols));
  }

  void matmul_experts() {
    const Tensor& weight = in(1);
    const std::int64_t chosen = in(2).cols;
    rows(op_.in[0], in(0).cols == weight.cols ? weight.cols : chosen * weight.cols);
    rows(op_.out, chosen * weight.rows);
    require(op_.out != op_.in[0], "it cannot work in place");
    require(weight.depth <= std::numeric_limits<std::int32_t>::max() / 2,
            fmt::format("{} are {} matrices", weight.name, weight.depth));
  }

  void weighted_sum() {
    const std::int64_t parts = in(1).cols;
    rows(op_.in[1], parts);
    require(parts > 0 && in(0).cols % parts == 0, "its parts do not fill the row");
    if (!good()) return;
    rows(op_.in[0], in(0).cols);
    rows(op_.out, in(0).cols / parts);
    require(op_.out != op_.in[0] && op_.out != op_.in[1], "it cannot work in place");
  }

  // By OpKind, of inputs that are as the table says.
  static constexpr void (Checker::*kRules[kOpKindCount])() = {
      &Checker::embed,       &Checker::rms_norm,     &Checker::matmul,
      &Checker::rope,        &Checker::kv_append,    &Checker::attention,
      &Checker::glu,         &Checker::two_rows,     &Checker::scale,
      &Checker::output_rows, &Checker::table_decode, &Checker::engram_gate,
      &Checker::short_conv,  &Checker::route,        &Checker::matmul_experts,
      &Checker::weighted_sum};

  const Graph& graph_;
  const Op& op_;
  std::string wrong_;
};

}  // namespace

std::string why_unsupported(const Graph& graph, const Op& op) {
  return Checker(graph, op).run();
}

Status check_ops(const Graph& graph, std::string_view backend,
                 std::string (*why_not)(const Graph&, const Op&)) {
  for (const Op& op : graph.ops) {
    const std::string reason = why_not(graph, op);
    if (reason.empty()) continue;
    const std::string out = op.out == kNoTensor ? "" : " to " + graph.tensor(op.out).name;
    return Error{ErrorCode::unsupported, fmt::format("{} cannot run the op {}{}: {}", backend,
                                                     op_kind_name(op.kind), out, reason)};
  }
  return {};
}

}  // namespace mneme
