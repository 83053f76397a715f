// SPDX-License-Identifier: Apache-2.0
// What a screen reader sees of the chat view: a list with one item a message, read as "You: ..." or
// "Answer: ...". UI thread.
#pragma once

namespace mneme {
void installChatAccessible();  // once, before the first chat view; more often does no harm
}
