// SPDX-License-Identifier: Apache-2.0
#include "inference/model/build_graph.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

namespace mneme {
namespace {

class Transformer {
 public:
  Transformer(const ModelConfig& config, const Weights& weights, const MemoryPack* pack,
              const DeviceRows* device_rows, const KvCache& cache, const StepBuffers& io,
              const Placement& placement, std::size_t part)
      : c_(config),
        w_(weights),
        pack_(pack),
        device_rows_(device_rows),
        cache_(cache),
        io_(io),
        part_(part),
        layers_(placement.parts()[part]),
        is_last_(part + 1 == placement.parts().size()) {}

  Graph build() && {
    g_.begin_segment(std::nullopt);
    if (w_.rope_factors[part_]) rope_factors_ = constant(w_.rope_factors[part_]);

    TensorId x = first_residual();
    for (std::int64_t i = layers_.first_layer; i < layers_.end_layer; ++i) {
      layer_ = static_cast<std::int32_t>(i);
      if (const auto slot = engram_slot(i)) x = engram(x, *slot);
      x = attention(x, i);
      x = feed_forward(x, i);
    }
    if (!is_last_) return std::move(g_).finish();
    layer_ = -1;
    output_rows_only_ = true;
    const TensorId normed = g_.activation("output_norm", c_.dim);
    norm(x, w_.output_norm, normed);
    op(OpKind::matmul, {normed, constant(w_.output ? w_.output : w_.token_embd), kNoTensor},
       g_.output("logits", c_.vocab_size, io_.logits));
    return std::move(g_).finish();
  }

 private:
  TensorId first_residual() {
    if (part_ > 0) {
      return g_.input("residual_in", DType::f32, c_.dim, io_.residual_transfers[part_ - 1].to);
    }
    const TensorId x = g_.activation("embedding", c_.dim);
    op(OpKind::embed, {constant(w_.token_embd)}, x);
    return x;
  }

  // x + Wo attention(rope(Wq norm(x)), ...)
  TensorId attention(TensorId x, std::int64_t i) {
    const LayerWeights& w = w_.layers[static_cast<std::size_t>(i)];
    const std::int64_t q_dim = c_.n_heads * c_.head_dim;
    const TensorId normed = g_.activation(name("attn_norm"), c_.dim);
    norm(x, w.attn_norm, normed);
    const TensorId q = linear(normed, w.wq, w.bq, "attn_q");
    const TensorId k = linear(normed, w.wk, w.bk, "attn_k");
    const TensorId v = linear(normed, w.wv, w.bv, "attn_v");
    const TensorId q_rotated = rope(q, c_.n_heads, "attn_q_rope");
    const TensorId k_rotated = rope(k, c_.n_kv_heads, "attn_k_rope");
    const auto index = static_cast<std::size_t>(i);
    const TensorId keys =
        g_.state(name("keys"), cache_.dtype, cache_.context, c_.kv_dim(), cache_.keys[index]);
    const TensorId values =
        g_.state(name("values"), cache_.dtype, cache_.context, c_.kv_dim(), cache_.values[index]);
    op(OpKind::kv_append, {k_rotated, v, keys, values}, kNoTensor);
    const TensorId mixed = g_.activation(name("attn"), q_dim);
    OpParams params;
    params.n_heads = static_cast<std::int32_t>(c_.n_heads);
    params.n_kv_heads = static_cast<std::int32_t>(c_.n_kv_heads);
    params.head_dim = static_cast<std::int32_t>(c_.head_dim);
    op(OpKind::attention, {q_rotated, keys, values}, mixed, params);
    return add(x, linear(mixed, w.wo, w.bo, "attn_output"), "attn_residual");
  }

  // x + Wdown (silu(Wgate norm(x)) * Wup norm(x))
  TensorId feed_forward(TensorId x, std::int64_t i) {
    const LayerWeights& w = w_.layers[static_cast<std::size_t>(i)];
    const TensorId normed = g_.activation(name("ffn_norm"), c_.dim);
    norm(x, w.ffn_norm, normed);
    const TensorId gate = linear(normed, w.ffn_gate, w.b_gate, "ffn_gate");
    const TensorId up = linear(normed, w.ffn_up, w.b_up, "ffn_up");
    const TensorId hidden = g_.activation(name("ffn_hidden"), c_.hidden_dim);
    op(OpKind::swiglu, {gate, up}, hidden);
    const TensorId down = linear(hidden, w.ffn_down, w.b_down, "ffn_down");
    if (is_last_ || i + 1 < layers_.end_layer) return add(x, down, "ffn_residual");
    const TensorId out = g_.output("residual_out", c_.dim, io_.residual_transfers[part_].from);
    op(OpKind::add, {x, down}, out);
    return out;
  }

  // h + v + silu(conv(norm(v))), v = gate(h, rows) * value(rows): engram/SPEC.md, sections 5 to 8.
  TensorId engram(TensorId h, std::size_t slot) {
    const PackHeader& p = pack_->header;
    const EngramLayerWeights& w = pack_->layers[slot];
    const std::int64_t width = p.streams * c_.dim;
    g_.begin_segment(static_cast<std::int32_t>(slot));

    const TensorId e = g_.activation(name("engram_e"), p.memory_width());
    OpParams decode;
    decode.columns = p.hash.columns();
    decode.column_dims = p.column_dims;
    op(OpKind::table_decode, table_rows(slot), e, decode);

    const TensorId key = linear(e, w.key, w.key_bias, "engram_key");
    const TensorId value = linear(e, w.value, w.value_bias, "engram_value");
    const TensorId gated = g_.activation(name("engram_gated"), width);
    const TensorId gates = g_.output(name("engram_gates"), p.streams, io_.gates[slot]);
    OpParams gate;
    gate.eps = p.gate_norm_eps;
    gate.streams = p.streams;
    op(OpKind::engram_gate, {h, key, value, constant(w.key_norm), constant(w.query_norm)}, gated,
       gate, gates);

    const TensorId out = g_.activation(name("engram_residual"), width);
    const TensorId writes = g_.output(name("engram_writes"), p.streams, io_.writes[slot]);
    const TensorId history = g_.state(name("engram_conv_inputs"), DType::f32, cache_.context, width,
                                      cache_.conv_inputs[slot]);
    OpParams conv;
    conv.eps = p.conv_norm_eps;
    conv.streams = p.streams;
    conv.dilation = p.conv_dilation;
    op(OpKind::short_conv, {h, gated, constant(w.conv_norm), constant(w.conv), history}, out, conv,
       writes);
    return out;
  }

  // What table_decode reads: the rows of each token, or the n-grams that the device does not hold.
  std::vector<TensorId> table_rows(std::size_t slot) {
    const PackHeader& p = pack_->header;
    const Buffer& rows = io_.rows[slot];
    if (device_rows_ == nullptr) {
      return {g_.input(name("engram_rows"), DType::i8, p.hash.orders() * ngram_bytes(p), rows)};
    }
    const std::int64_t bytes = ngram_bytes(p);
    const auto ngrams_max = static_cast<std::int64_t>(rows.size()) / bytes;
    if (index_ == kNoTensor) {
      index_ = g_.input("engram_index", DType::i32, 2 * p.hash.orders(), io_.index);
    }
    return {g_.input(name("engram_rows"), DType::i8, bytes, rows, ngrams_max), index_,
            g_.state(name("engram_cached_rows"), DType::i8, device_rows_->entries(),
                     cached_entry_bytes(bytes), device_rows_->rows(slot))};
  }

  std::optional<std::size_t> engram_slot(std::int64_t layer) const {
    if (pack_ == nullptr) return std::nullopt;
    const auto& layers = pack_->header.hash.layers;
    for (std::size_t s = 0; s < layers.size(); ++s) {
      if (layers[s].layer_id == layer) return s;
    }
    return std::nullopt;
  }

  std::string name(std::string_view what) const { return fmt::format("blk.{}.{}", layer_, what); }

  TensorId constant(const WeightTensor& w) {
    return g_.constant(w.name, w.dtype, w.rows, w.cols, w.buffer);
  }

  void norm(TensorId x, const WeightTensor& weight, TensorId out) {
    OpParams params;
    params.eps = c_.norm_eps;
    op(OpKind::rms_norm, {x, constant(weight)}, out, params);
  }

  TensorId linear(TensorId x, const WeightTensor& weight, const WeightTensor& bias,
                  std::string_view what) {
    const TensorId out = g_.activation(name(what), weight.rows);
    op(OpKind::matmul, {x, constant(weight), bias ? constant(bias) : kNoTensor}, out);
    return out;
  }

  TensorId rope(TensorId x, std::int64_t heads, std::string_view what) {
    const TensorId out = g_.activation(name(what), heads * c_.head_dim);
    OpParams params;
    params.n_heads = static_cast<std::int32_t>(heads);
    params.head_dim = static_cast<std::int32_t>(c_.head_dim);
    params.rope_dims = static_cast<std::int32_t>(c_.rope_dims);
    params.rope_base = c_.rope_base;
    op(OpKind::rope, {x, rope_factors_}, out, params);
    return out;
  }

  TensorId add(TensorId a, TensorId b, std::string_view what) {
    const TensorId out = g_.activation(name(what), c_.dim);
    op(OpKind::add, {a, b}, out);
    return out;
  }

  void op(OpKind kind, std::vector<TensorId> in, TensorId out, const OpParams& params = {},
          TensorId out2 = kNoTensor) {
    g_.op(Op{kind, std::move(in), out, out2, params, output_rows_only_, layer_});
  }

  const ModelConfig& c_;
  const Weights& w_;
  const MemoryPack* pack_;
  const DeviceRows* device_rows_;
  const KvCache& cache_;
  const StepBuffers& io_;
  const std::size_t part_;
  const DevicePart layers_;
  const bool is_last_;
  GraphBuilder g_;
  TensorId rope_factors_ = kNoTensor;
  TensorId index_ = kNoTensor;  // one for all Engram layers
  std::int32_t layer_ = -1;
  bool output_rows_only_ = false;
};

}  // namespace

Result<StepBuffers> StepBuffers::create(const ModelConfig& config, const MemoryPack* pack,
                                        const DeviceRows* device_rows, std::int64_t tokens_max,
                                        std::int64_t outputs_max, const Placement& placement) {
  StepBuffers io;
  const auto alloc = [](Backend& backend, Buffer& to, std::int64_t rows,
                        std::size_t bytes_per_row) -> Status {
    auto buffer =
        backend.alloc(static_cast<std::size_t>(rows) * bytes_per_row, MemoryKind::host_visible);
    if (!buffer) return buffer.error().with("making room for a step");
    to = std::move(*buffer);
    return {};
  };
  RETURN_IF_ERROR(alloc(placement.of_output(), io.logits, outputs_max,
                        static_cast<std::size_t>(config.vocab_size) * 4));
  const auto& parts = placement.parts();
  const auto residual_bytes = static_cast<std::size_t>(config.dim) * 4;
  for (std::size_t p = 0; p + 1 < parts.size(); ++p) {
    ResidualTransfer& transfer = io.residual_transfers.emplace_back();
    RETURN_IF_ERROR(alloc(*parts[p].backend, transfer.from, tokens_max, residual_bytes));
    RETURN_IF_ERROR(alloc(*parts[p + 1].backend, transfer.to, tokens_max, residual_bytes));
  }
  if (pack == nullptr) return io;
  const PackHeader& p = pack->header;
  const auto rows_bytes = static_cast<std::size_t>(p.hash.columns()) * p.row_bytes();
  if (device_rows != nullptr) {
    const auto orders = static_cast<std::size_t>(p.hash.orders());
    Backend& backend = placement.of_layer(p.hash.layers.front().layer_id);  // of all of them
    RETURN_IF_ERROR(alloc(backend, io.index, tokens_max, orders * sizeof(RowLocation)));
  }
  const auto gates_bytes = static_cast<std::size_t>(p.streams) * 4;
  for (const LayerHash& layer : p.hash.layers) {
    Backend& backend = placement.of_layer(layer.layer_id);
    RETURN_IF_ERROR(alloc(backend, io.rows.emplace_back(), tokens_max, rows_bytes));
    RETURN_IF_ERROR(alloc(backend, io.gates.emplace_back(), tokens_max, gates_bytes));
    RETURN_IF_ERROR(alloc(backend, io.writes.emplace_back(), tokens_max, gates_bytes));
  }
  return io;
}

Graph build_graph(const ModelConfig& config, const Weights& weights, const MemoryPack* pack,
                  const DeviceRows* device_rows, const KvCache& cache, const StepBuffers& io,
                  const Placement& placement, std::size_t part) {
  return Transformer(config, weights, pack, device_rows, cache, io, placement, part).build();
}

}  // namespace mneme
