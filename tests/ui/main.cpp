// SPDX-License-Identifier: Apache-2.0
// ui_test CLASS [options of Qt Test]: runs one class of tests; without a class, prints their names.
#include <QApplication>
#include <QTest>
#include <cstdio>
#include <map>
#include <string>

#include "inference/machine/machine_answer.h"
#include "tests/ui/ui_test.h"

namespace mneme::test {
namespace {

std::map<std::string, MakeTest>& classes() {
  static std::map<std::string, MakeTest> all;
  return all;
}

}  // namespace

bool registerTest(const char* name, MakeTest make) {
  classes()[name] = make;
  return true;
}

}  // namespace mneme::test

int main(int argc, char** argv) {
  // As the window's own program does.
  if (const auto answered = mneme::answer_about_machine(argc, argv)) return *answered;
  const auto& classes = mneme::test::classes();
  const auto found = argc > 1 ? classes.find(argv[1]) : classes.end();
  if (found == classes.end()) {
    for (const auto& [name, make] : classes) std::puts(name.c_str());
    return 2;
  }
  argv[1] = argv[0];  // Qt Test reads the rest
  QApplication application(argc, argv);
  QApplication::setAttribute(Qt::AA_Use96Dpi, true);
  const auto test = found->second();
  return QTest::qExec(test.get(), argc - 1, argv + 1);
}
