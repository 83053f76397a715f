// SPDX-License-Identifier: Apache-2.0
// Names of tensors on the Hugging Face hub and in GGUF: "model.layers.3.self_attn.q_proj.weight"
// is "blk.3.attn_q.weight".
#pragma once

#include <string>
#include <string_view>

#include "inference/families/hub_family.h"

namespace mneme {

// A name that is not known stays as it is: whoever needs all tensors says so.
std::string gguf_tensor_name(std::string_view hub, const HubFamily& family);
std::string hub_tensor_name(std::string_view gguf, const HubFamily& family);

}  // namespace mneme
