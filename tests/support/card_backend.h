// SPDX-License-Identifier: Apache-2.0
// The CPU under another name: the engine takes it for a device with a memory of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gpu/backend.h"

namespace mneme {

class CardBackend : public Backend {
 public:
  CardBackend(std::unique_ptr<Backend> cpu, std::uint64_t free) : cpu_(std::move(cpu)) {
    memory_.total_bytes = memory_.free_bytes = free;
  }
  std::string_view name() const override { return "card"; }
  std::string description() const override { return "a card"; }
  MemoryInfo memory() const override { return memory_; }
  bool supports(const Graph& graph, const Op& op) const override {
    return cpu_->supports(graph, op);
  }
  Result<Buffer> alloc(std::size_t bytes, MemoryKind kind) override {
    return cpu_->alloc(bytes, kind);
  }
  Result<Buffer> wrap(std::span<const std::byte> mapped) override { return cpu_->wrap(mapped); }
  Status upload(Buffer& to, std::size_t offset, std::span<const std::byte> bytes) override {
    return cpu_->upload(to, offset, bytes);
  }
  Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes) override {
    return cpu_->download(from, offset, bytes);
  }
  Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                        const CompileOptions& options) override {
    return cpu_->compile(graph, options);
  }
  void run(Plan& plan, const Segment& segment, const StepParams& step) override {
    cpu_->run(plan, segment, step);
  }
  Status finish() override { return cpu_->finish(); }
  void set_timing(Plan& plan, bool on) override { cpu_->set_timing(plan, on); }
  std::vector<OpTime> times(const Plan& plan) const override { return cpu_->times(plan); }

 private:
  const std::unique_ptr<Backend> cpu_;
  MemoryInfo memory_;
};

}  // namespace mneme
