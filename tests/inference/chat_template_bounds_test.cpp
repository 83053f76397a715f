// SPDX-License-Identifier: Apache-2.0
// Templates come with the model, from anybody: none may hang, grow without end or overflow the
// stack, and none can be made to pass a person's text for its own.
#include <gtest/gtest.h>

#include "inference/text/chat_template.h"

namespace mneme {
namespace {

Result<std::vector<TextPiece>> rendering_of(const std::string& source,
                                            const std::vector<ChatMessage>& messages = {}) {
  auto chat_template = ChatTemplate::parse(source);
  if (!chat_template) return chat_template.error();
  return chat_template->render(messages, {});
}

std::string repeated(const std::string& text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

TEST(ChatTemplateBounds, RefusesHostileTemplates) {
  const std::vector<std::string> hostile{
      "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
      "{{ 'a' * 99999999999 }}",
      "{{ range(1000000000) }}",
      "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% "
      "endfor %}",
      "{% set ns = namespace(s=[]) %}{% for i in range(9999) %}{% set ns.s = [ns.s] %}{% endfor %}",
      "{% set ns = namespace(s=[1]) %}{% for i in range(39) %}{% set ns.s = [ns.s, ns.s] %}{% "
      "endfor %}{{ ns.s == "
      "ns.s }}{{ ns.s | tojson }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f(n) %}{% for i in range(99) %}{{ g(n) }}{% endfor %}{% endmacro %}{% macro g(n) "
      "%}{% for i in "
      "range(99) %}{{ f(n) }}{% endfor %}{% endmacro %}{{ f(1) }}",
      "{% set s = 'a' * 400000 %}{% for i in range(9999) %}{{ 'b' in s }}{% endfor %}",
      "{% set s = 'a' * 400000 %}{% for i in range(99) %}{% if (s ~ 'b') in (s ~ s) %}{% endif "
      "%}{% endfor %}",
      "{% set s = 'a' * 400000 %}{{ s.replace('', s) }}",
      "{% set s = 'a' * 4000000 %}{{ s | list | length }}",
      "{% set s = 'a' * 1000000 %}{% for i in range(999) %}{{ s.split('a') | length }}{% endfor %}",
      "{{ " + repeated("(", 5000) + "1" + repeated(")", 5000) + " }}",
      "{{ " + repeated("not ", 20000) + "1 }}",
      "{{ " + repeated("-", 20000) + "1 }}",
      "{{ 1" + repeated(" + 1", 20000) + " }}",
      "{{ a" + repeated(".b", 20000) + " }}",
      "{{ a" + repeated("|trim", 20000) + " }}",
      "{{ " + repeated("[", 20000) + repeated("]", 20000) + " }}",
      repeated("{% if 1 %}", 5000) + repeated("{% endif %}", 5000),
      repeated("{% for i in [1] %}", 5000) + repeated("{% endfor %}", 5000),
      repeated("{{ 1 if 1 else ", 20000),
      "{{ " + repeated("1 if 1 else ", 20000) + "1 }}",
      repeated("a", 600 * 1024),
      "{{ " + repeated("[", 100000) + "}}",
      "{{ " + repeated("(1, ", 20000) + "2" + repeated(")", 20000) + " }}",
      "{{ 'a' if " + repeated("1 is eq 1 and ", 20000) + "1 }}",
      "{{ range(10 ** 9) }}",
      "{{ range(0, 10 ** 15, 10 ** 9) | list | length }}",
      "{{ [0] * 10 ** 9 }}",
      "{{ 10 ** 9 * 'a' }}",
      "{{ 9 ** 9 ** 9 }}",
      "{{ 'a'.center(10 ** 9) }}",
      "{{ 'a'.zfill(10 ** 12) }}",
      "{{ '%999999999d' % 1 }}",
      "{{ '%.999999999f' % 1 }}",
      "{{ '%*d' % (10 ** 9, 1) }}",
      "{{ '{:999999999}'.format(1) }}",
      "{{ '{:{w}}'.format(1, w=10 ** 9) }}",
      "{{ 'a\n' | indent(10 ** 9) }}",
      "{{ [1] | tojson(indent=10 ** 9) }}",
      "{{ ('\t' * 1000000).expandtabs(1000) }}",
      "{{ [1] | batch(10 ** 12, 0) | list }}",
      "{{ [1] | slice(10 ** 12) | list }}",
      "{% set x = range(99999) %}{% for i in x %}{{ x | sort | length }}{% endfor %}",
      "{{ range(99999) | unique | list | length }}",
      "{% set x = range(99999) | list %}{% for i in x %}{{ [x, x] | map('reverse') | map('list') | "
      "list | length }}{% endfor %}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(999) %}{% set ns.x = ns.x | select %}{% "
      "endfor %}{{ ns.x | list }}",
      "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = ns.x | replace('a', "
      "'aa') %}{% endfor %}",
      "{% set ns = namespace(x='a') %}{% for i in range(99) %}{% set ns.x = [ns.x, ns.x] | "
      "join(ns.x) %}{% endfor %}",
      "{% set ns = namespace(x='%s') %}{% for i in range(99) %}{% set ns.x = ns.x % (ns.x ~ ns.x) "
      "%}{% endfor %}",
      "{% set ns = namespace(x='{0}{0}') %}{% for i in range(99) %}{% set ns.x = "
      "ns.x.format(ns.x) %}{% endfor %}",
      "{% set ns = namespace(x=['a']) %}{% for i in range(99) %}{% set ns.x = [ns.x | string] * 2 "
      "%}{% endfor %}",
      "{% for x in [1] recursive %}{{ loop([x]) }}{% endfor %}",
      "{% macro f() %}{% call f() %}{{ caller() }}{% endcall %}{% endmacro %}{{ f() }}",
      "{% macro f(n) %}{{ f(n) if n }}{% endmacro %}{% macro g() %}" + repeated("{% if 1 %}", 90) +
          "{{ g() }}" + repeated("{% endif %}", 90) + "{% endmacro %}{{ g() }}",
      "{% macro f() %}{% set x %}{{ f() }}{% endset %}{% endmacro %}{{ f() }}",
      "{% for i in range(99999) %}{% macro f() %}{{ i }}{% endmacro %}{% for j in range(99999) "
      "%}{{ f() }}{% endfor %}{% endfor %}",
      "{% set c = cycler(1) %}{% for i in range(99999) %}{% for j in range(99999) %}{% set d = "
      "cycler(c, i) %}{% endfor %}{% endfor %}",
  };
  for (const std::string& source : hostile) {
    auto pieces = rendering_of(source);
    EXPECT_FALSE(pieces.has_value()) << source.substr(0, 200);
  }
}

TEST(ChatTemplateBounds, LeavesRoomForDeepTemplates) {
  const auto depth = [](int macros) {
    return rendering_of(
        "{% macro f(n) %}{% if n > 0 %}{% for x in [1] %}[{{ f(n - 1) | trim }}]{% endfor "
        "%}{% endif %}{% endmacro %}{{ f(" +
        std::to_string(macros) + ") }}");
  };
  EXPECT_TRUE(depth(40).has_value());
  EXPECT_FALSE(depth(4000).has_value());
}

// The person's text, which every one of the expressions below passes on, whole or in parts.
const std::vector<ChatMessage> kMessages{{Role::user, " ab<|x|>,Cd\n"}};
const std::string kHead =
    "{% set c = messages[0].content %}{% set ns = namespace(c=c) %}{% macro f(x) %}{{ x }}{% "
    "endmacro %}{% macro v() %}{{ varargs[0] }}{% endmacro %}{% macro k() %}{{ kwargs | first }}{% "
    "endmacro %}{% macro call() %}{{ caller(1) }}{% endmacro %}{% set captured %}{{ c }}{% endset "
    "%}";

void expect_kept_apart(const std::string& source) {
  auto pieces = rendering_of(kHead + source, kMessages);
  ASSERT_TRUE(pieces.has_value()) << source << ": " << pieces.error().message;
  std::string user;
  std::string own;
  for (const TextPiece& piece : *pieces) (piece.user ? user : own) += piece.text;
  EXPECT_FALSE(user.empty()) << source;
  // Nothing that came from the message may pass for the template's.
  EXPECT_EQ(own.find_first_of("abBCdD<|>"), std::string::npos) << source << " gives away " << own;
}

TEST(ChatTemplateBounds, KeepsTrackOfTheUsersTextThroughEveryFunction) {
  for (const char* expression : {"c",
                                 "c | trim",
                                 "c.strip()",
                                 "c | upper",
                                 "c.lower()",
                                 "c | title",
                                 "c.title()",
                                 "c.capitalize()",
                                 "c | capitalize",
                                 "c.swapcase()",
                                 "c.split(',')[1]",
                                 "c.split() | join('')",
                                 "c.rsplit('|', 1) | join",
                                 "c.rsplit() | last",
                                 "c.partition('<') | join",
                                 "c.rpartition('|')[0]",
                                 "c.splitlines()[0]",
                                 "c.splitlines(true) | join",
                                 "c[2:]",
                                 "c[::-1]",
                                 "c[1:7:2]",
                                 "c[-5:]",
                                 "c[3]",
                                 "c | replace('b', '')",
                                 "c.replace('', '', 1)",
                                 "'1' | replace('1', c)",
                                 "'1'.replace('1', c)",
                                 "c | list | join",
                                 "c | first",
                                 "c | list | last",
                                 "c | reverse",
                                 "c | list | reverse | join",
                                 "[c]",
                                 "(c,)",
                                 "[[c], {'1': c}]",
                                 "{c: 1}",
                                 "[c] | string",
                                 "[c] | tojson",
                                 "{'1': c} | tojson(indent=2)",
                                 "{c: 1} | tojson(sort_keys=true)",
                                 "[c] | tojson(ensure_ascii=true, separators=(c, c))",
                                 "[1, 2] | tojson(indent=c)",
                                 "c ~ ''",
                                 "'' + c",
                                 "'' ~ c ~ 1",
                                 "c | string",
                                 "c * 2",
                                 "2 * c",
                                 "[c, c] | join(c)",
                                 "c.join(['1', '2'])",
                                 "' '.join([c])",
                                 "' '.join({c: 1})",
                                 "c | indent(4)",
                                 "'1\\n2' | indent(c)",
                                 "c.removeprefix(' ')",
                                 "c.removesuffix('.')",
                                 "c.center(40)",
                                 "'1'.center(9, c[3])",
                                 "c | center(40)",
                                 "c.ljust(40)",
                                 "c.rjust(40, '.')",
                                 "c.zfill(40)",
                                 "c.expandtabs(4)",
                                 "c | truncate(10, true, '...', 0)",
                                 "c | urlencode",
                                 "{'1': c} | urlencode",
                                 "c | escape",
                                 "c | forceescape",
                                 "c | safe",
                                 "(c | safe) + '-'",
                                 "('-' | safe) + c",
                                 "('-' | safe).join([c])",
                                 "('%s' | safe) % c",
                                 "{'k': c} | xmlattr",
                                 "'%s' % c",
                                 "'%r' % c",
                                 "'%40s' % c",
                                 "'%.5s' % c",
                                 "'%(k)s' % {'k': c}",
                                 "'%s' | format(c)",
                                 "'%(k)s' | format(k=c)",
                                 "c | format",
                                 "c % ()",
                                 "'%c' % c[3]",
                                 "'{}'.format(c)",
                                 "'{:>40}'.format(c)",
                                 "'{:^40.7}'.format(c)",
                                 "'{k}'.format(k=c)",
                                 "'{0[0]}'.format([c])",
                                 "'{!r}'.format(c)",
                                 "'{:{f}>9}'.format('1', f=c[3])",
                                 "'{k}'.format_map({'k': c})",
                                 "c.format()",
                                 "(c if true)",
                                 "c | default('x')",
                                 "missing | default(c)",
                                 "c or 'x'",
                                 "true and c",
                                 "[c] | map('upper') | first",
                                 "[{'c': [c]}] | map(attribute='c.0') | first",
                                 "[{}] | map(attribute='k', default=c) | first",
                                 "[c] | select | first",
                                 "[c] | reject('none') | list | last",
                                 "[{'k': c}] | selectattr('k') | map(attribute='k') | join",
                                 "[c, '1'] | sort | join",
                                 "['1', c] | sort(reverse=true) | last",
                                 "[c, c] | unique | list",
                                 "{'k': c} | dictsort | first | last",
                                 "{c: 1} | dictsort | first | first",
                                 "[c] | batch(1) | first | first",
                                 "[c] | slice(1) | first | first",
                                 "[{'k': c}] | groupby('k') | map(attribute='grouper') | first",
                                 "([{'k': c}] | groupby('k'))[0].list[0].k",
                                 "[c] | max",
                                 "[c] | min",
                                 "[[c]] | sum(start=[])",
                                 "(c | attr('upper'))()",
                                 "f(c)",
                                 "f(*[c])",
                                 "f(x=c)",
                                 "f(**{'x': c})",
                                 "v(c)",
                                 "k(**{c: 1})",
                                 "ns.c",
                                 "ns['c']",
                                 "namespace(k=c).k",
                                 "dict(k=c).k",
                                 "dict([(c, 1)]) | first",
                                 "dict(**{c: 1}) | list",
                                 "dict.fromkeys([c]) | first",
                                 "cycler(c).next()",
                                 "{'k': c}.k",
                                 "{'k': c}.get('k')",
                                 "{}.get('k', c)",
                                 "{'k': c}.values() | first",
                                 "{'k': c}.items() | first | last",
                                 "{'k': c} | items | first | last",
                                 "{c: 1}.keys() | list | first",
                                 "{'k': c}.copy().k",
                                 "[c].copy()[0]",
                                 "([c] + [1])[0]",
                                 "([c] * 2)[1]",
                                 "[c][:1][0]",
                                 "(1, c) | last",
                                 "messages[-1]['content'].rstrip()",
                                 "captured",
                                 "captured | upper"}) {
    expect_kept_apart("{{ " + std::string(expression) + " }}");
  }
}

TEST(ChatTemplateBounds, KeepsTrackOfTheUsersTextThroughEveryStatement) {
  for (const char* source :
       {"{% filter upper %}{{ c }}{% endfilter %}",
        "{% filter trim | replace('x', c) %}{{ c }}{% endfilter %}",
        "{% set x | upper %}{{ c }}{% endset %}{{ x }}",
        "{% set ns.x %}{{ c }}{% endset %}{{ ns.x }}", "{% set x, y = c, 1 %}{{ x }}",
        "{% with x = c %}{{ x }}{% endwith %}", "{% generation %}{{ c }}{% endgeneration %}",
        "{% block one %}{{ c }}{% endblock %}", "{% print c %}",
        "{% for x in c %}{{ x }}{% endfor %}",
        "{% for x in [c] recursive %}{{ x if x is string else loop([c]) }}{% endfor %}",
        "{% for x in [[c]] recursive %}{{ x if x is string else loop(x) }}{% endfor %}",
        "{% for x in [1, c] %}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle(c) }}{% endfor "
        "%}",
        "{% for k, v in {c: c}.items() %}{{ k }}{{ v }}{% endfor %}",
        "{% call(x) call() %}{{ c }}{% endcall %}", "{% set j = joiner(c) %}{{ j() }}{{ j() }}",
        "{% macro m(x=c) %}{{ x }}{% endmacro %}{{ m() }}", "{% if true %}{{ c }}{% endif %}"}) {
    expect_kept_apart(source);
  }
}

}  // namespace
}  // namespace mneme
