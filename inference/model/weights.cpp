// SPDX-License-Identifier: Apache-2.0
#include "inference/model/weights.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <span>
#include <utility>

#include "inference/model/llama_schema.h"
#include "inference/model/type_bytes.h"

namespace mneme {

namespace {

// How many rows a tensor may have.
enum class Rows : std::uint8_t {
  exactly,
  at_least,  // of a vocabulary: rows behind its last token are padding
};

Result<const GgufTensor*> find_weight(const GgufFile& file, const std::string& name,
                                      std::int64_t rows, std::int64_t cols, Rows rule) {
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
  const bool rows_fit = rule == Rows::at_least ? dim(1) >= rows : dim(1) == rows;
  if (dim(0) != cols || !rows_fit || dim(2) != 1 || dim(3) != 1) {
    return Error{ErrorCode::corrupt,
                 fmt::format("{}: tensor {} is {} x {}, but the model needs {} x {}", file.name(),
                             name, dim(1), dim(0), rows, cols)};
  }
  if (cols % dtype_info(*tensor.dtype).block_values != 0) {
    return Error{ErrorCode::corrupt, fmt::format("{}: rows of tensor {} are not whole blocks of {}",
                                                 file.name(), name, tensor.type_name)};
  }
  return &tensor;
}

Result<WeightTensor> bind_weight(const GgufFile& file, const std::string& name, std::int64_t rows,
                                 std::int64_t cols, Rows rule, Backend& backend) {
  auto tensor = find_weight(file, name, rows, cols, rule);
  if (!tensor) return tensor.error();
  const DType dtype = *(*tensor)->dtype;
  const std::size_t bytes = static_cast<std::size_t>(rows) * row_bytes(dtype, cols);
  auto buffer = backend.wrap((*tensor)->bytes.first(bytes));
  if (!buffer) return buffer.error().with(fmt::format("loading {}", name));
  return WeightTensor{name, dtype, rows, cols, std::move(*buffer)};
}

}  // namespace

Result<const GgufTensor*> find_weight(const GgufFile& file, const std::string& name,
                                      std::int64_t rows, std::int64_t cols) {
  return find_weight(file, name, rows, cols, Rows::exactly);
}

Result<WeightTensor> bind_weight(const GgufFile& file, const std::string& name, std::int64_t rows,
                                 std::int64_t cols, Backend& backend) {
  return bind_weight(file, name, rows, cols, Rows::exactly, backend);
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
  TensorNames& bound;

  Status bind(WeightTensor& to, const std::string& name, std::int64_t rows, std::int64_t cols,
              Rows rule) const {
    auto weight = bind_weight(file, name, rows, cols, rule, backend);
    if (!weight) return weight.error();
    to = std::move(*weight);
    bound.insert(name);
    return {};
  }
  Status matrix(WeightTensor& to, const std::string& name, std::int64_t rows,
                std::int64_t cols) const {
    return bind(to, name, rows, cols, Rows::exactly);
  }
  Status vocabulary(WeightTensor& to, const std::string& name, const ModelConfig& c) const {
    return bind(to, name, c.vocab_size, c.dim, Rows::at_least);
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

// What each frequency is divided by. Linear scaling divides all of them alike.
Status bind_rope_factors(const Binder& bind, const ModelConfig& c, WeightTensor& to) {
  constexpr const char* kName = "rope_freqs.weight";
  const std::int64_t count = c.rope_dims / 2;
  std::vector<float> factors(static_cast<std::size_t>(count), c.rope_scale);
  if (const GgufTensor* stored = bind.file.find_tensor(kName); stored != nullptr) {
    RETURN_IF_ERROR(bind.vector(to, kName, count));
    for (std::size_t i = 0; i < factors.size(); ++i) {
      float factor = 0;
      std::memcpy(&factor, stored->bytes.data() + i * sizeof factor, sizeof factor);
      if (!(factor > 0) || !std::isfinite(factor)) {
        return Error{ErrorCode::corrupt,
                     fmt::format("{}: value {} of {} is {}, not a number above 0", bind.file.name(),
                                 i, kName, factor)};
      }
      factors[i] *= factor;
    }
  }
  if (c.rope_scale == 1.0f) return {};
  const auto bytes = std::as_bytes(std::span(factors));
  auto buffer = bind.backend.alloc(bytes.size(), MemoryKind::device);
  if (!buffer) return buffer.error().with("loading RoPE factors");
  RETURN_IF_ERROR(bind.backend.upload(*buffer, 0, bytes));
  to = WeightTensor{kName, DType::f32, 1, count, std::move(*buffer)};
  return {};
}

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
  RETURN_IF_ERROR(bind.matrix(w.ffn_down, p + "ffn_down.weight", c.dim, c.hidden_dim));
  RETURN_IF_ERROR(bind.optional_vector(w.b_gate, p + "ffn_gate.bias", c.hidden_dim));
  RETURN_IF_ERROR(bind.optional_vector(w.b_up, p + "ffn_up.bias", c.hidden_dim));
  return bind.optional_vector(w.b_down, p + "ffn_down.bias", c.dim);
}

}  // namespace

Result<Weights> Weights::bind(const GgufFile& file, const ModelConfig& config,
                              const Placement& placement) {
  Weights w;
  TensorNames bound;
  const Binder first{file, placement.of_embedding(), bound};
  const Binder last{file, placement.of_output(), bound};
  RETURN_IF_ERROR(first.vocabulary(w.token_embd, "token_embd.weight", config));
  w.layers.resize(static_cast<std::size_t>(config.n_layers));
  for (std::int64_t i = 0; i < config.n_layers; ++i) {
    const Binder bind{file, placement.of_layer(i), bound};
    RETURN_IF_ERROR(bind_layer(bind, config, i, w.layers[static_cast<std::size_t>(i)]));
  }
  RETURN_IF_ERROR(last.vector(w.output_norm, "output_norm.weight", config.dim));
  const bool tied = file.find_tensor("output.weight") == nullptr;
  // One matrix serves as both where both ends of the model are on one backend.
  if (!tied || &first.backend != &last.backend) {
    RETURN_IF_ERROR(
        last.vocabulary(w.output, tied ? "token_embd.weight" : "output.weight", config));
  }
  for (const DevicePart& part : placement.parts()) {
    const Binder bind{file, *part.backend, bound};
    RETURN_IF_ERROR(bind_rope_factors(bind, config, w.rope_factors.emplace_back()));
  }
  auto left_out = check_model_tensors(file, config, bound);
  if (!left_out) return left_out.error();
  w.left_out = std::move(*left_out);

  TypeBytes types;
  for (const GgufTensor& tensor : file.tensors()) {
    if (!bound.contains(tensor.name)) continue;
    w.bytes += tensor.bytes.size();
    types.add(tensor.type_name, tensor.bytes.size());
  }
  w.main_dtype = types.most();
  w.bytes_decode = w.bytes;
  if (!tied) w.bytes_decode -= file.find_tensor("token_embd.weight")->bytes.size();
  return w;
}

}  // namespace mneme
