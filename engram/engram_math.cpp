// SPDX-License-Identifier: Apache-2.0
#include "engram/engram_math.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/half.h"
#include "engram/row_codec.h"

namespace mneme {
namespace {

constexpr double kSmallestScore = 1e-6;

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

template <class A, class B>
double dot(std::span<const A> a, std::span<const B> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

template <class T>
double mean_square(std::span<const T> x) {
  return dot(x, x) / static_cast<double>(x.size());
}

template <class T>
double norm(std::span<const T> x) {
  return std::sqrt(dot(x, x));
}

// matrix [out.size(), memory.size()]
template <class T>
void multiply(std::span<const float> matrix, std::span<const T> memory, std::span<double> out) {
  CHECK(matrix.size() == out.size() * memory.size());
  for (std::size_t r = 0; r < out.size(); ++r) {
    out[r] = dot(matrix.subspan(r * memory.size(), memory.size()), memory);
  }
}

// Into an all-zero stream nothing is a share of 0, anything else of infinity.
double write_share(std::span<const double> added, std::span<const float> before) {
  const double added_norm = norm(added);
  return added_norm == 0 ? 0 : added_norm / norm(before);
}

}  // namespace

double paper_gate(double score) {
  if (score == 0) return 0.5;
  return sigmoid(std::copysign(std::sqrt(std::max(std::abs(score), kSmallestScore)), score));
}

double v41_gate(double score) {
  return sigmoid(std::copysign(std::sqrt(std::max(std::abs(score), kSmallestScore)), score));
}

PaperEngram::PaperEngram(const EngramShape& shape, const PaperWeights& weights)
    : shape_(shape), weights_(weights) {
  const std::size_t channels = shape.streams * shape.width;
  CHECK(channels > 0 && shape.memory_width > 0);
  CHECK(weights.key_weight.size() == channels * shape.memory_width);
  CHECK(weights.key_bias.size() == channels);
  CHECK(weights.value_weight.size() == shape.width * shape.memory_width);
  CHECK(weights.value_bias.size() == shape.width);
  CHECK(weights.key_norm.size() == channels && weights.query_norm.size() == channels);
  if (!weights.conv.empty()) {
    CHECK(weights.conv_kernel >= 1 && weights.conv_dilation >= 1);
    CHECK(weights.conv.size() == channels * weights.conv_kernel);
    CHECK(weights.conv_norm.size() == channels);
  }
  reset();
}

void PaperEngram::reset() {
  const std::size_t steps =
      weights_.conv.empty() ? 0 : (weights_.conv_kernel - 1) * weights_.conv_dilation;
  history_.assign(steps * shape_.streams * shape_.width, 0.0);
}

void PaperEngram::append_gated_value(std::span<const float> hidden, std::span<const float> memory,
                                     EngramOutput& out) const {
  const std::size_t d = shape_.width;
  std::vector<double> keys(shape_.streams * d);
  std::vector<double> value(d);
  multiply(weights_.key_weight, memory, std::span(keys));
  multiply(weights_.value_weight, memory, std::span(value));
  for (std::size_t i = 0; i < d; ++i) value[i] += weights_.value_bias[i];
  for (std::size_t g = 0; g < shape_.streams; ++g) {
    const auto query = hidden.subspan(g * d, d);
    const auto key = std::span(keys).subspan(g * d, d);
    for (std::size_t i = 0; i < d; ++i) key[i] += weights_.key_bias[g * d + i];
    const double key_rms = std::sqrt(mean_square<double>(key) + weights_.gate_norm_eps);
    const double query_rms = std::sqrt(mean_square(query) + weights_.gate_norm_eps);
    double score = 0;
    for (std::size_t i = 0; i < d; ++i) {
      score += key[i] / key_rms * weights_.key_norm[g * d + i] * (query[i] / query_rms) *
               weights_.query_norm[g * d + i];
    }
    const double gate = paper_gate(score / std::sqrt(static_cast<double>(d)));
    out.gates.push_back(gate);
    for (const double v : value) out.streams.push_back(gate * v);
  }
}

void PaperEngram::add_convolution(std::span<double> gated) {
  const std::size_t d = shape_.width;
  const std::size_t channels = gated.size();
  std::vector<double> normalised(channels);
  for (std::size_t g = 0; g < shape_.streams; ++g) {
    const auto stream = std::span<const double>(gated).subspan(g * d, d);
    const double rms = std::sqrt(mean_square(stream) + weights_.conv_norm_eps);
    for (std::size_t i = 0; i < d; ++i) {
      normalised[g * d + i] = stream[i] / rms * weights_.conv_norm[g * d + i];
    }
  }
  history_.insert(history_.end(), normalised.begin(), normalised.end());
  // The history now ends with this token; tap j sees (K-1-j)*dilation tokens back.
  for (std::size_t c = 0; c < channels; ++c) {
    double y = 0;
    for (std::size_t j = 0; j < weights_.conv_kernel; ++j) {
      y += history_[j * weights_.conv_dilation * channels + c] *
           weights_.conv[c * weights_.conv_kernel + j];
    }
    gated[c] += y * sigmoid(y);
  }
  history_.erase(history_.begin(), history_.begin() + static_cast<std::ptrdiff_t>(channels));
}

EngramOutput PaperEngram::run(std::span<const float> hidden, std::span<const float> memory) {
  const std::size_t channels = shape_.streams * shape_.width;
  const std::size_t tokens = hidden.size() / channels;
  CHECK(hidden.size() == tokens * channels && memory.size() == tokens * shape_.memory_width);
  EngramOutput out;
  for (std::size_t t = 0; t < tokens; ++t) {
    const auto stream = hidden.subspan(t * channels, channels);
    append_gated_value(stream, memory.subspan(t * shape_.memory_width, shape_.memory_width), out);
    const auto added = std::span(out.streams).subspan(t * channels, channels);
    if (!weights_.conv.empty()) add_convolution(added);
    for (std::size_t g = 0; g < shape_.streams; ++g) {
      out.writes.push_back(write_share(added.subspan(g * shape_.width, shape_.width),
                                       stream.subspan(g * shape_.width, shape_.width)));
    }
  }
  return out;
}

EngramOutput v41_engram(const EngramShape& shape, const V41Weights& weights,
                        std::span<const float> hidden, std::span<const float> memory,
                        std::span<const std::uint8_t> keep) {
  const std::size_t d = shape.width;
  const std::size_t channels = shape.streams * d;
  CHECK(channels > 0 && shape.memory_width > 0);
  const std::size_t tokens = hidden.size() / channels;
  CHECK(hidden.size() == tokens * channels && memory.size() == tokens * shape.memory_width);
  CHECK(weights.q_weight.size() == channels && weights.k_weight.size() == channels);
  CHECK(keep.empty() || keep.size() == tokens);

  EngramOutput out;
  out.streams.assign(hidden.begin(), hidden.end());
  std::vector<double> kv(channels + d);
  std::vector<double> added(d);
  for (std::size_t t = 0; t < tokens; ++t) {
    const auto rows = memory.subspan(t * shape.memory_width, shape.memory_width);
    std::vector<double> input(rows.begin(), rows.end());
    if (weights.quantise_memory) quantise_activations(input);
    multiply(weights.wkv, std::span<const double>(input), std::span(kv));
    for (std::size_t g = 0; g < shape.streams; ++g) {
      const auto query = hidden.subspan(t * channels + g * d, d);
      const auto key = std::span<const double>(kv).subspan(g * d, d);
      double score = 0;
      for (std::size_t i = 0; i < d; ++i) {
        score += static_cast<double>(query[i]) * weights.q_weight[g * d + i] *
                 weights.k_weight[g * d + i] * key[i];
      }
      score /= std::sqrt(mean_square(query) + weights.eps) *
               std::sqrt(mean_square(key) + weights.eps) * std::sqrt(static_cast<double>(d));
      const bool image = !keep.empty() && keep[t] == 0;
      const double gate = image ? 0 : v41_gate(score);
      out.gates.push_back(gate);
      for (std::size_t i = 0; i < d; ++i) {
        added[i] = gate * kv[channels + i];
        out.streams[t * channels + g * d + i] += added[i];
      }
      out.writes.push_back(write_share(added, query));
    }
  }
  return out;
}

void round_to_bfloat(std::span<double> values) {
  for (double& v : values) v = bfloat_to_float(float_to_bfloat(static_cast<float>(v)));
}

}  // namespace mneme
