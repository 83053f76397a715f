// SPDX-License-Identifier: Apache-2.0
// The conformance table on every backend and instruction set that this machine has.
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/conformance/not_finite.h"
#include "gpu/conformance/run_case.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/registry.h"

namespace mneme {
namespace {

void run_table(Backend& backend, NumericMode mode) {
  for (const OpCase& c : conformance_cases()) {
    if (c.large) continue;
    EXPECT_EQ(run_case(backend, c, mode).failure, "") << c.name;
  }
}

class CpuConformance : public testing::TestWithParam<std::string_view> {
 protected:
  std::unique_ptr<Backend> open(int threads) const {
    auto backend = open_backend({threads, std::string(GetParam())});
    EXPECT_TRUE(backend.has_value());
    return std::move(*backend);
  }
};

TEST_P(CpuConformance, EveryOpEqualsItsFormulaInExactMode) {
  run_table(*open(1), NumericMode::exact);
}

TEST_P(CpuConformance, EveryOpStaysCloseInFastMode) {
  run_table(*open(1), NumericMode::fast);
}

TEST_P(CpuConformance, ThreadsShareTheWork) {
  run_table(*open(3), NumericMode::fast);
}

TEST_P(CpuConformance, WhatIsNotFiniteStaysSo) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static NotFiniteCheck check({std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity});
  const NotFinite result = check.run(*open(1), NumericMode::fast);
  EXPECT_EQ(result.failures, std::vector<std::string>());
  EXPECT_GT(result.reached, 30'000u);
}

INSTANTIATE_TEST_SUITE_P(Cpu, CpuConformance, testing::ValuesIn(available_instruction_sets()),
                         [](const auto& set) { return std::string(set.param); });

// The CPU, with a mistake of one byte after every op.
class Mistaken final : public Backend {
 public:
  // `beside`: the byte lies behind the output, else in its first value.
  Mistaken(Backend& real, bool beside) : real_(real), beside_(beside) {}
  std::string_view name() const override { return real_.name(); }
  std::string description() const override { return real_.description(); }
  MemoryInfo memory() const override { return real_.memory(); }
  bool supports(const Graph& graph, const Op& op) const override {
    return real_.supports(graph, op);
  }
  Result<Buffer> alloc(std::size_t bytes, MemoryKind kind) override {
    return real_.alloc(bytes, kind);
  }
  Result<Buffer> wrap(std::span<const std::byte> mapped) override { return real_.wrap(mapped); }
  Status upload(Buffer& to, std::size_t offset, std::span<const std::byte> bytes) override {
    return real_.upload(to, offset, bytes);
  }
  Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes) override {
    return real_.download(from, offset, bytes);
  }
  Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                        const CompileOptions& options) override {
    out_ = graph.tensor(graph.ops.back().out);
    tokens_ = options.tokens_max;
    return real_.compile(graph, options);
  }
  void run(Plan& plan, const Segment& segment, const StepParams& step) override {
    real_.run(plan, segment, step);
    const std::size_t size = static_cast<std::size_t>(tokens_) * row_bytes(out_.dtype, out_.cols);
    std::byte& byte = out_.buffer->host()[out_.offset + (beside_ ? size : 2)];
    byte ^= std::byte{0x10};  // the lower half of a float's mantissa is not looked at
  }
  Status finish() override { return real_.finish(); }
  void set_timing(Plan& plan, bool on) override { real_.set_timing(plan, on); }
  std::vector<OpTime> times(const Plan& plan) const override { return real_.times(plan); }

 private:
  Backend& real_;
  const bool beside_;
  Tensor out_;
  std::int64_t tokens_ = 0;
};

TEST(ConformanceTable, SeesAWrongValueAndAWriteBesideTheOutput) {
  const auto backend = std::move(open_backend({1, "scalar"}).value());
  Mistaken wrong(*backend, false);
  Mistaken beside(*backend, true);
  for (const OpCase& c : conformance_cases()) {
    if (c.large || c.outputs > 0 || c.name.starts_with("kv_append")) continue;
    EXPECT_NE(run_case(wrong, c, NumericMode::exact).failure, "") << c.name;
    EXPECT_NE(run_case(beside, c, NumericMode::exact).failure, "") << c.name;
  }
}

}  // namespace
}  // namespace mneme
