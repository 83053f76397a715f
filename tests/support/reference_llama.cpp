// SPDX-License-Identifier: Apache-2.0
#include "tests/support/reference_llama.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"
#include "gpu/tensor.h"

namespace mneme {
namespace {

using Vector = std::vector<double>;

struct Matrix {
  std::size_t rows = 0, cols = 0;
  Vector values;  // empty: the file has no such tensor
};

class Reference {
 public:
  Reference(const GgufFile& file, double position_scale) : file_(file), scale_(position_scale) {
    heads_ = number("attention.head_count");
    kv_heads_ = number("attention.head_count_kv");
    head_dim_ = number("embedding_length") / heads_;
    rope_dims_ = number("rope.dimension_count");
    eps_ = real("attention.layer_norm_rms_epsilon");
    rope_base_ = real("rope.freq_base");
    rope_freqs_ = tensor("rope_freqs.weight");
    keys_.resize(number("block_count"));
    values_.resize(keys_.size());
  }

  Vector step(TokenId token) {
    const Matrix embedding = tensor("token_embd.weight");
    const auto row = embedding.values.begin() +
                     static_cast<std::ptrdiff_t>(static_cast<std::size_t>(token) * embedding.cols);
    Vector x(row, row + static_cast<std::ptrdiff_t>(embedding.cols));
    for (std::size_t layer = 0; layer < keys_.size(); ++layer) {
      prefix_ = "blk." + std::to_string(layer) + ".";
      add(x, attention(layer, norm(x, prefix_ + "attn_norm")));
      add(x, feed_forward(norm(x, prefix_ + "ffn_norm")));
    }
    ++position_;
    const Matrix output = tensor("output.weight");
    return times(output.values.empty() ? embedding : output, norm(x, "output_norm"));
  }

 private:
  std::size_t number(const std::string& key) const {
    const auto value = file_.metadata().require<std::int64_t>("llama." + key);
    CHECK(value.has_value());
    return static_cast<std::size_t>(*value);
  }
  double real(const std::string& key) const {
    const auto value = file_.metadata().require<float>("llama." + key);
    CHECK(value.has_value());
    return *value;
  }

  Matrix tensor(const std::string& name) const {
    const GgufTensor* found = file_.find_tensor(name);
    if (found == nullptr) return {};
    Matrix matrix{found->dims[1], found->dims[0], {}};
    const auto cols = static_cast<std::int64_t>(matrix.cols);
    std::vector<float> row(matrix.cols);
    for (std::size_t r = 0; r < matrix.rows; ++r) {
      dequantize_row(*found->dtype, found->bytes.data() + r * row_bytes(*found->dtype, cols), cols,
                     row.data());
      matrix.values.insert(matrix.values.end(), row.begin(), row.end());
    }
    return matrix;
  }

  static void add(Vector& to, const Vector& what) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += what[i];
  }

  static Vector times(const Matrix& matrix, const Vector& x) {
    CHECK(matrix.cols == x.size());
    Vector out(matrix.rows, 0);
    for (std::size_t r = 0; r < matrix.rows; ++r) {
      for (std::size_t c = 0; c < matrix.cols; ++c)
        out[r] += matrix.values[r * matrix.cols + c] * x[c];
    }
    return out;
  }

  Vector linear(const std::string& name, const Vector& x) const {
    Vector out = times(tensor(prefix_ + name + ".weight"), x);
    const Matrix bias = tensor(prefix_ + name + ".bias");
    if (!bias.values.empty()) add(out, bias.values);
    return out;
  }

  Vector norm(const Vector& x, const std::string& name) const {
    double squares = 0;
    for (const double value : x) squares += value * value;
    const double scale = 1 / std::sqrt(squares / static_cast<double>(x.size()) + eps_);
    Vector out = tensor(name + ".weight").values;
    for (std::size_t i = 0; i < x.size(); ++i) out[i] *= x[i] * scale;
    return out;
  }

  void rotate(Vector& x) const {
    for (std::size_t head = 0; head < x.size(); head += head_dim_) {
      for (std::size_t i = 0; i < rope_dims_ / 2; ++i) {
        const double power = -2.0 * static_cast<double>(i) / static_cast<double>(rope_dims_);
        double angle = static_cast<double>(position_) / scale_ * std::pow(rope_base_, power);
        if (!rope_freqs_.values.empty()) angle /= rope_freqs_.values[i];
        const double a = x[head + 2 * i];
        const double b = x[head + 2 * i + 1];
        x[head + 2 * i] = a * std::cos(angle) - b * std::sin(angle);
        x[head + 2 * i + 1] = a * std::sin(angle) + b * std::cos(angle);
      }
    }
  }

  Vector attention(std::size_t layer, const Vector& x) {
    Vector q = linear("attn_q", x);
    Vector k = linear("attn_k", x);
    rotate(q);
    rotate(k);
    keys_[layer].push_back(k);
    values_[layer].push_back(linear("attn_v", x));
    Vector mixed(q.size(), 0);
    for (std::size_t head = 0; head < heads_; ++head) {
      const std::size_t kv = head / (heads_ / kv_heads_) * head_dim_;
      Vector weights;
      for (const Vector& key : keys_[layer]) {
        double score = 0;
        for (std::size_t i = 0; i < head_dim_; ++i) score += q[head * head_dim_ + i] * key[kv + i];
        weights.push_back(score / std::sqrt(static_cast<double>(head_dim_)));
      }
      const double most = *std::max_element(weights.begin(), weights.end());
      double total = 0;
      for (double& weight : weights) total += weight = std::exp(weight - most);
      for (std::size_t t = 0; t < weights.size(); ++t) {
        for (std::size_t i = 0; i < head_dim_; ++i) {
          mixed[head * head_dim_ + i] += weights[t] / total * values_[layer][t][kv + i];
        }
      }
    }
    return linear("attn_output", mixed);
  }

  Vector feed_forward(const Vector& x) const {
    Vector hidden = linear("ffn_gate", x);
    const Vector up = linear("ffn_up", x);
    for (std::size_t i = 0; i < hidden.size(); ++i) hidden[i] *= up[i] / (1 + std::exp(-hidden[i]));
    return linear("ffn_down", hidden);
  }

  const GgufFile& file_;
  const double scale_;
  std::size_t heads_, kv_heads_, head_dim_, rope_dims_;
  double eps_, rope_base_;
  Matrix rope_freqs_;
  std::string prefix_;
  std::size_t position_ = 0;
  std::vector<std::vector<Vector>> keys_, values_;  // [layer][position]
};

}  // namespace

std::vector<std::vector<double>> reference_logits(const GgufFile& file,
                                                  std::span<const TokenId> tokens,
                                                  double position_scale) {
  Reference reference(file, position_scale);
  std::vector<std::vector<double>> logits;
  for (const TokenId token : tokens) logits.push_back(reference.step(token));
  return logits;
}

}  // namespace mneme
