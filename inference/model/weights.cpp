// SPDX-License-Identifier: Apache-2.0
#include "inference/model/weights.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace mneme {

Result<WeightTensor> bind_weight(const GgufFile& file, const std::string& name, std::int64_t rows,
                                 std::int64_t cols, Backend& backend) {
  auto found = file.require_tensor(name);
  if (!found) return found.error();
  const GgufTensor& tensor = **found;
  if (!tensor.dtype || (*tensor.dtype == DType::i8)) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: tensor {} has the type {}; Mneme computes with F32, F16, BF16, "
                             "Q4_0, Q4_1, Q8_0, Q4_K, Q5_K and Q6_K",
                             file.name(), name, tensor.type_name)};
  }
  const auto dim = [&](int i) {
    return static_cast<std::int64_t>(tensor.dims[static_cast<std::size_t>(i)]);
  };
  if (dim(0) != cols || dim(1) != rows || dim(2) != 1 || dim(3) != 1) {
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: tensor {} is {} x {}, but the model needs {} x {}", file.name(),
                             name, dim(1), dim(0), rows, cols)};
  }
  if (cols % dtype_info(*tensor.dtype).block_values != 0) {
    return Error{ErrorCode::corrupt, fmt::format("{}: rows of tensor {} are not whole blocks of {}",
                                                 file.name(), name, tensor.type_name)};
  }
  auto buffer = backend.wrap(tensor.bytes);
  if (!buffer) return buffer.error().with(fmt::format("loading {}", name));
  return WeightTensor{name, *tensor.dtype, rows, cols, std::move(*buffer)};
}

Result<WeightTensor> bind_optional_weight(const GgufFile& file, const std::string& name,
                                          std::int64_t rows, std::int64_t cols, Backend& backend) {
  if (file.find_tensor(name) == nullptr) return WeightTensor{};
  return bind_weight(file, name, rows, cols, backend);
}

namespace {

// Norm weights, biases and RoPE factors are read as float by every backend.
Status require_f32(const GgufFile& file, const WeightTensor& tensor) {
  if (!tensor || tensor.dtype == DType::f32) return {};
  return Error{ErrorCode::unsupported,
               fmt::format("{}: tensor {} has the type {}; Mneme needs it as F32", file.name(),
                           tensor.name, dtype_info(tensor.dtype).name)};
}

struct Binder {
  const GgufFile& file;
  Backend& backend;

  Status matrix(WeightTensor& to, const std::string& name, std::int64_t rows,
                std::int64_t cols) const {
    auto bound = bind_weight(file, name, rows, cols, backend);
    if (!bound) return bound.error();
    to = std::move(*bound);
    return {};
  }
  Status vector(WeightTensor& to, const std::string& name, std::int64_t cols) const {
    RETURN_IF_ERROR(matrix(to, name, 1, cols));
    return require_f32(file, to);
  }
  Status optional_vector(WeightTensor& to, const std::string& name, std::int64_t cols) const {
    if (file.find_tensor(name) == nullptr) return {};
    return vector(to, name, cols);
  }
};

Status bind_layer(const Binder& bind, const ModelConfig& c, std::int64_t index, LayerWeights& w) {
  const std::string p = fmt::format("blk.{}.", index);
  const std::int64_t q_dim = c.n_heads * c.head_dim;
  RETURN_IF_ERROR(bind.vector(w.attn_norm, p + "attn_norm.weight", c.dim));
  RETURN_IF_ERROR(bind.matrix(w.wq, p + "attn_q.weight", q_dim, c.dim));
  RETURN_IF_ERROR(bind.matrix(w.wk, p + "attn_k.weight", c.kv_dim(), c.dim));
  RETURN_IF_ERROR(bind.matrix(w.wv, p + "attn_v.weight", c.kv_dim(), c.dim));
  RETURN_IF_ERROR(bind.matrix(w.wo, p + "attn_output.weight", c.dim, q_dim));
  RETURN_IF_ERROR(bind.optional_vector(w.bq, p + "attn_q.bias", q_dim));
  RETURN_IF_ERROR(bind.optional_vector(w.bk, p + "attn_k.bias", c.kv_dim()));
  RETURN_IF_ERROR(bind.optional_vector(w.bv, p + "attn_v.bias", c.kv_dim()));
  RETURN_IF_ERROR(bind.optional_vector(w.bo, p + "attn_output.bias", c.dim));
  RETURN_IF_ERROR(bind.vector(w.ffn_norm, p + "ffn_norm.weight", c.dim));
  RETURN_IF_ERROR(bind.matrix(w.ffn_gate, p + "ffn_gate.weight", c.hidden_dim, c.dim));
  RETURN_IF_ERROR(bind.matrix(w.ffn_up, p + "ffn_up.weight", c.hidden_dim, c.dim));
  return bind.matrix(w.ffn_down, p + "ffn_down.weight", c.dim, c.hidden_dim);
}

}  // namespace

Result<Weights> Weights::bind(const GgufFile& file, const ModelConfig& config,
                              const Placement& placement) {
  Weights w;
  const Binder first{file, placement.of_embedding()};
  const Binder last{file, placement.of_output()};
  RETURN_IF_ERROR(first.matrix(w.token_embd, "token_embd.weight", config.vocab_size, config.dim));
  w.layers.resize(static_cast<std::size_t>(config.n_layers));
  for (std::int64_t i = 0; i < config.n_layers; ++i) {
    const Binder bind{file, placement.of_layer(i)};
    RETURN_IF_ERROR(bind_layer(bind, config, i, w.layers[static_cast<std::size_t>(i)]));
  }
  RETURN_IF_ERROR(last.vector(w.output_norm, "output_norm.weight", config.dim));
  const bool tied = file.find_tensor("output.weight") == nullptr;
  // One matrix serves as both where both ends of the model are on one backend.
  if (!tied || &first.backend != &last.backend) {
    RETURN_IF_ERROR(last.matrix(w.output, tied ? "token_embd.weight" : "output.weight",
                                config.vocab_size, config.dim));
  }
  for (const ModelPart& part : placement.parts()) {
    const Binder bind{file, *part.backend};
    RETURN_IF_ERROR(bind.optional_vector(w.rope_factors.emplace_back(), "rope_freqs.weight",
                                         config.rope_dims / 2));
  }

  std::map<std::string, std::uint64_t> bytes_by_type;
  for (const GgufTensor& tensor : file.tensors()) {
    w.bytes += tensor.bytes.size();
    bytes_by_type[std::string(tensor.type_name)] += tensor.bytes.size();
  }
  std::uint64_t most = 0;
  for (const auto& [type, bytes] : bytes_by_type) {
    if (bytes > most) {
      most = bytes;
      w.main_dtype = type;
    }
  }
  w.bytes_decode = tied ? w.bytes : w.bytes - w.token_embd.buffer.size();
  return w;
}

}  // namespace mneme
