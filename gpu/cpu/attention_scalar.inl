// SPDX-License-Identifier: Apache-2.0
// The attention every other is tested against.

void attention(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
               unsigned char* scratch) {
  attention_by_head(args, step, begin, end, scratch);
}

std::int64_t attention_items(const KernelArgs& args, const KernelStep& step) {
  return (step.tokens - first_token(args, step)) * args.n_heads;
}

std::int64_t attention_scratch(const KernelArgs& args) {
  return attention_by_head_scratch(args);
}
