// SPDX-License-Identifier: Apache-2.0
// Products with the weights of chosen experts. Pairs of a token and an expert are sorted by expert:
// each expert's weights are then read once for all of its tokens, by the kernels of matmul. Tokens
// of sequences of few tokens in the step and of many are kept apart, since matmul rounds them
// differently: what a sequence gets does not depend on what else is in the step.

constexpr std::int64_t kPairsAtATime = 48;
constexpr std::int64_t kExpertRows = 128;  // of a weight, for so many pairs

// What sort_experts makes, in words: how many lists there are; for each its kind (twice the expert,
// 1 more for sequences of few tokens), its first pair and how many it has; room to count; the
// pairs, token times K plus k. Ids that are no expert's are those of one more.
struct SortedExperts {
  std::int32_t* lists;
  std::int32_t (*list)[3];
  std::int32_t* counts;
  std::int32_t* pairs;
};

MNEME_INLINE std::int64_t kinds_of(std::int64_t experts) {
  return 2 * (experts + 1);
}

MNEME_INLINE SortedExperts sorted_experts(unsigned char* data, std::int64_t experts) {
  auto* words = reinterpret_cast<std::int32_t*>(data);
  std::int32_t* counts = words + 1 + 3 * kinds_of(experts);
  return {words, reinterpret_cast<std::int32_t(*)[3]>(words + 1), counts,
          counts + kinds_of(experts)};
}

std::int64_t sorted_experts_bytes(std::int64_t experts, std::int64_t pairs) {
  return 4 * (1 + 4 * kinds_of(experts) + pairs);
}

void sort_experts(const KernelArgs& args, const KernelStep& step, std::int64_t, std::int64_t,
                  unsigned char*) {
  const std::int64_t experts = args.in[1].depth;
  const std::int64_t chosen = args.in[0].cols;
  const SortedExperts sorted = sorted_experts(args.out.data, experts);
  const auto each_pair = [&](auto&& take) {
    for (std::int64_t r = 0; r < step.run_count; ++r) {
      const KernelRun& run = step.runs[r];
      const std::int64_t few = run.rows < kFewTokens ? 1 : 0;
      for (std::int64_t i = run.first * chosen; i < (run.first + run.rows) * chosen; ++i) {
        const std::int32_t id =
            reinterpret_cast<const std::int32_t*>(row_of(args.in[0], i / chosen))[i % chosen];
        take(2 * (id >= 0 && id < experts ? id : experts) + few, i);
      }
    }
  };
  const std::int64_t kinds = kinds_of(experts);
  for (std::int64_t kind = 0; kind < kinds; ++kind) sorted.counts[kind] = 0;
  each_pair([&](std::int64_t kind, std::int64_t) { ++sorted.counts[kind]; });
  std::int32_t lists = 0;
  std::int32_t first = 0;
  for (std::int64_t kind = 0; kind < kinds; ++kind) {
    const std::int32_t count = sorted.counts[kind];
    sorted.counts[kind] = first;
    if (count == 0) continue;
    sorted.list[lists][0] = static_cast<std::int32_t>(kind);
    sorted.list[lists][1] = first;
    sorted.list[lists][2] = count;
    ++lists;
    first += count;
  }
  *sorted.lists = lists;
  each_pair([&](std::int64_t kind, std::int64_t i) {
    sorted.pairs[sorted.counts[kind]++] = static_cast<std::int32_t>(i);
  });
}

// So that pieces begin at multiples of kTileRows of a weight.
MNEME_INLINE std::int64_t items_of_expert(const KernelTensor& weight) {
  return (weight.rows + kTileRows - 1) / kTileRows * kTileRows;
}

// At most: lists that are not there have no work.
std::int64_t expert_items(const KernelArgs& args, const KernelStep& step) {
  const KernelTensor& weight = args.in[1];
  const std::int64_t pairs = step.rows * (args.out.cols / weight.rows);
  const std::int64_t kinds = kinds_of(weight.depth);
  return (pairs < kinds ? pairs : kinds) * items_of_expert(weight);
}

// Of a thread: rows of pairs, side by side, and what the product makes of them.
MNEME_INLINE std::int64_t gathered_bytes(const KernelArgs& args) {
  const std::int64_t floats = args.in[1].cols * 4 + kExpertRows * 4;
  return (kPairsAtATime * (floats + args.in[3].stride) + 63) / 64 * 64;
}

std::int64_t matmul_experts_scratch(const KernelArgs& args) {
  return gathered_bytes(args) + matmul_scratch(args);
}

MNEME_INLINE unsigned char* pair_out(const KernelArgs& args, std::int64_t pair) {
  return args.out.data + pair * args.in[1].rows * 4;
}

// Rows [begin, end) of an expert's weight, for pairs of a list that are at most kPairsAtATime.
void multiply_pairs(const KernelArgs& args, std::int64_t expert, bool few,
                    const std::int32_t* pairs, std::int64_t count, std::int64_t begin,
                    std::int64_t end, unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const std::int64_t chosen = args.out.cols / weight.rows;
  const KernelTensor& x = args.in[0];
  const KernelTensor& packed = args.in[3];
  const std::int64_t row = weight.cols * 4;
  const auto x_of = [&](std::int64_t pair) {
    return x.data + (x.cols == weight.cols ? pair / chosen : pair) * row;
  };
  const auto packed_of = [&](std::int64_t pair) {
    return packed.data + (packed.depth == 1 ? pair / chosen : pair) * packed.stride;
  };
  KernelArgs product;
  product.in[0] = x;
  product.in[0].stride = row;
  product.in[1] = weight;
  product.in[3] = packed;
  product.in[4] = args.in[4];
  KernelRun run;
  run.rows = count;
  run.of_many = true;
  KernelStep step;
  step.rows = count;
  step.runs = &run;
  step.run_count = few ? 0 : 1;

  unsigned char* at = scratch;
  float* made = reinterpret_cast<float*>(at);
  at += kPairsAtATime * kExpertRows * 4;
  const bool alone = count == 1;  // nothing to bring together
  if (x.data) {
    product.in[0].data = alone ? x_of(pairs[0]) : at;
    for (std::int64_t i = 0; i < count && !alone; ++i, at += row) {
      std::memcpy(at, x_of(pairs[i]), static_cast<std::size_t>(row));
    }
  }
  if (packed.data) {
    product.in[3].data = alone ? packed_of(pairs[0]) : at;
    for (std::int64_t i = 0; i < count && !alone; ++i, at += packed.stride) {
      std::memcpy(at, packed_of(pairs[i]), static_cast<std::size_t>(packed.stride));
    }
  }
  unsigned char* rest = scratch + gathered_bytes(args);
  const std::int64_t step_rows = alone ? end - begin : kExpertRows;
  for (std::int64_t first = begin; first < end; first += step_rows) {
    const std::int64_t rows = end - first < step_rows ? end - first : step_rows;
    product.in[1].rows = rows;
    product.in[1].data = weight.data + (expert * weight.rows + first) * weight.stride;
    if (args.in[4].data) {
      product.in[4].data =
          args.in[4].data + (expert * weight.rows + first) / kLanes * args.in[4].stride;
    }
    product.out.data =
        alone ? pair_out(args, pairs[0]) + first * 4 : reinterpret_cast<unsigned char*>(made);
    product.out.stride = kExpertRows * 4;
    product.out.cols = rows;
    matmul(product, step, 0, rows, rest);
    for (std::int64_t i = 0; i < count && !alone; ++i) {
      std::memcpy(pair_out(args, pairs[i]) + first * 4, made + i * kExpertRows,
                  static_cast<std::size_t>(rows) * 4);
    }
  }
}

void matmul_experts(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
                    unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const SortedExperts sorted = sorted_experts(args.in[2].data, weight.depth);
  const std::int64_t items = items_of_expert(weight);
  while (begin < end && begin / items < *sorted.lists) {
    const std::int32_t* list = sorted.list[begin / items];
    const std::int64_t first = begin % items;
    const std::int64_t stop = first + end - begin < items ? first + end - begin : items;
    begin += stop - first;
    const std::int64_t last = stop < weight.rows ? stop : weight.rows;
    const std::int64_t expert = list[0] / 2;
    const std::int32_t* pairs = sorted.pairs + list[1];
    for (std::int64_t i = 0; i < list[2]; i += kPairsAtATime) {
      const std::int64_t left = list[2] - i;
      const std::int64_t count = left < kPairsAtATime ? left : kPairsAtATime;
      if (expert < weight.depth) {
        multiply_pairs(args, expert, list[0] % 2 == 1, pairs + i, count, first, last, scratch);
        continue;
      }
      for (std::int64_t k = 0; k < count; ++k) {
        float* out = reinterpret_cast<float*>(pair_out(args, pairs[i + k]));
        for (std::int64_t o = first; o < last; ++o) out[o] = __builtin_nanf("");
      }
    }
  }
}
