// SPDX-License-Identifier: Apache-2.0
// What a person writes into a field for a path.
#pragma once

#include <QString>

namespace mneme {

// The path that a text means: blanks around it go, "~" and "~name" are the homes of this user and
// of that one, and "file://" of a file manager is taken off. Anything else, also a "~name" that
// nobody has, stays as it is.
QString pathFromText(const QString& text);

}  // namespace mneme
