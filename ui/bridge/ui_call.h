// SPDX-License-Identifier: Apache-2.0
// Runs a function on the UI thread if its receiver still lives: how answers of other threads come
// home. Make the call on the UI thread; the result may be copied to and called from any other.
#pragma once

#include <QCoreApplication>
#include <QPointer>
#include <utility>

#include "inference/store/chat_store.h"

namespace mneme {

template <class Function>
auto onUi(QObject* receiver, Function function) {
  return [guard = QPointer<QObject>(receiver), function = std::move(function)](auto... values) {
    QMetaObject::invokeMethod(
        qApp,
        [guard, function, ... values = std::move(values)]() mutable {
          if (guard) function(std::move(values)...);
        },
        Qt::QueuedConnection);
  };
}

// Asks the library something on the store thread; `reply` gets what `request` returned, on the UI
// thread, unless `receiver` is gone.
template <class Request, class Reply>
void askLibrary(ChatStore& store, QObject* receiver, Request request, Reply reply) {
  store.post([request = std::move(request), answer = onUi(receiver, std::move(reply))](
                 Library& library) mutable { answer(request(library)); });
}

}  // namespace mneme
