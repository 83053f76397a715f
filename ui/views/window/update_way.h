// SPDX-License-Identifier: Apache-2.0
// How a newer version of this program is had. Any thread.
#pragma once

#include "ui/package_kind.h"

namespace mneme {

struct UpdateWay {
  QString text;
  QString command;  // for a terminal; "" = none
};

UpdateWay updateWay(const Package& package);

}  // namespace mneme
