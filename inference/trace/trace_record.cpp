// SPDX-License-Identifier: Apache-2.0
#include "inference/trace/trace_record.h"

#include <algorithm>

#include "base/check.h"

namespace mneme {
namespace {

template <class T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

}  // namespace

std::size_t TraceShape::layer_bytes() const {
  const std::size_t raw = std::size_t{streams} * 8 + std::size_t{orders} * 3;
  return (raw + 3) / 4 * 4;
}

std::size_t TraceShape::record_bytes() const {
  return sizeof(TraceHeader) + layers * layer_bytes();
}

float TraceRecord::gate(int layer, int stream) const {
  CHECK(layer < header_.shape.layers && stream < header_.shape.streams);
  return load<float>(layer_block(layer) + 4 * stream);
}

float TraceRecord::write(int layer, int stream) const {
  CHECK(layer < header_.shape.layers && stream < header_.shape.streams);
  return load<float>(layer_block(layer) + 4 * (header_.shape.streams + stream));
}

float TraceRecord::gate_max(int layer) const {
  float best = 0;
  for (int g = 0; g < header_.shape.streams; ++g) best = std::max(best, gate(layer, g));
  return best;
}

float TraceRecord::write_max(int layer) const {
  float best = 0;
  for (int g = 0; g < header_.shape.streams; ++g) best = std::max(best, write(layer, g));
  return best;
}

float TraceRecord::gate_max() const {
  float best = 0;
  for (int l = 0; l < header_.shape.layers; ++l) best = std::max(best, gate_max(l));
  return best;
}

float TraceRecord::write_max() const {
  float best = 0;
  for (int l = 0; l < header_.shape.layers; ++l) best = std::max(best, write_max(l));
  return best;
}

Tier TraceRecord::tier(int layer, int order) const {
  const TraceShape& s = header_.shape;
  CHECK(layer < s.layers && order < s.orders);
  return static_cast<Tier>(layer_block(layer)[8 * s.streams + 2 * s.orders + order]);
}

std::uint32_t TraceRecord::latency_us(int layer, int order) const {
  CHECK(layer < header_.shape.layers && order < header_.shape.orders);
  return load<std::uint16_t>(layer_block(layer) + 8 * header_.shape.streams + 2 * order);
}

Tier TraceRecord::slowest_tier() const {
  Tier slowest = Tier::device;
  for (int l = 0; l < header_.shape.layers; ++l) {
    for (int o = 0; o < header_.shape.orders; ++o) slowest = std::max(slowest, tier(l, o));
  }
  return slowest;
}

void TraceRecordWriter::begin(const TraceShape& shape) {
  header_ = TraceHeader{};
  header_.shape = shape;
  header_.record_bytes = static_cast<std::uint16_t>(shape.record_bytes());
  bytes_.assign(shape.record_bytes(), std::byte{0});
}

void TraceRecordWriter::set_layer(int layer, std::span<const float> gates,
                                  std::span<const float> writes) {
  const TraceShape& s = header_.shape;
  CHECK(layer < s.layers && gates.size() == s.streams && writes.size() == s.streams);
  std::byte* block = bytes_.data() + sizeof(TraceHeader) + layer * s.layer_bytes();
  std::memcpy(block, gates.data(), gates.size_bytes());
  std::memcpy(block + gates.size_bytes(), writes.data(), writes.size_bytes());
}

void TraceRecordWriter::set_tier(int layer, int order, Tier tier, std::uint32_t latency_us) {
  const TraceShape& s = header_.shape;
  CHECK(layer < s.layers && order < s.orders);
  std::byte* block = bytes_.data() + sizeof(TraceHeader) + layer * s.layer_bytes() + 8 * s.streams;
  const auto latency = static_cast<std::uint16_t>(std::min<std::uint32_t>(latency_us, 65535));
  std::memcpy(block + 2 * order, &latency, sizeof latency);
  block[2 * s.orders + order] = static_cast<std::byte>(tier);
}

std::span<const std::byte> TraceRecordWriter::finish() {
  std::memcpy(bytes_.data(), &header_, sizeof header_);
  return bytes_;
}

bool is_valid_trace_record(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(TraceHeader)) return false;
  TraceHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.record_bytes != bytes.size() || header.shape.record_bytes() != bytes.size())
    return false;
  if (header.source > TokenSource::raw_prompt || header.top_count > kTraceTopTokens) return false;
  const TraceRecord record(bytes.data());
  for (int l = 0; l < header.shape.layers; ++l) {
    for (int o = 0; o < header.shape.orders; ++o) {
      if (record.tier(l, o) > Tier::ssd_late) return false;
    }
  }
  return true;
}

}  // namespace mneme
