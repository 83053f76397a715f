// SPDX-License-Identifier: Apache-2.0
#include "tests/gpu/cuda_emulation/emulated_runtime.h"

#include <cuda_emulation.h>
#include <dlfcn.h>

#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/check.h"
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/matrix_library.h"

namespace mneme {

struct EmulatedStream;

// A recorded place in a stream, and when the stream came there.
struct CudaEvent {
  EmulatedStream* stream = nullptr;
  std::uint64_t place = 0;
  std::shared_ptr<std::uint64_t> passed = std::make_shared<std::uint64_t>(0);
};

// Work is queued and runs only when someone waits for it: a copy or a kernel that nothing orders
// behind what it needs then sees memory as it was. Copies may also run as soon as nothing orders
// them behind other work: one that comes before its place was read destroys what was there.
struct EmulatedStream {
  struct Work {
    std::function<void()> run;
    EmulatedStream* after = nullptr;  // runs this stream to `place` first
    std::uint64_t place = 0;
  };
  std::deque<Work> queue;
  std::uint64_t queued = 0;
  std::uint64_t done = 0;

  void add(std::function<void()> run) {
    queue.push_back({std::move(run), nullptr, 0});
    ++queued;
  }
  void run_to(std::uint64_t place) {
    while (done < place) {
      Work work = std::move(queue.front());
      queue.pop_front();
      if (work.after != nullptr) work.after->run_to(work.place);
      if (work.run) work.run();
      ++done;
    }
  }
};

struct CudaGraph {
  std::vector<std::function<void()>> launches;
};

struct CudaContext {
  EmulatedStream streams[2];
  std::uint64_t now = 0;  // counts the events that streams passed
  std::unique_ptr<CudaGraph> recording;
};

namespace {

EmulatedCuda state;

void enqueue(void* stream, std::function<void()> run) {
  auto* context = static_cast<CudaContext*>(stream);
  if (context->recording) {
    context->recording->launches.push_back(std::move(run));
  } else {
    context->streams[0].add(std::move(run));
  }
}

}  // namespace

int launch_kernel(void* stream, DeviceKernel kernel, const CudaCall& call, dim3 grid, dim3 block,
                  std::size_t shared_bytes) {
  enqueue(stream, [=] {
    ++state.launches;
    emulation::run_kernel(kernel, call, grid, block, shared_bytes);
  });
  return 0;
}

namespace {

int may_fail() {
  ++state.calls;
  if (state.calls_left < 0) return 0;
  if (state.calls_left > 0) {
    --state.calls_left;
    return 0;
  }
  if (state.once) state.calls_left = -1;
  return state.error;
}

#define MAY_FAIL()                                    \
  do {                                                \
    if (const int error_ = may_fail(); error_ != 0) { \
      return error_;                                  \
    }                                                 \
  } while (false)

EmulatedStream& stream_of(CudaContext* context, CudaStream stream) {
  return context->streams[static_cast<int>(stream)];
}

const char* error_text(int error) {
  return error == 2 ? "out of memory" : "emulated failure";
}

int device_count(int* count) {
  *count = state.devices;
  return state.count_error;
}

int describe(int device, CudaDevice* to) {
  *to = CudaDevice{};
  std::strcpy(to->name, "Emulated");
  std::strcpy(to->bus, "0000:00:00.0");
  to->major = device == state.old_device ? 7 : 9;
  to->minor = device == state.old_device ? 5 : 0;
  to->multiprocessors = 4;
  to->driver = 13000;
  to->total_bytes = 1 << 30;
  return 0;
}

int open(int device, CudaContext** context) {
  MAY_FAIL();
  if (device == state.broken_device) return 46;  // cudaErrorDevicesUnavailable
  *context = new CudaContext;
  ++state.allocations;
  return 0;
}

void close(CudaContext* context) {
  delete context;
  --state.allocations;
}

int memory(CudaContext*, std::uint64_t* free_bytes, std::uint64_t* total_bytes) {
  *total_bytes = 1 << 30;
  *free_bytes = 1 << 29;
  return 0;
}

int alloc(CudaContext*, std::uint64_t bytes, void** to) {
  MAY_FAIL();
  CHECK(bytes % kCudaAllocation == 0);
  *to = std::aligned_alloc(kCudaAllocation, bytes);
  std::memset(*to, 0xff, bytes);  // what was never written is NaN
  ++state.allocations;
  return 0;
}

void free_memory(CudaContext*, void* memory) {
  std::free(memory);
  --state.allocations;
}

// Device memory is counted, and may end.
std::map<void*, std::int64_t> device_memory;

int alloc_device(CudaContext* context, std::uint64_t bytes, void** to) {
  const auto more = static_cast<std::int64_t>(bytes);
  if (state.room_bytes >= 0 && state.bytes + more > state.room_bytes) return 2;
  if (const int error = alloc(context, bytes, to)) return error;
  device_memory[*to] = more;
  state.bytes += more;
  return 0;
}

void free_device(CudaContext* context, void* memory) {
  state.bytes -= device_memory[memory];
  device_memory.erase(memory);
  free_memory(context, memory);
}

int finish(CudaContext* context) {
  for (EmulatedStream& stream : context->streams) stream.run_to(stream.queued);
  MAY_FAIL();
  return 0;
}

int fill(CudaContext* context, void* to, int byte, std::uint64_t bytes) {
  MAY_FAIL();
  EmulatedStream& stream = context->streams[0];
  stream.run_to(stream.queued);
  std::memset(to, byte, bytes);
  return 0;
}

int copy(CudaContext* context, CudaStream stream, void* to, const void* from, std::uint64_t bytes) {
  MAY_FAIL();
  EmulatedStream& its = stream_of(context, stream);
  its.add([=] { std::memcpy(to, from, bytes); });
  if (state.copies_at_once && stream == CudaStream::copy) its.run_to(its.queued);
  return 0;
}

int copy_now(CudaContext* context, void* to, const void* from, std::uint64_t bytes) {
  if (const int error = copy(context, CudaStream::compute, to, from, bytes)) return error;
  EmulatedStream& stream = context->streams[0];
  stream.run_to(stream.queued);
  return 0;
}

int launch(CudaContext* context, const CudaCall* call) {
  MAY_FAIL();
  return launch_call(context, *call);
}

int begin_recording(CudaContext* context) {
  MAY_FAIL();
  CHECK(!context->recording);
  context->recording = std::make_unique<CudaGraph>();
  return 0;
}

int end_recording(CudaContext* context, CudaGraph** graph) {
  CHECK(context->recording);
  auto recorded = std::move(context->recording);
  MAY_FAIL();
  *graph = recorded.release();
  ++state.allocations;
  return 0;
}

int run_graph(CudaContext* context, CudaGraph* graph) {
  MAY_FAIL();
  for (const auto& launch : graph->launches) context->streams[0].add(launch);
  return 0;
}

void free_graph(CudaContext*, CudaGraph* graph) {
  delete graph;
  --state.allocations;
}

int new_event(CudaContext*, CudaEvent** event) {
  MAY_FAIL();
  *event = new CudaEvent;
  ++state.allocations;
  return 0;
}

void free_event(CudaContext*, CudaEvent* event) {
  delete event;
  --state.allocations;
}

int record(CudaContext* context, CudaStream stream, CudaEvent* event) {
  MAY_FAIL();
  event->stream = &stream_of(context, stream);
  event->stream->add([passed = event->passed, &now = context->now] { *passed = ++now; });
  event->place = event->stream->queued;
  return 0;
}

int wait(CudaContext* context, CudaStream stream, CudaEvent* event) {
  MAY_FAIL();
  EmulatedStream& waiting = stream_of(context, stream);
  waiting.queue.push_back({nullptr, event->stream, event->place});
  ++waiting.queued;
  return 0;
}

int elapsed(CudaContext*, CudaEvent* from, CudaEvent* to, float* milliseconds) {
  MAY_FAIL();
  CHECK(*from->passed > 0 && *to->passed > 0);
  *milliseconds = 0.001f * static_cast<float>(static_cast<std::int64_t>(*to->passed) -
                                              static_cast<std::int64_t>(*from->passed));
  return 0;
}

// The libraries of the tests have no streams of their own: they queue here.
void enqueue_product(void* stream, std::function<void()> run) {
  enqueue(stream, [run = std::move(run)] {
    ++state.products;
    run();
  });
}

int find_library(char* says, std::uint64_t size) {
  const char* const files[] = {state.library, nullptr};
  return find_matrix_library(files, says, size);
}

int open_library(CudaContext*, void* workspace, std::uint64_t bytes, CudaLibrary** to) {
  MAY_FAIL();
  void* file = dlopen(state.library, RTLD_NOW | RTLD_LOCAL);
  if (auto* queue = static_cast<void (**)(void*, std::function<void()>)>(
          file != nullptr ? dlsym(file, "standin_queue") : nullptr)) {
    *queue = enqueue_product;
  }
  const char* const files[] = {state.library, nullptr};
  const int error = open_matrix_library(files, workspace, bytes, to);
  if (error == 0) ++state.allocations;
  return error;
}

void close_library(CudaContext*, CudaLibrary* library) {
  close_matrix_library(library);
  --state.allocations;
}

int library_takes(CudaContext*, const CudaCall* call) {
  return matrix_library_takes(*call);
}

constexpr CudaApi kApi{error_text,    device_count,  describe,     open,      close,
                       memory,        alloc_device,  free_device,  alloc,     free_memory,
                       fill,          copy,          copy_now,     launch,    begin_recording,
                       end_recording, run_graph,     free_graph,   new_event, free_event,
                       record,        wait,          elapsed,      finish,    find_library,
                       open_library,  close_library, library_takes};

}  // namespace

EmulatedCuda& emulated_cuda_state() {
  return state;
}

const CudaApi& emulated_cuda(const EmulatedCuda& wanted) {
  CHECK(state.allocations == 0);
  state = wanted;
  return kApi;
}

}  // namespace mneme
