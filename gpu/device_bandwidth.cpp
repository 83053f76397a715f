// SPDX-License-Identifier: Apache-2.0
#include "gpu/device_bandwidth.h"

#include <algorithm>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

Result<double> measure_device_bandwidth_gb_s(Backend& backend) {
  constexpr std::int64_t kTokens = 128;
  constexpr std::int64_t kCols = 65536;  // three tensors of 32 MiB: far more than caches hold
  constexpr int kRuns = 9;
  constexpr std::size_t kBytes = kTokens * kCols * sizeof(float);
  std::vector<Buffer> buffers;
  for (int i = 0; i < 3; ++i) {
    auto buffer = backend.alloc(kBytes, MemoryKind::device);
    if (!buffer) return buffer.error();
    buffers.push_back(std::move(*buffer));
  }
  GraphBuilder builder;
  builder.begin_segment(std::nullopt);
  Op add{OpKind::add};
  add.in = {builder.input("a", DType::f32, kCols, buffers[0]),
            builder.input("b", DType::f32, kCols, buffers[1])};
  add.out = builder.output("sum", kCols, buffers[2]);
  builder.op(add);
  const Graph graph = std::move(builder).finish();
  auto plan = backend.compile(graph, {NumericMode::exact, kTokens, 1});
  if (!plan) return plan.error();

  StepLists step;
  step.add(std::vector<TokenId>(kTokens), 0, 0, 0);
  std::vector<double> microseconds;
  for (int run = 0; run < kRuns; ++run) {
    backend.set_timing(**plan, true);
    backend.run(**plan, (*plan)->segments()[0], step.params());
    RETURN_IF_ERROR(backend.finish());
    double sum = 0;
    for (const OpTime& time : backend.times(**plan)) sum += time.microseconds;
    microseconds.push_back(sum);
  }
  std::ranges::sort(microseconds);
  const double median = microseconds[kRuns / 2];
  return median > 0 ? static_cast<double>(buffers.size() * kBytes) / median / 1e3 : 0.0;
}

}  // namespace mneme
