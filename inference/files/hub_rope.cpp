// SPDX-License-Identifier: Apache-2.0
// What config.json says of rotary embeddings, old (rope_theta, rope_scaling) and new
// (rope_parameters), as transformers computes it (modeling_rope_utils.py).
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/files/hub_config.h"

namespace mneme {
namespace {

constexpr std::int64_t kHeadWidthMax = 1 << 20;

}  // namespace

void HubConfig::translate_rope(std::string_view prefix) {
  const auto setting = [&](std::string_view last) { return fmt::format("{}{}", prefix, last); };
  const bool old = !has(setting("rope_theta")) && has("rope_theta");
  const std::string theta = old ? "rope_theta" : setting("rope_theta");
  const auto base = number(theta);
  if (base) put("rope.freq_base", *base, theta);
  const std::string type_name = has(setting("rope_type")) ? setting("rope_type") : setting("type");
  const std::string type = text(type_name).value_or("default");
  if (has(setting("type")) && text(setting("type")) != type) return refuse(setting("type"));
  if (type == "default") return;
  const std::string factor_name = setting("factor");
  const auto factor = number(factor_name);
  if (type == "llama3") return compute_llama3_factors(prefix, base.value_or(10000.0));
  if (type != "linear" && type != "yarn") {
    return fail(Error{ErrorCode::unsupported,
                      fmt::format("{} uses RoPE scaling '{}', which Mneme does not compute", name_,
                                  printable(type))});
  }
  if (!factor) {
    return fail(corrupt(name_, fmt::format("{} is missing in config.json", factor_name)));
  }
  put("rope.scaling.type", std::string_view(type), type_name);
  put("rope.scaling.factor", *factor, factor_name);
  if (type == "linear") return;
  const std::string original = setting("original_max_position_embeddings");
  const std::string context = has(original) ? original : "max_position_embeddings";
  if (const auto positions = integer(context)) {
    put("rope.scaling.original_context_length", *positions, context);
  }
  for (const auto& [name, key] : {std::pair{"beta_fast", "rope.scaling.yarn_beta_fast"},
                                  {"beta_slow", "rope.scaling.yarn_beta_slow"}}) {
    if (const auto beta = number(setting(name))) put(key, *beta, setting(name));
  }
  // The factor of the scores is the usual one, or is refused.
  if (const auto attention = number(setting("attention_factor"));
      attention && std::abs(*attention - (0.1 * std::log(*factor) + 1)) > 1e-6) {
    refuse(setting("attention_factor"));
  }
  if (const auto whole = flag(setting("truncate")); whole && !*whole) refuse(setting("truncate"));
}

// A GGUF holds them as a tensor.
void HubConfig::compute_llama3_factors(std::string_view prefix, double base) {
  const auto need = [&](std::string_view last) {
    const std::string setting = fmt::format("{}{}", prefix, last);
    const auto value = number(setting);
    if (value && *value > 0) return *value;
    fail(corrupt(name_, fmt::format("{} in config.json is {}", setting,
                                    value ? "no number above 0" : "missing")));
    return 1.0;
  };
  const double factor = need("factor");
  const double low = need("low_freq_factor");
  const double high = need("high_freq_factor");
  const double context = need("original_max_position_embeddings");
  const auto heads = integer("num_attention_heads").value_or(0);
  const auto width =
      integer("head_dim").value_or(heads > 0 ? integer("hidden_size").value_or(0) / heads : 0);
  if (width < 2 || width > kHeadWidthMax || high <= low || base <= 0) {
    return fail(corrupt(name_, "the settings of its RoPE in config.json contradict each other"));
  }
  for (std::int64_t i = 0; i < width / 2; ++i) {
    const double frequency =
        std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(width));
    const double length = 2 * std::numbers::pi / frequency;  // of the wave
    double divisor = 1;
    if (length > context / low) {
      divisor = factor;
    } else if (length >= context / high) {
      const double smooth = (context / length - low) / (high - low);
      divisor = 1 / ((1 - smooth) / factor + smooth);
    }
    rope_factors_.push_back(static_cast<float>(divisor));
  }
}

}  // namespace mneme
