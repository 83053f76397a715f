// SPDX-License-Identifier: Apache-2.0
// Why Qt found no display to open a window on, and what to do: a sentence for a person.
#pragma once

#include <QString>

namespace mneme {

QString noDisplay();  // reads the environment

}  // namespace mneme
