// SPDX-License-Identifier: Apache-2.0
#include "inference/model/build_graph.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "inference/families/family.h"

namespace mneme {
namespace {

class Transformer {
 public:
  Transformer(const ModelConfig& config, const Weights& weights, const MemoryPack* pack,
              const DeviceRows* device_rows, const KvCache& cache, const StepBuffers& io,
              const Placement& placement, std::size_t part)
      : c_(config),
        pack_(pack),
        device_rows_(device_rows),
        cache_(cache),
        io_(io),
        part_(part),
        layers_(placement.parts()[part]),
        is_last_(part + 1 == placement.parts().size()),
        b_(config, weights, cache, part) {}

  Graph build() && {
    g_.begin_segment(std::nullopt);
    TensorId x = part_ == 0 ? b_.embed()
                            : g_.input("residual_in", DType::f32, c_.dim,
                                       io_.residual_transfers[part_ - 1].to);
    for (std::int64_t i = layers_.first_layer; i < layers_.end_layer; ++i) {
      b_.enter(i);
      if (const auto slot = engram_slot(i)) x = engram(x, *slot);
      x = c_.family->layer(b_, c_.layers[static_cast<std::size_t>(i)], x);
    }
    if (is_last_) {
      b_.output(x, &io_.logits);
    } else {
      g_.make_output(x, "residual_out", io_.residual_transfers[part_].from);
    }
    return std::move(b_).finish();
  }

 private:
  // h + v + silu(conv(norm(v))), v = gate(h, rows) * value(rows): engram/SPEC.md, sections 5 to 8.
  TensorId engram(TensorId h, std::size_t slot) {
    const PackHeader& p = pack_->header;
    const EngramLayerWeights& w = pack_->layers[slot];
    const std::int64_t width = p.streams * c_.dim;
    g_.begin_segment(static_cast<WaitId>(slot));

    const TensorId e = g_.activation(b_.name("engram_e"), p.memory_width());
    OpParams decode;
    decode.table_decode = {p.hash.columns(), p.column_dims};
    b_.op(OpKind::table_decode, table_rows(slot), e, decode);

    const TensorId key = project(e, w.key, w.key_bias, "engram_key");
    const TensorId value = project(e, w.value, w.value_bias, "engram_value");
    const TensorId gated = g_.activation(b_.name("engram_gated"), width);
    const TensorId gates = g_.output(b_.name("engram_gates"), p.streams, io_.gates[slot]);
    OpParams gate;
    gate.engram_gate = {p.gate_norm_eps, p.streams};
    b_.op(OpKind::engram_gate, {h, key, value, b_.constant(w.key_norm), b_.constant(w.query_norm)},
          gated, gate, gates);

    const TensorId out = g_.activation(b_.name("engram_residual"), width);
    const TensorId writes = g_.output(b_.name("engram_writes"), p.streams, io_.writes[slot]);
    const TensorId history = g_.state(b_.name("engram_conv_inputs"), DType::f32, cache_.context,
                                      width, cache_.conv_inputs[slot]);
    OpParams conv;
    conv.short_conv = {p.conv_norm_eps, p.streams, p.conv_dilation};
    b_.op(OpKind::short_conv, {h, gated, b_.constant(w.conv_norm), b_.constant(w.conv), history},
          out, conv, writes);
    return out;
  }

  // What table_decode reads: the rows of each token, or the n-grams that the device does not hold.
  std::vector<TensorId> table_rows(std::size_t slot) {
    const PackHeader& p = pack_->header;
    const Buffer& rows = io_.rows[slot];
    if (device_rows_ == nullptr) {
      return {g_.input(b_.name("engram_rows"), DType::i8, p.hash.orders() * ngram_bytes(p), rows)};
    }
    const std::int64_t bytes = ngram_bytes(p);
    const auto ngrams_max = static_cast<std::int64_t>(rows.size()) / bytes;
    if (index_ == kNoTensor) {
      index_ = g_.input("engram_index", DType::i32, 2 * p.hash.orders(), io_.index);
    }
    return {g_.input(b_.name("engram_rows"), DType::i8, bytes, rows, ngrams_max), index_,
            g_.state(b_.name("engram_cached_rows"), DType::i8, device_rows_->entries(),
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

  TensorId project(TensorId x, const WeightTensor& weight, const WeightTensor& bias,
                   std::string_view what) {
    const TensorId out = g_.activation(b_.name(what), weight.rows);
    b_.op(OpKind::matmul, {x, b_.constant(weight), b_.constant(bias)}, out);
    return out;
  }

  const ModelConfig& c_;
  const MemoryPack* pack_;
  const DeviceRows* device_rows_;
  const KvCache& cache_;
  const StepBuffers& io_;
  const std::size_t part_;
  const DevicePart layers_;
  const bool is_last_;
  ModelBuilder b_;
  GraphBuilder& g_ = b_.graph();
  TensorId index_ = kNoTensor;  // one for all Engram layers
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

ModelNeeds needs_of(const ModelConfig& config) {
  ModelBuilder b(config);
  b.graph().begin_segment(std::nullopt);
  TensorId x = b.embed();
  for (std::int64_t i = 0; i < config.n_layers(); ++i) {
    b.enter(i);
    x = config.family->layer(b, config.layers[static_cast<std::size_t>(i)], x);
  }
  b.output(x, nullptr);
  return std::move(b).needs();
}

Graph build_graph(const ModelConfig& config, const Weights& weights, const MemoryPack* pack,
                  const DeviceRows* device_rows, const KvCache& cache, const StepBuffers& io,
                  const Placement& placement, std::size_t part) {
  return Transformer(config, weights, pack, device_rows, cache, io, placement, part).build();
}

}  // namespace mneme
