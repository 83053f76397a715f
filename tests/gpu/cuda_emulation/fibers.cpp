// SPDX-License-Identifier: Apache-2.0
#include <cuda_emulation.h>
#include <ucontext.h>

#include <deque>
#include <memory>
#include <vector>

#include "base/check.h"
#include "tests/gpu/cuda_emulation/races.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace mneme::emulation {

dim3 thread_index;
dim3 block_index;
dim3 block_size;
dim3 grid_size;

namespace {

constexpr std::size_t kStackBytes = 128 << 10;

struct PendingCopy {
  void* to;
  const void* from;
};

struct Fiber {
  ucontext_t context{};
  std::unique_ptr<unsigned char[]> stack{new unsigned char[kStackBytes]};
  bool done = false;
  // Waits while *waits_for equals this.
  const std::uint64_t* waits_for = nullptr;
  std::uint64_t waits_value = 0;
  std::deque<std::vector<PendingCopy>> groups;  // closed, oldest first
  std::vector<PendingCopy> open_group;
  races::Thread thread;
};

struct Barrier {
  std::uint64_t generation = 0;
  char order[2] = {};  // for races: who is ahead is at the next one
  unsigned arrived = 0;
  const void* site = nullptr;
  void* lanes[32] = {};
};

std::vector<std::unique_ptr<Fiber>> fibers;  // kept from launch to launch
ucontext_t scheduler;
races::Caller caller;
char kernel_begins = 0;  // for races
char kernel_ends = 0;
unsigned running = 0;      // thread of the block
unsigned first_fiber = 0;  // of its thread 0: not the last block's, or that one would come before
bool copies_early = false;
DeviceKernel current_kernel = nullptr;
const CudaCall* current_call = nullptr;
Barrier block_barrier;
std::vector<Barrier> warp_barriers;
std::vector<unsigned char> memory;  // exactly as large as asked for
#if defined(__SANITIZE_ADDRESS__)
const void* scheduler_stack = nullptr;
std::size_t scheduler_stack_bytes = 0;
#endif

Fiber& fiber_of(unsigned thread) {
  return *fibers[(first_fiber + thread) % block_size.x];
}

void to_fiber(Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, fiber.stack.get(), kStackBytes);
#endif
  fiber.thread.switch_to();
  swapcontext(&scheduler, &fiber.context);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void to_scheduler(Fiber& fiber) {
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(fiber.done ? nullptr : &fake, scheduler_stack,
                                 scheduler_stack_bytes);
#endif
  caller.switch_to();
  swapcontext(&fiber.context, &scheduler);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void fiber_main() {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &scheduler_stack, &scheduler_stack_bytes);
#endif
  races::acquire(&kernel_begins);
  current_kernel(*current_call);
  races::release(&kernel_ends);
  Fiber& me = fiber_of(running);
  CHECK(me.open_group.empty());
  me.groups.clear();
  me.done = true;
  to_scheduler(me);
}

void wait_until_passed(Barrier& barrier) {
  Fiber& me = fiber_of(running);
  me.waits_for = &barrier.generation;
  me.waits_value = barrier.generation;
  to_scheduler(me);
  me.waits_for = nullptr;
}

void pass(Barrier& barrier) {
  barrier.arrived = 0;
  ++barrier.generation;
}

void prepare(Fiber& fiber) {
  fiber.done = false;
  fiber.waits_for = nullptr;
  getcontext(&fiber.context);
  fiber.context.uc_stack.ss_sp = fiber.stack.get();
  fiber.context.uc_stack.ss_size = kStackBytes;
  fiber.context.uc_link = nullptr;
  makecontext(&fiber.context, fiber_main, 0);
}

void run_block(unsigned threads, bool backwards) {
  for (unsigned t = 0; t < threads; ++t) prepare(fiber_of(t));
  unsigned done = 0;
  while (done < threads) {
    bool any = false;
    for (unsigned i = 0; i < threads; ++i) {
      const unsigned t = backwards ? threads - 1 - i : i;
      Fiber& next = fiber_of(t);
      if (next.done || (next.waits_for != nullptr && *next.waits_for == next.waits_value)) {
        continue;
      }
      any = true;
      running = t;
      thread_index = dim3(t % block_size.x, t / block_size.x, 0);
      to_fiber(next);
      done += next.done ? 1 : 0;
    }
    // All that are left wait for threads that have ended or wait elsewhere.
    CHECK(any && "a divergent barrier");
  }
  CHECK(block_barrier.arrived == 0);
}

}  // namespace

void wait_for_block() {
  char* order = &block_barrier.order[block_barrier.generation % 2];
  races::release(order);
  // Threads that have ended do not count on hardware; here they would be a mistake.
  if (++block_barrier.arrived == block_size.x) {
    pass(block_barrier);
  } else {
    wait_until_passed(block_barrier);
  }
  races::acquire(order);
}

void wait_for_warp(const void* site, void* mine, LaneFunction all) {
  Barrier& barrier = warp_barriers[running / 32];
  CHECK((barrier.arrived == 0 || barrier.site == site) && "lanes of a warp have diverged");
  barrier.site = site;
  barrier.lanes[running % 32] = mine;
  if (++barrier.arrived == 32) {
    const races::Unseen unseen;
    all(barrier.lanes);
    pass(barrier);
  } else {
    wait_until_passed(barrier);
  }
}

unsigned char* block_memory() {
  return memory.data();
}

void order_warp() {
  Barrier& barrier = warp_barriers[running / 32];
  char* order = &barrier.order[barrier.generation % 2];
  races::release(order);
  static const char site = 0;
  wait_for_warp(&site, nullptr, [](void*(&)[32]) {});
  races::acquire(order);
}

void copy_later(void* to, const void* from) {
  CHECK(reinterpret_cast<std::uintptr_t>(to) % 16 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(from) % 16 == 0);
  races::read16(from);
  races::write16(to);
  if (copies_early) std::memcpy(to, from, 16);
  fiber_of(running).open_group.push_back({to, from});
}

void close_copy_group() {
  Fiber& me = fiber_of(running);
  me.groups.push_back(std::move(me.open_group));
  me.open_group.clear();
}

void wait_for_copies(int groups_left) {
  Fiber& me = fiber_of(running);
  while (me.groups.size() > static_cast<std::size_t>(groups_left)) {
    for (const PendingCopy& copy : me.groups.front()) {
      races::write16(copy.to);
      if (!copies_early) std::memcpy(copy.to, copy.from, 16);
    }
    me.groups.pop_front();
  }
}

void run_kernel(DeviceKernel kernel, const CudaCall& call, dim3 grid, dim3 block,
                std::size_t shared_bytes) {
  CHECK(block.y == 1 && block.z == 1 && block.x % 32 == 0 && block.x <= 1024);
  CHECK(shared_bytes <= (48 << 10));  // what every device gives without being asked
  CHECK(grid.x > 0 && grid.y > 0 && grid.y <= 65535 && grid.z > 0 && grid.z <= 65535);
  while (fibers.size() < block.x) fibers.push_back(std::make_unique<Fiber>());
  current_kernel = kernel;
  current_call = &call;
  block_size = block;
  grid_size = grid;
  warp_barriers.assign(block.x / 32, {});
  caller.is_this();
  races::release(&kernel_begins);
  unsigned number = 0;
  for (unsigned z = 0; z < grid.z; ++z) {
    for (unsigned y = 0; y < grid.y; ++y) {
      for (unsigned x = 0; x < grid.x; ++x) {
        block_index = dim3(x, y, z);
        {
          const races::Unseen unseen;
          memory = std::vector<unsigned char>(shared_bytes, 0xff);  // NaN until written
        }
        // No kernel may count on an order of its threads, or on when its copies arrive.
        const bool backwards = number % 2 != 0;
        copies_early = number % 4 == 1 || number % 4 == 2;
        first_fiber = number % block.x;
        run_block(block.x, backwards);
        ++number;
      }
    }
  }
  races::acquire(&kernel_ends);
}

}  // namespace mneme::emulation

namespace mneme {
namespace {

struct Rows {
  const void* row;
  std::uint32_t result[4];
};

// Lane 8 i + r names row r of matrix i; each lane gets two neighbours of every matrix.
void load_matrices(void* (&lanes)[32], bool transposed) {
  for (int lane = 0; lane < 32; ++lane) {
    for (int i = 0; i < 4; ++i) {
      std::uint32_t word = 0;
      for (int k = 0; k < 2; ++k) {
        const int row = transposed ? lane % 4 * 2 + k : lane / 4;
        const int col = transposed ? lane / 4 : lane % 4 * 2 + k;
        std::uint16_t value;
        std::memcpy(
            &value,
            static_cast<const std::uint16_t*>(static_cast<Rows*>(lanes[8 * i + row])->row) + col,
            2);
        word |= std::uint32_t{value} << (16 * k);
      }
      static_cast<Rows*>(lanes[lane])->result[i] = word;
    }
  }
}

struct Product {
  float* c;
  const std::uint32_t* a;
  std::uint32_t b[2];
};

// Row g, g + 8 of a and c for g = lane / 4; column pairs at lane % 4 * 2; b the same with its
// columns for rows.
template <float (*value)(std::uint16_t)>
void multiply(void* (&lanes)[32]) {
  float a[16][16];
  float b[16][8];
  for (int lane = 0; lane < 32; ++lane) {
    const auto* one = static_cast<Product*>(lanes[lane]);
    for (int i = 0; i < 4; ++i) {
      for (int k = 0; k < 2; ++k) {
        a[lane / 4 + i % 2 * 8][lane % 4 * 2 + k + i / 2 * 8] =
            value(static_cast<std::uint16_t>(one->a[i] >> (16 * k)));
      }
    }
    for (int i = 0; i < 2; ++i) {
      for (int k = 0; k < 2; ++k) {
        b[lane % 4 * 2 + k + i * 8][lane / 4] =
            value(static_cast<std::uint16_t>(one->b[i] >> (16 * k)));
      }
    }
  }
  for (int lane = 0; lane < 32; ++lane) {
    auto* one = static_cast<Product*>(lanes[lane]);
    for (int i = 0; i < 4; ++i) {
      const int row = lane / 4 + i / 2 * 8;
      const int col = lane % 4 * 2 + i % 2;
      float sum = 0;
      for (int k = 0; k < 16; ++k) sum += a[row][k] * b[k][col];
      one->c[i] += sum;
    }
  }
}

}  // namespace

void ldmatrix_x4(std::uint32_t (&to)[4], const void* row) {
  CHECK(reinterpret_cast<std::uintptr_t>(row) % 16 == 0);
  emulation::races::read16(row);
  static const char site = 0;
  Rows mine{row, {}};
  emulation::wait_for_warp(&site, &mine, [](void*(&lanes)[32]) { load_matrices(lanes, false); });
  std::copy(std::begin(mine.result), std::end(mine.result), to);
}

void ldmatrix_x4_trans(std::uint32_t (&to)[4], const void* row) {
  CHECK(reinterpret_cast<std::uintptr_t>(row) % 16 == 0);
  emulation::races::read16(row);
  static const char site = 0;
  Rows mine{row, {}};
  emulation::wait_for_warp(&site, &mine, [](void*(&lanes)[32]) { load_matrices(lanes, true); });
  std::copy(std::begin(mine.result), std::end(mine.result), to);
}

void mma_half(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  static const char site = 0;
  Product mine{c, a, {b0, b1}};
  emulation::wait_for_warp(&site, &mine, multiply<half_to_float>);
}

void mma_bfloat(float (&c)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
  static const char site = 0;
  Product mine{c, a, {b0, b1}};
  emulation::wait_for_warp(&site, &mine, multiply<bfloat_to_float>);
}

}  // namespace mneme
