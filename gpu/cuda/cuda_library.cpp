// SPDX-License-Identifier: Apache-2.0
#include "gpu/cuda/cuda_library.h"

#include <utility>
#include <vector>

#include "base/half.h"
#include "base/log.h"
#include "gpu/tensor.h"

namespace mneme {
namespace {

constexpr std::size_t kWorkspaceBytes = 32 << 20;  // what NVIDIA advises for its largest devices

// A product that tells rows from columns and one operand from the other, exact in every type.
constexpr std::int64_t kTokens = 32;
constexpr std::int64_t kInputs = 64;
constexpr std::int64_t kOutputs = 48;
int x_at(std::int64_t token, std::int64_t input) {
  return static_cast<int>((token + 2 * input) % 5) - 2;
}
int weight_at(std::int64_t output, std::int64_t input) {
  return static_cast<int>((3 * output + input) % 7) - 3;
}
int added_at(std::int64_t token, std::int64_t output) {
  return static_cast<int>(token - output);
}

template <class T, class F>
std::vector<T> filled(std::int64_t rows, std::int64_t cols, F value) {
  std::vector<T> all;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) all.push_back(value(r, c));
  }
  return all;
}

CudaTensor tensor(const Buffer& buffer, std::int64_t rows, std::int64_t cols, DType type) {
  CudaTensor t;
  t.data = cuda_pointer(buffer);
  t.rows = rows;
  t.cols = cols;
  t.stride = static_cast<std::int64_t>(row_bytes(type, cols));
  t.element = static_cast<std::int32_t>(type);
  return t;
}

}  // namespace

FoundLibrary find_cuda_library(const CudaApi& api) {
  char says[256];
  const bool usable = api.find_library(says, sizeof says) == 0;
  return {usable, says};
}

std::unique_ptr<CudaMatrixLibrary> CudaMatrixLibrary::open(
    const std::shared_ptr<CudaDeviceContext>& device) {
  const FoundLibrary found = find_cuda_library(device->api());
  if (!found.usable) {
    log_info("gpu", "{}: Mneme's own kernels make all products", found.says);
    return nullptr;
  }
  std::unique_ptr<CudaMatrixLibrary> library(new CudaMatrixLibrary(device));
  if (const Status ready = library->prepare(); !ready) {
    log_warning("gpu", "{} is not used, Mneme's own kernels make all products: {}", found.says,
                ready.error().message);
    return nullptr;
  }
  log_info("gpu", "{} makes products of long prompts with BF16 weights", found.says);
  return library;
}

CudaMatrixLibrary::~CudaMatrixLibrary() {
  if (library_ != nullptr) device_->api().close_library(device_->context(), library_);
}

Status CudaMatrixLibrary::prepare() {
  auto workspace = device_->alloc(kWorkspaceBytes, false);
  if (!workspace) return workspace.error();
  workspace_ = std::move(*workspace);
  if (device_->api().open_library(device_->context(), cuda_pointer(workspace_), kWorkspaceBytes,
                                  &library_) != 0) {
    return Error{ErrorCode::device, "it cannot be opened"};
  }
  return multiply_once();
}

Status CudaMatrixLibrary::multiply_once() const {
  const auto bfloats = [](auto at) {
    return [at](std::int64_t r, std::int64_t c) {
      return float_to_bfloat(static_cast<float>(at(r, c)));
    };
  };
  const auto x = filled<std::uint16_t>(kTokens, kInputs, bfloats(x_at));
  const auto weight = filled<std::uint16_t>(kOutputs, kInputs, bfloats(weight_at));
  const auto added = filled<float>(kTokens, kOutputs, added_at);
  const auto to_device = [&](const auto& values) -> Result<Buffer> {
    const auto bytes = std::as_bytes(std::span(values));
    auto buffer = device_->alloc(bytes.size(), false);
    if (!buffer) return buffer;
    RETURN_IF_ERROR(device_->upload(*buffer, 0, bytes));
    return buffer;
  };
  auto x_there = to_device(x);
  auto weight_there = to_device(weight);
  auto added_there = to_device(added);
  for (const auto* there : {&x_there, &weight_there, &added_there}) {
    if (!*there) return there->error();
  }
  CudaCall call;
  call.kernel = CudaKernel::library_gemm;
  call.library = library_;
  call.rows_max = kTokens;
  call.in[0] = tensor(*x_there, kTokens, kInputs, DType::bf16);
  call.in[1] = tensor(*weight_there, kOutputs, kInputs, DType::bf16);
  call.in[4] = tensor(*added_there, kTokens, kOutputs, DType::f32);
  call.out = call.in[4];
  if (device_->api().launch(device_->context(), &call) != 0) {
    return Error{ErrorCode::device, "it refuses a product for trial"};
  }
  RETURN_IF_ERROR(device_->check(device_->api().finish(device_->context()), "a product for trial"));
  std::vector<float> made(added.size());
  RETURN_IF_ERROR(device_->download(*added_there, 0, std::as_writable_bytes(std::span(made))));
  const auto right = filled<float>(kTokens, kOutputs, [](std::int64_t token, std::int64_t output) {
    int sum = added_at(token, output);
    for (std::int64_t i = 0; i < kInputs; ++i) sum += x_at(token, i) * weight_at(output, i);
    return sum;
  });
  if (made == right) return {};
  return Error{ErrorCode::device, "it made a product for trial wrong"};
}

void CudaMatrixLibrary::take_over(CudaCall& call) const {
  CudaCall taken = call;
  taken.kernel = CudaKernel::library_gemm;
  taken.library = library_;
  if (device_->api().library_takes(device_->context(), &taken) == 0) call = taken;
}

}  // namespace mneme
