// SPDX-License-Identifier: Apache-2.0
// A library that is no module of ours.
extern "C" int other_module() {
  return 1;
}
