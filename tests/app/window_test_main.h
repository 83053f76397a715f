// SPDX-License-Identifier: Apache-2.0
// QTEST_MAIN of a program that holds the whole window: started by itself, it answers questions
// about the machine as the window's own program does.
#pragma once

#include <QApplication>
#include <QTest>

#include "inference/machine/machine_answer.h"

#define WINDOW_TEST_MAIN(Class)                                                          \
  int main(int argc, char** argv) {                                                      \
    if (const auto answered = mneme::answer_about_machine(argc, argv)) return *answered; \
    QCoreApplication::setAttribute(Qt::AA_Use96Dpi, true);                               \
    QApplication application(argc, argv);                                                \
    Class test;                                                                          \
    return QTest::qExec(&test, argc, argv);                                              \
  }
