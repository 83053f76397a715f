// SPDX-License-Identifier: Apache-2.0
// Which backend runs which layers of a model: consecutive parts, one after the other. A model that
// fits a device runs in one part; otherwise its first layers stay on the CPU and the device has the
// rest and the output. Between two parts the residual stream passes through the host.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "gpu/backend.h"

namespace mneme {

struct DevicePart {
  Backend* backend = nullptr;
  std::int64_t first_layer = 0;
  std::int64_t end_layer = 0;
};

// The backends outlive it. Copied freely.
class Placement {
 public:
  // `layers`, all of them, on one backend.
  Placement(Backend& backend, std::int64_t layers) : parts_{{&backend, 0, layers}} {}
  // The first `cut` of `layers` on `first`, the others on `rest`; 0 < cut < layers.
  Placement(Backend& first, std::int64_t cut, Backend& rest, std::int64_t layers)
      : parts_{{&first, 0, cut}, {&rest, cut, layers}} {
    CHECK(cut > 0 && cut < layers);
  }

  const std::vector<DevicePart>& parts() const { return parts_; }
  std::size_t part_of(std::int64_t layer) const {
    std::size_t part = 0;
    while (layer >= parts_[part].end_layer) ++part;
    return part;
  }
  Backend& of_layer(std::int64_t layer) const { return *parts_[part_of(layer)].backend; }
  Backend& of_embedding() const { return *parts_.front().backend; }
  Backend& of_output() const { return *parts_.back().backend; }

 private:
  std::vector<DevicePart> parts_;
};

}  // namespace mneme
