// SPDX-License-Identifier: Apache-2.0
// The hues of Theme::tier() as a background that the theme's text reads on, at 4.5:1 at least: a
// token's ink. Known, as all colours, in theme.cpp. UI thread.
#pragma once

#include <QColor>

#include "engram/tier_stats.h"

namespace mneme {

QColor tierInk(Tier tier);

}  // namespace mneme
