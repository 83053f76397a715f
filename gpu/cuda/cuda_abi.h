// SPDX-License-Identifier: Apache-2.0
// What Mneme and its CUDA module say to each other: plain data and a table of functions. No C++
// type and no exception crosses; every function returns 0 or the CUDA runtime's error number. The
// tests have a second implementation of the table, which runs the same kernels on the CPU.
#pragma once

#include <cstdint>

#include "gpu/op_params.h"
#include "gpu/row_ops.h"

namespace mneme {

// Raised with every change to this file. A module built for another number or another version of
// Mneme is refused.
constexpr char kCudaModuleVersion[] = MNEME_VERSION "/9";

// Of ops in gpu/row_ops.h: inputs and outputs as op.h has them, but norms, biases and the kernels
// of convolutions are f32, rope's in[1] are rows of cosines and sines, output_rows' in[1] the
// output tokens.
enum class CudaKernel : std::int32_t {
#define X(op) op,
  MNEME_ROW_OPS(X)
#undef X
      pack_int8,    // in: x; out: 32 x i8 a block; out2: {scale, scale * sum} a block
  pack_half,        // in: x; out: f16 or bf16 rows, zeroes behind the last value; out2: row scales
  matvec,           // in: x or packed, weight, [bias], scales; [residual]; few tokens
  gemm,             // in: packed, weight, [bias], scales, [residual]; many tokens, tensor cores
  library_gemm,     // as gemm of bf16, by the library, without bias; of all rows_max rows
  gemm_exact,       // in: x, weight, [bias], -, [residual]; many tokens, float32
  matmul_experts,   // in: x, weight, ids
  attention,        // in: q, states; out; out2: partial results of the splits
  combine,          // in: -; out; out2: as attention's
  conv_append,      // in: -, v, norm f32, -, state
  short_conv,       // in: h, v, norm, kernel f32 [taps, G*D], state; out; out2: writes
  fused_gate_conv,  // in: h, key, value, norms of the gate and the convolution f32, kernel f32
                    //   [taps, G*D], state; out; out2: gates; out3: writes
};

// A tensor in the device's memory. `element` has the numbers of DType (gpu/tensor.h).
struct CudaTensor {
  unsigned char* data = nullptr;
  std::int64_t rows = 0;  // of a state: those of one sequence
  std::int64_t cols = 0;
  std::int64_t stride = 0;  // bytes from row to row
  std::int32_t element = 0;
  std::int64_t depth = 1;  // of a weight: matrices, one behind the other
};

// What kernels read to know how much of their grid has work. Behind it lie records of the tokens.
struct CudaStep {
  std::int32_t tokens = 0;
  std::int32_t outputs = 0;
  std::int64_t records = 0;       // bytes from here to the first
  std::int64_t record_bytes = 0;  // from one to the next
};

// What a token's record begins with; its row of every rope table follows.
struct CudaToken {
  std::int32_t id = 0;
  std::int32_t position = 0;
  std::int32_t sequence = 0;
  std::int32_t first = 0;  // token of its run: those from there on are the same sequence's
};

// A product more of the same activations: one launch makes up to three.
struct CudaProduct {
  CudaTensor weight;
  CudaTensor bias;
  CudaTensor out;
};

struct CudaLibrary;  // NVIDIA's matrix products on one device

// One kernel with everything it needs; passed to it by value and recorded in graphs.
struct CudaCall {
  CudaKernel kernel = CudaKernel::embed;
  std::int32_t output_rows = 0;    // 1: its rows are those of the output tokens
  std::int32_t rows_max = 0;       // most rows this call works on; what the step says counts
  std::int32_t sequences_max = 1;  // most sequences that these are of
  std::int32_t exact = 0;     // matvec of quantised weights: x is float32
  const CudaStep* step = nullptr;
  CudaTensor in[8];
  CudaTensor out;
  CudaTensor out2;
  CudaTensor out3;
  CudaProduct more[2];  // matvec, gemm, gemm_exact: beside in[1], in[2] and out
  std::int32_t more_count = 0;
  CudaTensor packed;  // rms_norm, glu, table_decode: also as pack_int8 makes it, where it has
                      // memory
  CudaTensor scales;
  OpParams params;
  ShortConvParams conv_params = {};      // fused_gate_conv, where params are the gate's
  std::int32_t splits = 1;               // attention: parts of the context that blocks take
  std::int32_t tiles = 0;                // attention: 1 = on tensor cores, many tokens
  const CudaLibrary* library = nullptr;  // library_gemm
};

// Blocks of 32 values of packed activations; rows of half precision are padded to this many values
// and their number to kCudaTileRows, so that tiles need no bounds.
constexpr std::int64_t kCudaTileCols = 32;
constexpr std::int64_t kCudaTileRows = 128;
constexpr int kCudaTapsMax = 8;  // of a convolution that fused_gate_conv makes
// Allocations are rounded up to this, so that 16-byte loads of a tensor's last bytes stay inside.
constexpr std::int64_t kCudaAllocation = 256;

struct CudaDevice {
  char name[256];
  char bus[32];        // "0000:65:00.0"
  std::int32_t major;  // compute capability
  std::int32_t minor;
  std::int32_t multiprocessors;
  std::int32_t driver;  // 13000 = the driver speaks CUDA 13.0
  std::uint64_t total_bytes;
};

// Streams of a context: kernels run on one, table rows are copied on the other.
enum class CudaStream : std::int32_t { compute, copy };

struct CudaContext;  // of one device
struct CudaGraph;    // recorded calls
struct CudaEvent;

struct CudaApi {
  const char* (*error_text)(int error);
  int (*device_count)(int* count);
  int (*describe)(int device, CudaDevice* to);
  int (*open)(int device, CudaContext** context);
  void (*close)(CudaContext* context);
  int (*memory)(CudaContext* context, std::uint64_t* free_bytes, std::uint64_t* total_bytes);
  int (*alloc)(CudaContext* context, std::uint64_t bytes, void** to);
  void (*free)(CudaContext* context, void* memory);
  int (*alloc_host)(CudaContext* context, std::uint64_t bytes, void** to);  // pinned
  void (*free_host)(CudaContext* context, void* memory);
  int (*fill)(CudaContext* context, void* to, int byte, std::uint64_t bytes);  // returns when done
  // Between device and pinned memory, in either direction; in the stream's order.
  int (*copy)(CudaContext* context, CudaStream stream, void* to, const void* from,
              std::uint64_t bytes);
  // The same with any host memory; returns when done.
  int (*copy_now)(CudaContext* context, void* to, const void* from, std::uint64_t bytes);
  int (*launch)(CudaContext* context,
                const CudaCall* call);  // on compute; recorded while recording
  int (*begin_recording)(CudaContext* context);
  int (*end_recording)(CudaContext* context, CudaGraph** graph);
  int (*run_graph)(CudaContext* context, CudaGraph* graph);
  void (*free_graph)(CudaContext* context, CudaGraph* graph);
  int (*new_event)(CudaContext* context, CudaEvent** event);
  void (*free_event)(CudaContext* context, CudaEvent* event);
  int (*record)(CudaContext* context, CudaStream stream, CudaEvent* event);
  int (*wait)(CudaContext* context, CudaStream stream, CudaEvent* event);
  int (*elapsed)(CudaContext* context, CudaEvent* from, CudaEvent* to, float* milliseconds);
  int (*finish)(CudaContext* context);  // waits for both streams
  // 0 when this machine has the library; `says`, of `size` bytes, its name and version or why not.
  int (*find_library)(char* says, std::uint64_t size);
  // The workspace must outlive the library.
  int (*open_library)(CudaContext* context, void* workspace, std::uint64_t bytes, CudaLibrary** to);
  void (*close_library)(CudaContext* context, CudaLibrary* library);
  // 0 when it can run a call of library_gemm.
  int (*library_takes)(CudaContext* context, const CudaCall* call);
};

// What the module exports, as C names.
using CudaVersionFunction = const char*();  // mneme_cuda_version
using CudaApiFunction = const CudaApi*();   // mneme_cuda_api

}  // namespace mneme
