// SPDX-License-Identifier: Apache-2.0
// Activations as 8-bit integers for the integer products: one scale per 32 values, in groups of
// four such blocks. Within a group the first halves of the blocks lie side by side, then the second
// halves: that is how the nibbles of four-bit weights come apart.

struct PackedGroup {
  signed char values[2][64];    // [first or second half, block * 16 + value]
  std::int32_t minus_sums[16];  // minus the sum of the values that meet in a 32-bit lane
  float lane_scales[16];        // scale of each lane's block
  float scales[4];              // of each block
  float scaled_sums[4];         // scale times sum of each block
  std::int32_t block_minus_sums[4];
  float first_scaled_sums[4];  // as scaled_sums, of the first half
};
static_assert(sizeof(PackedGroup) == 320);

constexpr std::int64_t kGroup = 128;

MNEME_INLINE std::int64_t groups_of(std::int64_t cols) {
  return (cols + kGroup - 1) / kGroup;
}

std::int64_t packed_stride(std::int64_t cols) {
  return groups_of(cols) * static_cast<std::int64_t>(sizeof(PackedGroup));
}

MNEME_INLINE void pack_block(const float* x, PackedGroup& group, std::int64_t block) {
  float values[32];
  Vec highest = v_set(0);
  Vec zero = v_set(0);  // NaN where a value is NaN or infinite: the scale must not hide those
  for (std::int64_t i = 0; i < 32; i += kLanes) {
    highest = v_max(highest, v_abs(v_load(x + i)));
    zero = v_fma(v_load(x + i), v_set(0), zero);
  }
  const float scale = v_highest(highest) / 127.0f + v_sum(zero);
  const Vec inverse = v_set(scale > 0 ? 1.0f / scale : 0.0f);
  for (std::int64_t i = 0; i < 32; i += kLanes) v_store(values + i, v_mul(v_load(x + i), inverse));
  std::int32_t sums[4];
  v_round_32(values, group.values[0] + block * 16, group.values[1] + block * 16, sums);
  std::int32_t sum = 0;
  for (int lane = 0; lane < 4; ++lane) {
    group.minus_sums[block * 4 + lane] = -sums[lane];
    group.lane_scales[block * 4 + lane] = scale;
    sum += sums[lane];
  }
  std::int32_t first_sum = 0;
  for (int i = 0; i < 16; ++i) first_sum += group.values[0][block * 16 + i];
  group.first_scaled_sums[block] = scale * static_cast<float>(first_sum);
  group.scales[block] = scale;
  group.scaled_sums[block] = scale * static_cast<float>(sum);
  group.block_minus_sums[block] = -sum;
}

// An item is a token. Blocks behind the last are zero, so kernels need not know where a row ends.
void pack_activations(const KernelArgs& args, const KernelStep&, std::int64_t begin,
                      std::int64_t end, unsigned char*) {
  const std::int64_t blocks = args.in[0].cols / 32;
  for (std::int64_t t = begin; t < end; ++t) {
    const float* x = row_of(args.in[0], t);
    auto* groups = reinterpret_cast<PackedGroup*>(row_bytes_of(args.out, t));
    for (std::int64_t b = 0; b < blocks; ++b) pack_block(x + b * 32, groups[b / 4], b % 4);
    if (blocks % 4 == 0) continue;
    const float zeros[32] = {};
    for (std::int64_t b = blocks % 4; b < 4; ++b) pack_block(zeros, groups[blocks / 4], b);
  }
}
