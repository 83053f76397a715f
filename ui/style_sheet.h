// SPDX-License-Identifier: Apache-2.0
// The application's style sheet, made from the theme's colours: paddings, radii and focus rings of
// standard widgets. Painted views do not use it.
#pragma once

#include <QString>

#include "ui/theme.h"

namespace mneme {
QString styleSheet(const Theme& theme);
}
