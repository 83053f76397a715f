// SPDX-License-Identifier: Apache-2.0
// One program holds all Qt Test classes of the window. A source ends with UI_TEST(ChatViewTest) and
// #include "chat_view_test.moc"; `ui_test ChatViewTest [options of Qt Test]` runs that class.
#pragma once

#include <QObject>
#include <memory>

namespace mneme::test {

using MakeTest = std::unique_ptr<QObject> (*)();

// Called before main, once a class; returns true so that it can initialise a constant.
bool registerTest(const char* name, MakeTest make);

}  // namespace mneme::test

#define UI_TEST(Class)                                                      \
  [[maybe_unused]] static const bool registered##Class =                    \
      ::mneme::test::registerTest(#Class, []() -> std::unique_ptr<QObject> { \
        return std::make_unique<Class>();                                   \
      });
