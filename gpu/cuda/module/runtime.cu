// SPDX-License-Identifier: Apache-2.0
// The table of functions over the CUDA runtime, and nothing else: what to call when is decided by
// gpu/cuda/cuda_backend.cpp, which the tests run without a GPU.
#include <cuda_runtime.h>

#include <cstdio>
#include <mutex>
#include <new>

#include "gpu/cuda/cuda_abi.h"
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/matrix_library.h"
#include "gpu/cuda/module/ptx.cuh"

namespace mneme {

struct CudaContext {
  int device = 0;
  cudaStream_t streams[2] = {};
};

int launch_kernel(void* stream, DeviceKernel kernel, const CudaCall& call, dim3 grid, dim3 block,
                  std::size_t shared_bytes) {
  CudaCall copy = call;
  void* arguments[] = {&copy};
  return cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, block, arguments,
                          shared_bytes, static_cast<cudaStream_t>(stream));
}

namespace {

// The current device belongs to the calling thread, so every function sets it first.
cudaError_t enter(const CudaContext* context) {
  return cudaSetDevice(context->device);
}

cudaStream_t stream_of(const CudaContext* context, CudaStream stream) {
  return context->streams[static_cast<int>(stream)];
}

cudaGraphExec_t unwrap(CudaGraph* graph) {
  return reinterpret_cast<cudaGraphExec_t>(graph);
}
cudaEvent_t unwrap(CudaEvent* event) {
  return reinterpret_cast<cudaEvent_t>(event);
}

const char* error_text(int error) {
  return cudaGetErrorString(static_cast<cudaError_t>(error));
}

int device_count(int* count) {
  return cudaGetDeviceCount(count);
}

int describe(int device, CudaDevice* to) {
  cudaDeviceProp properties;
  if (const auto error = cudaGetDeviceProperties(&properties, device)) return error;
  *to = CudaDevice{};
  std::snprintf(to->name, sizeof to->name, "%s", properties.name);
  if (const auto error = cudaDeviceGetPCIBusId(to->bus, sizeof to->bus, device)) return error;
  to->major = properties.major;
  to->minor = properties.minor;
  to->multiprocessors = properties.multiProcessorCount;
  to->total_bytes = properties.totalGlobalMem;
  return cudaDriverGetVersion(&to->driver);
}

// How many contexts each device has. The runtime's own context takes hundreds of megabytes and
// would stay until the program ends, also where a device was only looked at.
constexpr int kDevicesMax = 64;
std::mutex contexts_mutex;
int contexts_of[kDevicesMax];

void close(CudaContext* context) {
  const std::lock_guard lock(contexts_mutex);
  enter(context);
  for (const cudaStream_t stream : context->streams) {
    if (stream != nullptr) cudaStreamDestroy(stream);
  }
  if (--contexts_of[context->device] == 0) cudaDeviceReset();
  delete context;
}

int open(int device, CudaContext** to) {
  if (device < 0 || device >= kDevicesMax) return cudaErrorInvalidDevice;
  auto* context = new (std::nothrow) CudaContext;
  if (context == nullptr) return cudaErrorMemoryAllocation;
  context->device = device;
  cudaError_t error = cudaSuccess;
  {
    const std::lock_guard lock(contexts_mutex);
    ++contexts_of[device];
    error = enter(context);
    for (cudaStream_t& stream : context->streams) {
      if (error == cudaSuccess) error = cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    }
  }
  if (error != cudaSuccess) {
    close(context);
    return error;
  }
  *to = context;
  return cudaSuccess;
}

int memory(CudaContext* context, std::uint64_t* free_bytes, std::uint64_t* total_bytes) {
  if (const auto error = enter(context)) return error;
  std::size_t free = 0;
  std::size_t total = 0;
  if (const auto error = cudaMemGetInfo(&free, &total)) return error;
  *free_bytes = free;
  *total_bytes = total;
  return cudaSuccess;
}

int alloc(CudaContext* context, std::uint64_t bytes, void** to) {
  if (const auto error = enter(context)) return error;
  const cudaError_t error = cudaMalloc(to, bytes);
  cudaGetLastError();  // a refusal is told by the return value and must not be told again later
  return error;
}

void free_memory(CudaContext* context, void* memory) {
  enter(context);
  cudaFree(memory);
}

int alloc_host(CudaContext* context, std::uint64_t bytes, void** to) {
  if (const auto error = enter(context)) return error;
  const cudaError_t error = cudaHostAlloc(to, bytes, cudaHostAllocDefault);
  cudaGetLastError();
  return error;
}

void free_host(CudaContext* context, void* memory) {
  enter(context);
  cudaFreeHost(memory);
}

int fill(CudaContext* context, void* to, int byte, std::uint64_t bytes) {
  if (const auto error = enter(context)) return error;
  const cudaStream_t stream = stream_of(context, CudaStream::compute);
  if (const auto error = cudaMemsetAsync(to, byte, bytes, stream)) return error;
  return cudaStreamSynchronize(stream);
}

int copy(CudaContext* context, CudaStream stream, void* to, const void* from, std::uint64_t bytes) {
  if (const auto error = enter(context)) return error;
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_of(context, stream));
}

int copy_now(CudaContext* context, void* to, const void* from, std::uint64_t bytes) {
  if (const auto error = copy(context, CudaStream::compute, to, from, bytes)) return error;
  return cudaStreamSynchronize(stream_of(context, CudaStream::compute));
}

int launch(CudaContext* context, const CudaCall* call) {
  if (const auto error = enter(context)) return error;
  return launch_call(stream_of(context, CudaStream::compute), *call);
}

int begin_recording(CudaContext* context) {
  if (const auto error = enter(context)) return error;
  // Relaxed: the first launch of a kernel may load it, which takes memory.
  return cudaStreamBeginCapture(stream_of(context, CudaStream::compute),
                                cudaStreamCaptureModeRelaxed);
}

int end_recording(CudaContext* context, CudaGraph** to) {
  if (const auto error = enter(context)) return error;
  cudaGraph_t graph = nullptr;
  if (const auto error = cudaStreamEndCapture(stream_of(context, CudaStream::compute), &graph)) {
    return error;
  }
  cudaGraphExec_t executable = nullptr;
  const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
  cudaGraphDestroy(graph);
  if (error != cudaSuccess) return error;
  *to = reinterpret_cast<CudaGraph*>(executable);
  return cudaSuccess;
}

int run_graph(CudaContext* context, CudaGraph* graph) {
  if (const auto error = enter(context)) return error;
  return cudaGraphLaunch(unwrap(graph), stream_of(context, CudaStream::compute));
}

void free_graph(CudaContext* context, CudaGraph* graph) {
  enter(context);
  cudaGraphExecDestroy(unwrap(graph));
}

int new_event(CudaContext* context, CudaEvent** to) {
  if (const auto error = enter(context)) return error;
  cudaEvent_t event = nullptr;
  if (const auto error = cudaEventCreate(&event)) return error;
  *to = reinterpret_cast<CudaEvent*>(event);
  return cudaSuccess;
}

void free_event(CudaContext* context, CudaEvent* event) {
  enter(context);
  cudaEventDestroy(unwrap(event));
}

int record(CudaContext* context, CudaStream stream, CudaEvent* event) {
  if (const auto error = enter(context)) return error;
  return cudaEventRecord(unwrap(event), stream_of(context, stream));
}

int wait(CudaContext* context, CudaStream stream, CudaEvent* event) {
  if (const auto error = enter(context)) return error;
  return cudaStreamWaitEvent(stream_of(context, stream), unwrap(event), 0);
}

int elapsed(CudaContext* context, CudaEvent* from, CudaEvent* to, float* milliseconds) {
  if (const auto error = enter(context)) return error;
  return cudaEventElapsedTime(milliseconds, unwrap(from), unwrap(to));
}

int finish(CudaContext* context) {
  if (const auto error = enter(context)) return error;
  cudaError_t first = cudaSuccess;
  for (const cudaStream_t stream : context->streams) {
    const cudaError_t error = cudaStreamSynchronize(stream);
    if (first == cudaSuccess) first = error;
  }
  return first;
}

// The version that the module's own runtime belongs to, then the one before.
constexpr const char* kMatrixLibraries[] = {"libcublasLt.so.13", "libcublasLt.so.12", nullptr};

int find_library(char* says, std::uint64_t size) {
  return find_matrix_library(kMatrixLibraries, says, size);
}

int open_library(CudaContext* context, void* workspace, std::uint64_t bytes, CudaLibrary** to) {
  if (const auto error = enter(context)) return error;
  return open_matrix_library(kMatrixLibraries, workspace, bytes, to);
}

void close_library(CudaContext* context, CudaLibrary* library) {
  enter(context);
  close_matrix_library(library);
}

int library_takes(CudaContext* context, const CudaCall* call) {
  if (const auto error = enter(context)) return error;
  return matrix_library_takes(*call);
}

constexpr CudaApi kApi{error_text,    device_count,  describe,     open,       close,
                       memory,        alloc,         free_memory,  alloc_host, free_host,
                       fill,          copy,          copy_now,     launch,     begin_recording,
                       end_recording, run_graph,     free_graph,   new_event,  free_event,
                       record,        wait,          elapsed,      finish,     find_library,
                       open_library,  close_library, library_takes};

}  // namespace
}  // namespace mneme

extern "C" {
__attribute__((visibility("default"))) const char* mneme_cuda_version() {
  return mneme::kCudaModuleVersion;
}
__attribute__((visibility("default"))) const mneme::CudaApi* mneme_cuda_api() {
  return &mneme::kApi;
}
}
