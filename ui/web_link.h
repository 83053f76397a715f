// SPDX-License-Identifier: Apache-2.0
// The one way in which the window opens a web page: in the browser, once the user has seen where
// it leads. UI thread.
#pragma once

#include <QUrl>

class QWidget;

namespace mneme {

bool isWebLink(const QUrl& url);  // http or https

// Asks beside `parent`; returns at once. `url` is a web link.
void askToOpenWebLink(const QUrl& url, QWidget* parent);

}  // namespace mneme
