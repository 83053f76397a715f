#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes jinja_language.json: small templates, one for each construct of Jinja, and what Jinja renders
or that it refuses, in an environment set up as transformers sets it up. Needs jinja2 3.1; the result
is committed, so the tests need none.

    make_jinja_oracle.py
"""
import json
import os

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello, <|x|> wörld!"}]

TEMPLATES = r"""
# numbers
{{ 2 ** 10 }} {{ 2 ** -1 }} {{ 2 ** 3 ** 2 }} {{ -2 ** 2 }} {{ 4 ** 0.5 }} {{ 0 ** 0 }}
{{ 7.5 // 2 }} {{ -7.5 // 2 }} {{ 7.5 % 2 }} {{ -7.5 % 2 }} {{ 7 % -2.5 }} {{ 1e16 }} {{ 1e15 }} {{ 1e-5 }} {{ 0.0001 }} {{ -0.0 }} {{ 1.5e300 * 1e10 }}
{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 1_000_000 }} {{ 3.0 }} {{ 1.23456789012345678 }} {{ 100000000000000000000.0 }}
{{ true + true }} {{ true * 3 }} {{ 3 * 'ab' }} {{ [1] * 2 }} {{ 2 * (1, 2) }} {{ -true }} {{ +1.5 }}
{{ '42' | int }} {{ '0x1A' | int(base=16) }} {{ '1A' | int(0, 16) }} {{ '101' | int(base=2) }} {{ ' -7 ' | int }} {{ '+7' | int }} {{ '1_000' | int }} {{ '42.9' | int }} {{ 'x' | int(5) }} {{ 'x' | int }} {{ none | int(3) }} {{ [] | int }} {{ true | int }} {{ '0b11' | int(base=0) }} {{ '1e3' | int }}
{{ '1.5' | float }} {{ 'x' | float(2.5) }} {{ '1e3' | float }} {{ 7 | float }} {{ 'nan' | float }} {{ '-inf' | float }} {{ none | float }} {{ '1_0.5' | float }}
{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.567 | round(2) }} {{ 2.1 | round(0, 'ceil') }} {{ 2.9 | round(method='floor') }} {{ 7 | round }} {{ 2.345 | round(1, 'ceil') }} {{ -3 | abs }} {{ -2.5 | abs }}
{{ 1000 | filesizeformat }} {{ 1 | filesizeformat }} {{ 999 | filesizeformat }} {{ 1048576 | filesizeformat(true) }} {{ 123456789 | filesizeformat }}
{{ 1 < 2 < 3 < 4 }} {{ 1 < 3 > 2 }} {{ 1 == 1.0 == true }} {{ [1, 2] < [1, 3] }} {{ (1, 2) < (1, 2, 0) }} {{ 'a' < 'B' }} {{ 1 != 2 != 1 }} {{ 2 in [1, 2] in [[1, 2], true] }}
{{ [1, 2, 3] | sum }} {{ [{'a': 1}, {'a': 2.5}] | sum(attribute='a') }} {{ [[1], [2]] | sum(start=[]) }} {{ [] | sum }} {{ [1] | sum(start=10) }}
{{ [3, 1, 2] | min }} {{ [3, 1, 2] | max }} {{ ['b', 'A'] | min }} {{ ['b', 'A'] | min(case_sensitive=true) }} {{ [] | max }} {{ [{'a': 2}, {'a': 1}] | max(attribute='a') }}
# what Python prints
{{ [1, 'a', "it's", none, true, 2.0, [], {}, (), (1,), (1, 2)] }}
{{ {'a': 1, 'b': [true, none], 3: 'c', (1, 2): {}} }}
{{ 'tab\tquote"\'back\\ \x07 é \u200b \U0001F600' | list | join('') }} {{ ['tab\tquote"\'back\\ \x07 é \u200b \U0001F600'] }} {{ ['\n\r'] }} {{ ["'"] }}
{{ range(3) }} {{ range(1, 5, 2) }} {{ {'a': 1}.keys() }} {{ {'a': 1}.values() }} {{ {'a': 1}.items() }} {{ [nothing] }} {{ {'x': 'y' | safe} }}
{{ (1, 2) }} {{ 1, 2 }} {{ ('a',) }} {{ ['a' | upper] | string | length }} {{ [1] ~ {} ~ () }} {{ [1.0, 1e20] | string }}
{{ true }} {{ false }} {{ none }} {{ True }} {{ None }} {{ [True, False, None] }}
{% macro m(a) %}{% endmacro %}{{ m }} {{ m.name }} {{ m.arguments }} {{ m.catch_kwargs }} {{ m.caller }}
{% for i in [1, 2] %}{{ loop }} {% endfor %}
# undefined
[{{ nothing }}] [{{ {}.nothing }}] [{{ messages[9] }}] {{ nothing is defined }} {{ nothing == none }} {{ nothing == other_nothing }} {{ nothing | length }} {{ nothing | list }} {{ 'a' in nothing }} {% for x in nothing %}x{% endfor %}
{{ nothing | trim }}| {{ nothing | upper }}| {{ nothing | string }}| {{ nothing | join('x') }}| {{ nothing | first }}| {{ nothing | default('d') }} {{ nothing | select | list }} {{ nothing ~ 'x' }} {{ not nothing }} {{ nothing or 'else' }} {{ '%s' % nothing }} {{ nothing | map('upper') | list }}
{{ nothing.more }}
{{ nothing['more'] }}
{{ nothing[0] }}
{{ nothing() }}
{{ nothing + 1 }}
{{ nothing | int }}
{{ nothing | abs }}
{{ nothing | tojson }}
{{ -nothing }}
{{ nothing < 1 }}
{{ nothing in 'abc' }}
{{ [1] | map(attribute='a.b') | list }}
{% for x in none %}{% endfor %}
{{ none.a }}| {{ none['a'] }}| {{ (1).a }}| {{ 'a'.b }}| {{ [].a }}| {{ [][0] }}| {{ 'abc'[7] }}| {{ 5[0] }}|
{% set x = none %}{{ x[1:] }}
{% set x = {} %}{{ x[1:] }}
{{ range(8)[1:6:2] }} {{ range(4)[5:] }} {{ range(9, 0, -2)[::-1] }} {{ 'ß-ﬁ'.title() }} {{ 'ßa'.capitalize() }} {{ 'ß' | title }} {{ 'ß'.swapcase() }}
{{ 'x' | filesizeformat }}
{{ nothing | attr('a') }}
{{ nothing | truncate(3) }}| {{ ('ab' | safe) | list }} {{ ('ab' | safe) | sort }} {% for c in 'a' | safe %}{{ c + '<' }}{% endfor %}
{{ none | length }}
{{ none | list }}
{{ none | join }}
{{ none | first }}
{{ none | items | list }}
{{ none | upper }} {{ none | trim }} {{ none | string }} {{ none | selectattr('a') | list }} {{ none | map('upper') | list }} {{ none | reject | list }} {{ none | default('d') }} {{ none | default('d', true) }}
{{ nothing | items | list }} {{ {'a': 1} | items | list }} {{ {} | items | first }}
{% if x is defined and x.y %}a{% endif %}{{ x.y if x is defined }}b
# texts
{{ 'a,b,,c'.split(',') }} {{ 'a b  c '.split() }} {{ 'a-b-c'.split('-', 1) }} {{ 'a-b-c'.rsplit('-', 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ 'a-b-c'.split(sep='-', maxsplit=1) }} {{ 'abc'.rsplit('x') }} {{ ''.split() }} {{ ''.split('x') }} {{ 'aXXb'.split('XX') }} {{ ' a b c '.split(maxsplit=1) }}
{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'abc'.partition('=') }} {{ 'abc'.rpartition('=') }}
{{ 'hello wOrld it\'s'.title() }} {{ 'hello wOrld it\'s' | title }} {{ 'foo-bar (baz)' | title }} {{ 'foo-bar_baz'.title() }} {{ 'hELLO'.capitalize() }} {{ 'aBc'.swapcase() }} {{ 'ÄÖ'.lower() }} {{ 'straße'.upper() }}
{{ 'ab'.center(7, '*') }}| {{ 'abc'.center(6) }}| {{ 'ab' | center(6) }}| {{ 'ab'.ljust(4, '.') }}| {{ 'ab'.rjust(4) }}| {{ '7'.zfill(3) }} {{ '-7'.zfill(4) }} {{ 'a\tbc\td'.expandtabs(4) }}| {{ 'é'.center(4, 'ü') }}|
{{ 'xxabxx'.strip('x') }} {{ 'xyabyx'.lstrip('xy') }} {{ 'abcba'.rstrip('ab') }} {{ '  a '.strip(none) }}| {{ 'äaä'.strip('ä') }} {{ 'aa'.strip('') }} {{ '\u3000 a\u00a0'.strip() }}|
{{ 'hello'.startswith(('x', 'he')) }} {{ 'hello'.startswith('l', 2) }} {{ 'hello'.endswith('l', 0, 4) }} {{ 'hello'.endswith(()) }} {{ 'abc'.startswith('', 5) }} {{ 'abc'.startswith('c', -1) }}
{{ 'a'.startswith(['a']) }}
{{ 'a.b.c'.replace('.', '-', 1) }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'aaa' | replace('a', 'b', 2) }} {{ 'a' | replace('a', 5) }} {{ 123 | replace(2, 'x') }} {{ 'abc'.replace('', '.', 2) }} {{ 'ab' | replace('', '-') }}
{{ 'hello'.find('l') }} {{ 'hello'.rfind('l') }} {{ 'hello'.find('l', 3) }} {{ 'hello'.find('h', 1) }} {{ 'héllo'.index('l') }} {{ 'hello'.rindex('l') }} {{ 'hello'.count('l') }} {{ 'aaa'.count('a', 1) }} {{ 'abc'.count('') }} {{ 'abc'.find('c', -1) }} {{ 'aéa'.rfind('a') }}
{{ 'hello'.index('z') }}
{{ '12'.isdigit() }} {{ '²'.isdigit() }} {{ '²'.isdecimal() }} {{ '½'.isnumeric() }} {{ ''.isdigit() }} {{ 'aé'.isalpha() }} {{ 'a1'.isalnum() }} {{ 'a b'.isalnum() }} {{ ' \t'.isspace() }} {{ 'AB1'.isupper() }} {{ 'ab1'.islower() }} {{ '1'.islower() }} {{ 'Ab Cd'.istitle() }} {{ 'AB'.istitle() }} {{ 'é'.isascii() }} {{ 'a_1'.isidentifier() }} {{ '1a'.isidentifier() }} {{ 'a\n'.isprintable() }}
{{ 'a\nb\r\nc\x0bd\u2028e\n'.splitlines() }} {{ 'a\nb\n'.splitlines(true) }} {{ ''.splitlines() }} {{ 'a\n\nb'.splitlines(keepends=true) }}
{{ '-'.join(['a', 'b']) }} {{ ''.join('abc') }} {{ ', '.join({'k': 1, 'l': 2}) }}
{{ '-'.join([1]) }}
{{ '-'.join(['a', 'b'] | map('upper')) }} {{ [1, none, 'x'] | join('|') }} {{ [{'a': 1}, {'a': 2}] | join(',', attribute='a') }} {{ 'abc' | join('-') }} {{ [1, 2] | join }} {{ [1, 2] | join(0) }}
{{ 'prefix'.removeprefix('pre') }} {{ 'a.txt'.removesuffix('.txt') }} {{ 'a'.removesuffix('') }} {{ 'ab'.removeprefix('b') }}
{{ 'é' ~ 'a'[0] }} {{ 'héllo'[1:3] }} {{ 'héllo'[::-1] }} {{ 'héllo'[-3:-1] }} {{ 'abcdef'[4:1:-1] }} {{ 'abcdef'[::2] }} {{ 'abc'[10:] }}| {{ 'abc'[-10:2] }} {{ 'abc'[true] }} {{ [1, 2, 3, 4, 5][::-2] }} {{ [1, 2, 3][-2:] }} {{ (1, 2, 3)[1:] }} {{ [1, 2, 3][5:1:-1] }} {{ range(5)[-1] }} {{ range(5)[7] }}|
{{ 'abc' * 0 }}| {{ 'abc' * -1 }}| {{ 'a' 'b' }} {{ "a" ~ 1 ~ none ~ [1] }} {{ 'a' + 'b' * 2 }} {{ 'x' in 'xyz' and 'q' not in 'xyz' }}
{{ 'a' + 1 }}
{{ 1 + 'a' }}
{{ [] + () }}
{{ 'a' in 1 }}
{{ 1 in 'a' }}
{{ 'a' < 1 }}
{{ {} < {} }}
{{ 'one two three four' | truncate(9) }} {{ 'one two three four' | truncate(9, true) }} {{ 'one two three four' | truncate(9, false, '…', 0) }} {{ 'short' | truncate(3) }} {{ 'one two' | truncate(5, leeway=0) }}
{{ 'a\nb\n\nc' | indent }}| {{ 'a\nb' | indent(2, true) }}| {{ 'a\n\nb' | indent(1, blank=true) }}| {{ 'a\nb' | indent('> ', true) }}| {{ 'a\n' | indent(2) }}| {{ '' | indent(2, true) }}|
{{ 'Hello wörld, x_1!' | wordcount }} {{ 'a b/c&d=é ~' | urlencode }} {{ {'a b': 1, 'c': '/&'} | urlencode }} {{ [('a', 'b c')] | urlencode }}
{{ '<a href="x">\'&' | escape }} {{ '<' | e }} {{ '<b>' | safe }} {{ '<' | escape | escape }} {{ '<' | escape | forceescape }} {{ {'class': 'a"b', 'x': none, 'id': 1} | xmlattr }}
{{ ('<b>' | safe) + '<i>' }} {{ '<i>' + ('<b>' | safe) }} {{ ('<b>' | safe) ~ '<i>' }} {{ ('a' | safe).upper() + '<' }} {{ ('<%s>' | safe) % '<' }} {{ ('-' | safe).join(['<', '>']) }} {{ ('a' | safe).replace('a', '<') }} {{ ('ab' | safe)[0] + '<' }} {{ ('a b' | safe).split()[0] + '<' }} {{ 'a' | safe is escaped }} {{ [1] | tojson | safe + '\n' }}
# formats
{{ '%s and %r' % ('a', 'b') }} {{ '%d%%' % 5.7 }} {{ '%5d|%-5d|%05d|%+d' % (1, 2, 3, 4) }} {{ '%.2f %8.3f %e %g' % (1.005, 3.14159, 12345.678, 0.0001) }} {{ '%x %X %o %#x' % (255, 255, 8, 255) }} {{ '%(a)s-%(b)03d' % {'a': 'x', 'b': 7} }} {{ '%s' % [1, 2] }} {{ '%*d' % (5, 42) }} {{ '%.3s|%10s|%-10s|' % ('abcdef', 'r', 'l') }} {{ '%s %s' | format('a', 1) }} {{ '%(k)s' | format(k='v') }} {{ '%c' % 'x' }} {{ '%i' % true }} {{ '% d' % 5 }} {{ '%.0f' % 2.5 }} {{ '%5.1f%%' % 99.55 }} {{ 'a' % [] }}
{{ '%s %s' % ('a',) }}
{{ '%s' % ('a', 'b') }}
{{ '%d' % 'a' }}
{{ '%y' % 1 }}
{{ '{} {}'.format('a', 1) }} {{ '{1} {0}'.format('a', 'b') }} {{ '{x}-{y:>4}'.format(x=1, y='r') }} {{ '{:05.1f}|{:,}|{:<5}|{:^7}|{:>5}|{:*^9}'.format(3.14159, 1234567, 'l', 'mid', 'r', 'c') }} {{ '{{}}'.format() }} {{ '{a.b} {c[0]} {c[k]}'.format(a={'b': 1}, c={'k': 2, 0: 3}) }} {{ '{:x} {:#X} {:b} {:o}'.format(255, 255, 5, 8) }} {{ '{!r}'.format('q') }} {{ '{:.2%}'.format(0.256) }} {{ '{:+d} {: d}'.format(5, 5) }} {{ '{:{w}}|'.format('a', w=4) }} {{ '{:.2f}'.format(2) }} {{ '{:e}'.format(12.5) }} {{ '{:010d}'.format(-42) }} {{ '{:d}'.format(true) }} {{ '{}'.format(true) }} {{ '{:_}'.format(1000000) }} {{ '{:.3s}'.format('abcdef') }} {{ '{a}'.format_map({'a': 'm'}) }}
{{ '{} {0}'.format(1) }}
{{ '{}'.format() }}
{{ '{x}'.format() }}
{{ '{:d}'.format('a') }}
{{ '{:d}'.format(1.5) }}
{{ '{0'.format(1) }}
{{ '{:5}'.format(none) }}
# lists, mappings
{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'c'] | sort }} {{ ['b', 'A', 'c'] | sort(case_sensitive=true) }} {{ [1, 3, 2] | sort(reverse=true) }} {{ [{'a': 2, 'b': 1}, {'a': 1, 'b': 2}] | sort(attribute='b') }} {{ [{'a': {'x': 2}}, {'a': {'x': 1}}] | sort(attribute='a.x') }} {{ [(2, 'a'), (1, 'b')] | sort }} {{ [{'a': 1, 'b': 2}, {'a': 1, 'b': 1}] | sort(attribute='a,b') }} {{ {'b': 1, 'a': 2} | sort }}
{{ [1, 'a'] | sort }}
{{ {'b': 1, 'A': 3, 'c': 2} | dictsort }} {{ {'b': 1, 'A': 3} | dictsort(true) }} {{ {'b': 1, 'a': 3, 'c': 2} | dictsort(by='value', reverse=true) }} {% for k, v in {'z': 1, 'y': 2} | dictsort %}{{ k }}={{ v }};{% endfor %}
{{ [] | dictsort }}
{{ {'a': 1} | dictsort(by='neither') }}
{{ ['a', 'A', 'b', 'a'] | unique | list }} {{ ['a', 'A'] | unique(true) | list }} {{ [1, true, 1.0, 2] | unique | list }} {{ [{'k': 1}, {'k': 1}, {'k': 2}] | unique(attribute='k') | list }}
{{ [{}] | unique | list }}
{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 'x') | list }} {{ [1, 2, 3, 4, 5] | slice(2) | list }} {{ [1, 2, 3] | slice(2, 'f') | list }} {{ [] | batch(3) | list }}
{% for g in [{'c': 'x', 'n': 1}, {'c': 'y', 'n': 2}, {'c': 'x', 'n': 3}] | groupby('c') %}{{ g.grouper }}:{{ g.list | map(attribute='n') | join(',') }} {% endfor %}{% for k, v in [{'c': 'B'}, {'c': 'b'}, {}] | groupby('c', default='z') %}{{ k }}{{ v | length }} {% endfor %}{{ ['ab', 'a'] | groupby('0') }}
{{ messages | map(attribute='role') | list }} {{ messages | map(attribute='nope', default='d') | list }} {{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }} {{ [[1, 2], [3, 4]] | map(attribute=1) | list }} {{ [[1, 2]] | map(attribute='0') | list }} {{ ['a', 'b'] | map('upper') | list }} {{ [1, 2] | map('string') | map('length') | list }} {{ ['a '] | map('trim') | list }} {{ ['ab'] | map('replace', 'a', 'x') | list }} {{ [{}] | map('tojson', indent=2) | list }}
{{ [1, 2, 3, 4] | select('odd') | list }} {{ [1, 2, 3] | reject('eq', 2) | list }} {{ [0, '', 1] | select | list }} {{ [1, 5, 3] | select('gt', 2) | list }} {{ [1, 'a', none] | select('string') | list }} {{ ['a', 'b'] | select('in', ['a']) | list }} {{ [1, 2] | select('==', 2) | list }} {{ messages | selectattr('role', 'ne', 'user') | map(attribute='content') | join }} {{ [{'a': {'b': 1}}, {'a': {}}] | selectattr('a.b', 'defined') | list }} {{ [{'a': 1}, {'a': 0}, {}] | rejectattr('a') | list }} {{ [{'a': none}] | selectattr('a', 'none') | list | length }}
{{ [1] | select('nope') | list }}
{{ [1] | map('nope') | list }}
{{ ([1] | map('nope')) and 'not walked' }} {{ 'yes' if [] | select }} {{ 'yes' if messages | selectattr('role', 'eq', 'x') }} {{ messages | selectattr('role', 'eq', 'x') | list or 'none' }}
{{ [1, 2] | map('string') | length }}
{{ ([1, 2] | map('string'))[0] is defined }} {% set g = [1, 2, 3] | map('string') %}{{ g | first }}{{ g | first }}{{ g | list }}{{ g | list }} {% set h = [1, 2] | select %}{% for x in h %}{{ x }}{% endfor %}{% for x in h %}again{% endfor %} {% set k = [1, 2, 3] | select %}{{ 2 in k }}{{ k | list }}
{{ [1, 2] | select | last }}
{{ [1, 2] | reverse | list }} {{ 'abc' | reverse }} {{ {'a': 1, 'b': 2} | reverse | list }} {{ [1, 2] | select | reverse }} {{ (1, 2) | last }} {{ {'a': 1, 'b': 2} | last }} {{ range(3) | last }} {{ 'abc' | last }} {{ [] | last }}|
{{ [1, 2] | reverse | length }}
{{ [1, 2, 1].count(1) }} {{ [1, 2].index(2) }} {{ (1, 2).index(2) }} {{ [1, 2, 1].index(1, 1) }} {{ [1].copy() }} {{ range(3).count(1) }}
{{ [1].index(2) }}
{{ [].append(1) }}
{% set x = [1] %}{% set _ = x.append(2) %}{{ x }}
{% set x = {} %}{{ x.update({'a': 1}) }}
{{ [].append is defined }} {{ {}.pop is defined }} {{ [].append }}| {{ {}.get is defined }} {{ {}.get is callable }} {{ 'a'.upper is callable }}
{{ [].pop() }}
{{ {}.setdefault('a', 1) }}
{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }} {{ {1: 2}.get(1) }} {{ {'a': 1}.copy() }} {{ {}.fromkeys(['a'], 1) }} {{ dict.fromkeys('ab') }} {{ {'items': 5}['items'] }} {{ {'a': 1}['get'] is callable }} {{ {'items': 5}.items() }} {{ {'x': {'items': 1}}.x['items'] }}
{{ {'a': 1}.get() }}
{{ {'a': 1}.get([]) }}
{{ {[]: 1} }}
{{ {1: 'a', '1': 'b', 1.0: 'c', true: 'd'} }} {{ {1: 'x'}[1] }} {{ {1: 'x'}[true] }} {{ {'a': 1}[0] }}| {{ {(1, 2): 't'}[1, 2] }} {{ {none: 'n'}[none] }}
{{ 1 in {1: 2} }} {{ 'a' in {'a': none} }} {{ 1 in {'a': 1}.values() }} {{ ('a', 1) in {'a': 1}.items() }} {{ 'a' in {'a': 1}.keys() }} {{ [] in [[]] }} {{ (1,) == [1] }} {{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }} {{ range(3) == [0, 1, 2] }} {{ {'a': 1}.keys() == {'a': 2}.keys() }}
{{ {'a': 1}.items()[0] is defined }} {{ {'a': 1}.items() | list | first }} {{ {'a': 1}.values() | list }} {{ {'b': 1, 'a': 2}.items() | sort }} {{ {'a': 1}.keys() | length }}
{{ dict(a=1) }} {{ dict({'a': 1}, b=2) }} {{ dict([('x', 1)]) }} {{ dict() }} {{ dict({'a': 1}, **{'c': 3}) }}
{{ [1, 2] + [3] }} {{ (1,) + (2,) }} {{ [[1, 2], [3]] | map('join', '-') | list }} {{ [1, [2, [3]]] == [1, [2, [3]]] }} {{ [1, 2] | first }} {{ 'abc' | list }} {{ {'a': 1} | list }} {{ [] | first }}|
{{ {'a': 1} | attr('a') }}| {{ 'x' | attr('upper') is callable }} {{ 'abc' | attr('nope') is defined }} {{ ('a' | attr('upper'))() }}
{{ 'a' | length(1) }}
{{ [1] | sort(nope=1) }}
{{ {} | tojson(nope=1) }}
{{ 'a' | upper(1) }}
{{ 'a'.upper(1) }}
{{ 'a' | default(nope=1) }}
{{ [1] | join(nope=1) }}
{{ 'a'.strip(chars='a') }}
# json
{{ {'b': 1, 'a': [1.5, none, true, 'é"\\\n\x01</x>']} | tojson }} {{ {'b': 1, 'a': 2} | tojson(sort_keys=true) }} {{ 'é🙂' | tojson(ensure_ascii=true) }} {{ [1, {'a': []}] | tojson(indent=2) }} {{ [1, {'a': 2}] | tojson(separators=(',', ':')) }} {{ [1, 2] | tojson(indent=0) }} {{ {'a': 1} | tojson(indent='--') }} {{ {1: 2, none: 3, true: 4, 1.5: 5} | tojson }} {{ (1, 2) | tojson }} {{ 1e20 | tojson }} {{ 'nan' | float | tojson }} {{ {'a': {'c': 1, 'b': 2}} | tojson(indent=1, sort_keys=true, separators=(', ', ' = ')) }} {{ [] | tojson(indent=4) }} {{ {} | tojson(indent=4) }} {{ [1] | tojson(true) }} {{ '\x7f' | tojson }}
{{ [1] | select | tojson }}
{{ {'a': 1}.items() | tojson }}
{{ {(1, 2): 1} | tojson }}
{{ range(3) | tojson }}
{{ {1: 1, 'a': 2} | tojson(sort_keys=true) }}
# tests
{{ 1 is odd }} {{ 2 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 2.0 is even }} {{ 'a' is lower }} {{ 'A' is upper }} {{ 'a1' is lower }} {{ '' is lower }} {{ 1 is number }} {{ true is number }} {{ true is integer }} {{ 1 is integer }} {{ 1.0 is float }} {{ false is false }} {{ 0 is false }} {{ true is true }} {{ 1 is boolean }}
{{ 'a' is string }} {{ [] is sequence }} {{ {} is sequence }} {{ 1 is sequence }} {{ 'a' is sequence }} {{ [] | select is sequence }} {{ [] | select is iterable }} {{ {}.items() is iterable }} {{ {}.items() is sequence }} {{ 1 is iterable }} {{ {} is mapping }} {{ [] is mapping }} {{ range(2) is sequence }} {{ nothing is sequence }} {{ nothing is iterable }} {{ nothing is callable }} {{ range is callable }} {{ 1 is callable }}
{{ 1 is eq 1 }} {{ 1 is equalto 1 }} {{ 1 is ne 2 }} {{ 1 is lt 2 }} {{ 1 is lessthan 2 }} {{ 1 is le 1 }} {{ 2 is gt 1 }} {{ 2 is greaterthan 1 }} {{ 2 is ge 2 }} {{ 1 is in [1] }} {{ 'a' is in 'abc' }} {{ none is sameas none }} {{ 1 is sameas true }} {{ 'upper' is filter }} {{ 'nope' is filter }} {{ 'odd' is test }} {{ 'nope' is test }} {{ 'a' is escaped }} {{ 'b' is gt 'a' }} {{ 1 is not none }} {{ not 1 is none }} {{ 3 is in(1, 3) if false else 'y' }}
{{ 'a' is odd }}
{{ 1 is divisibleby 0 }}
{{ 1 is defined is defined }}
{{ 1 is lt }}
{{ 1 is defined(1) }}
{{ 1 | nope }}
{{ 1 is nope }}
{% if false %}{{ 1 | nope }}{% endif %}{{ 'x' if true else 1 | nope }} {% if false %}{% if 1 is nope %}{% endif %}{% endif %}
{% if true %}{{ 1 | nope }}{% endif %}
{% if false %}{% for x in [] %}{{ x | nope }}{% endfor %}{% endif %}
{{ [1 | nope] if false else 2 }}
{% if false %}{% set a %}{{ 1 | nope }}{% endset %}{% endif %}
# loops
{% for x in 'ab' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}
{% for x in [1, 2, 3, 4] %}{{ loop.cycle('a', 'b', 'c') }}{% endfor %} {% for x in [1, 1, 2, 2, 1] %}{{ loop.changed(x) }} {% endfor %}
{% for x in [1, [2, [3]]] recursive %}{% if x is iterable %}({{ loop(x) }}){% else %}{{ x }}:{{ loop.depth }}{% endif %}{% endfor %}
{% for n in [{'v': 1, 'c': [{'v': 2, 'c': []}, {'v': 3, 'c': [{'v': 4, 'c': []}]}]}] recursive %}{{ n.v }}{% if n.c %}[{{ loop(n.c) }}]{% endif %}{{ '' if loop.last else ',' }}{% endfor %}
{% for x in [1] %}{{ loop([1]) }}{% endfor %}
{% for x in [1, 2, 3, 4, 5] if x is odd %}{{ x }}/{{ loop.length }}{{ ',' if not loop.last }}{% else %}none{% endfor %} {% for x in [2] if x is odd %}{{ x }}{% else %}none{% endfor %} {% for x in [] %}{% else %}empty{% endfor %}
{% for a, (b, c) in [(1, (2, 3)), (4, [5, 6])] %}{{ a }}{{ b }}{{ c }} {% endfor %}{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for a, b in ['xy'] %}{{ a }}-{{ b }}{% endfor %}
{% for a, b in [(1, 2, 3)] %}{% endfor %}
{% for a, b in [1] %}{% endfor %}
{% for x in [1, 2, 3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% endfor %}{% for x in [1, 2, 3] %}{% if x == 2 %}{% break %}{% endif %}{{ x }}{% else %}no{% endfor %}{% for x in [1, 2] %}{% for y in [1, 2] %}{% if y == 2 %}{% break %}{% endif %}{{ x }}{{ y }} {% endfor %}{% endfor %}
{% set x = 0 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }} {% set ns = namespace(x=0) %}{% for i in [1, 2] %}{% set ns.x = ns.x + i %}{% endfor %}{{ ns.x }} {% for i in [1] %}{% set y = i %}{% endfor %}{{ y is defined }} {% if true %}{% set z = 3 %}{% endif %}{{ z }}
{% for i in [1, 2] %}{% if i == 1 %}{% set seen = 'yes' %}{% endif %}{{ seen is defined }} {% endfor %}{% for i in [1, 2] %}{{ i }}{% for j in [3] %}{{ loop.index }}{{ i }}{{ j }}{% endfor %}{{ loop.index }} {% endfor %}{{ loop is defined }}
{% for loop in [1] %}{% endfor %}
{% for x in 5 %}{% endfor %}
{% break %}
{% for i in range(3) | reverse %}{{ i }}{{ loop.length }}{% endfor %}{% for i in range(2, 8, 3) %}{{ i }}{% endfor %}{% for i in range(3, 0, -1) %}{{ i }}{% endfor %}{% for x in messages | map(attribute='role') %}{{ x }}{{ loop.last }}{% endfor %}
{{ range(100001) | length }}
{{ range(1.5) }}
{{ range(0, 5, 0) }}
{% for x in [1, 2,] %}{{ x }}{% endfor %} {% for x in 1, 2 %}{{ x }}{% endfor %} {% for x in (1, 2) if true %}{{ x }}{% endfor %}
# set, with, blocks
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set (c, d) = [3, 4] %}{{ c }}{{ d }} {% set f = 1, %}{{ f }} {% set a, b = b, a %}{{ a }}{{ b }} {% set ns = namespace(a=0) %}{% set ns.a, g = 7, 8 %}{{ ns.a }}{{ g }}
{% set x %}  a {{ 1 + 1 }} {% endset %}[{{ x }}] {% set x | upper | trim %} abc {% endset %}[{{ x }}] {% set x | replace('a', 'b') %}aaa{% endset %}{{ x }} {% set ns = namespace() %}{% set ns.t %}text{% endset %}{{ ns.t }}
{% set ns = namespace(a=1, b='x') %}{{ ns.a }}{{ ns.b }}{{ ns.c }}| {{ ns['a'] is defined }} {% set ns.c = [1] %}{{ ns.c }} {% set n2 = namespace({'k': 1}, j=2) %}{{ n2.k }}{{ n2.j }} {{ ns is mapping }} {{ ns.items is defined }}
{% set x = {} %}{% set x.a = 1 %}
{% set ns = namespace(_a=1) %}
{% set ns = namespace() %}{% set ns._x = 1 %}
{% set true = 1 %}
{% set x.y.z = 1 %}
{% set a, b %}x{% endset %}
{% set a, b %}xy{% endset %}{{ b }}{{ a }}
{% for (a, b), in [[(1, 2)]] %}{% endfor %}
{% set e, = [5] %}
{% with a = 1, b = 2 %}{{ a }}{{ b }}{% set c = 3 %}{{ c }}{% endwith %}{{ a is defined }}{{ c is defined }} {% set a = 5 %}{% with a = 1, b = a %}{{ b }}{% endwith %}{{ a }} {% with %}{% set a = 9 %}{{ a }}{% endwith %}{{ a }}
{% filter upper %}abc {{ 'def' }}{% endfilter %} {% filter trim | replace('b', 'x') %} abc {% endfilter %}|
{% block one %}in {{ 'block' }}{% endblock %} {% block two scoped %}{% set q = 1 %}{{ q }}{% endblock two %}{{ q is defined }} {% set top = 4 %}{% block three %}{{ top }}{% endblock %} {% for i in [1] %}{% block four %}{{ i is defined }}{% endblock %}{% block five scoped %}{{ i }}{% endblock %}{% endfor %}
{% block a %}{% endblock %}{% block a %}{% endblock %}
{% print 1, 'a' %} {% print [1] %} {% autoescape false %}{{ '<' }}{% endautoescape %}
{% generation %}a{% set inner = 1 %}{{ inner }}{% endgeneration %}{{ inner is defined }} {% for m in messages %}{% generation %}{{ m.role }}{{ loop.index }}{% endgeneration %}{% endfor %}
{% include 'x' %}
{% import 'x' as y %}
{% from 'x' import a, b as c with context %}
{% extends 'x' %}
{% if false %}{% include 'x' ignore missing %}{% import 'x' as y %}{% from 'x' import a %}{% endif %}fine
{% unknown %}
{% if 1: %}a{% else: %}b{% endif %} {% for x in [1]: %}{{ x }}{% endfor %}
{% if 'a' if true else 'b' %}x{% endif %}
{% if 1, 2 %}tuple{% endif %} {% if () %}a{% elif [] %}b{% elif '' %}c{% elif 0.0 %}d{% elif none %}e{% else %}f{% endif %}
{{ 'a' if 1 else 'b' if 0 else 'c' }} {{ ('a' if 0) }}| {{ ('a' if 0) is defined }} {{ 'x' if 0 or [] else 'y' }} {{ (1 if false) | default('d') }} {{ 1 if true if false else 3 }}
# macros
{% macro f(a, b='B', c=a) %}<{{ a }}{{ b }}{{ c }}>{% endmacro %}{{ f(1) }}{{ f(1, c=2) }}{{ f(a=1, b=2) }}{{ f(*[1, 2, 3]) }}{{ f(**{'a': 7, 'c': 8}) }}{{ f(1, *[2], **{'c': 3}) }}{{ f() }}
{% macro f() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, x=3) }}{{ f() }} {% macro g(a) %}{{ a }}{{ varargs | join('+') }}{% endmacro %}{{ g(1, 2, 3) }} {% macro h(a) %}{{ a }}{% for k, v in kwargs.items() %}{{ k }}={{ v }}{% endfor %}{% endmacro %}{{ h(1, z=2) }}
{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{% endmacro %}{{ f(b=1) }}
{% macro f(a) %}{% endmacro %}{{ f(1, a=2) }}
{% macro f(a) %}{{ a is defined }}{{ a }}{% endmacro %}{{ f() }}{{ f(none) }}
{% macro box(t) %}[{{ t }}:{{ caller() }}]{% endmacro %}{% call box('x') %}inner {{ 1 + 1 }}{% endcall %} {% macro each(xs) %}{% for x in xs %}{{ caller(x, loop.index) }}{% endfor %}{% endmacro %}{% call(v, i) each(['a', 'b']) %}{{ i }}{{ v }};{% endcall %} {% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}{% call m() %}{% endcall %}
{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}
{% call 1 %}{% endcall %}
{% set v = 1 %}{% macro f() %}{{ v }}{{ w }}{% endmacro %}{% set v = 2 %}{% set w = 3 %}{{ f() }} {% for i in [1, 2] %}{% macro g() %}{{ i }}{% endmacro %}{{ g() }}{% endfor %} {% macro outer(x) %}{% macro inner() %}{{ x }}{% endmacro %}{{ inner() }}{% endmacro %}{{ outer(5) }}{{ inner is defined }}
{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }} {% macro even(n) %}{{ 'y' if n == 0 else odd(n - 1) }}{% endmacro %}{% macro odd(n) %}{{ 'n' if n == 0 else even(n - 1) }}{% endmacro %}{{ even(10) }}
{% macro f(x) %}{% set y = x %}{{ y }}{% endmacro %}{{ f(1) ~ f(2) }}{{ f('a') | upper }}{{ f(1) is string }}{{ f(' a ').strip() }}{% set s = f('q') %}{{ s }}{{ y is defined }} {% for i in [1] %}{{ f(i) }}{% endfor %}
{% macro f(a, a) %}{% endmacro %}
{% macro f(a=1, b) %}{% endmacro %}
{{ f(a=1, 2) }}
{{ f(*a, *b) }}
{{ f(a=1, a=2) }}
{{ f(1,) if false else 'trailing comma' }} {{ dict(a=1,) }}
{% macro f(caller=none) %}{{ caller() if caller else 'no' }}{% endmacro %}{{ f() }}{% call f() %}yes{% endcall %}
{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{{ c.reset() }}{{ c.next() }} {% set j = joiner('|') %}{{ j() }}a{{ j() }}b{{ j() }}c
{{ raise_exception('no: ' ~ 1) }}
{{ raise_exception() }}
{{ {'f': 1}.f() }}
{{ 'a'() }}
{{ 'a'.nope() }}
{{ ''.__class__ }}| {{ ''.__class__ is defined }} {{ [].__len__ is defined }} {{ messages.__class__ }}|
{{ ''.__class__.__mro__ }}
{{ (1).__class__() }}
{{ 5 .real }} {{ (2.5).is_integer() }} {{ (5).bit_length() }} {{ 2.0.is_integer() if false else 'x' }} {{ [[1, [2, 3]]].0.1.0 }} {{ {'a': [5]}.a.0 }}
# layout and lexer
a {#- c -#} b{# d #} {{- ' e ' -}} f
  {%- if true -%} x {%- endif %} y {%+ if true %} z{% endif +%} w
{{+ 'plus' }} {%- raw %}{{ x }}{% if %}{% endraw -%}  end{% raw -%}  a {%- endraw %} b
{{ "a\x41\u00e9\101\7\d\'\"" }}
{{ '{{' }} {{ "%}" }} {{ '}}' }} {{ {'a': {'b': 1}} }} {{ {'a': {'b': 1}}['a']['b'] }}{# }} #}
{{ [1,2,3,] }} {{ {'a': 1,} }} {{ (1,) }} {{ [ ] }} {{ { } }} {{ ( ) }}
{{ not true }} {{ not not 1 }} {{ not 1 == 2 }} {{ 1 and 2 or 3 }} {{ 0 or '' or none }} {{ 1 if not 0 }} {{ 'a' not in 'b' }} {{ not 'a' in 'b' }} {{ -1 | abs }} {{ (-1) | abs }} {{ 1 + 2 | string | length }} {{ 'a' ~ 'b' | upper }} {{ -2.5 | int }} {{ (2 + 3) ~ 4 * 2 }} {{ 10 - 3 - 2 }} {{ 2 * 3 // 4 }} {{ 7 // 2 * 2 }} {{ 1 - -1 }} {{ - 1 + 2 }}
{{ größe is defined }}{% set größe = 5 %}{{ größe }}
{{ 1 +}}
{{ 1 }
{{ 'a }}
{{ {1 2} }}
{% if %}{% endif %}
{% endif %}
{% for x in [1] %}
{{ a b }}
{{ x[] }}
{{ x. }}
{{ x | }}
{{ x is }}
{{ $ }}
{# open
{% raw %}
{{ [1, }}
{{ (1, 2 }}
{{ 1) }}
"""

LAYOUT = [
    "{% filter indent(2) %}\na\nb\n{% endfilter %}\n",
    "{{ 'line\\\nbreak' }}\n\n",
    "  {% set a = 1 %}  \n\n  {# c #}\n  b  {%- set c = 1 +%}\n d\n\n",
    "\t{% if true %}\n\tx\n\t{% else %}\n\ty\n\t{% endif %}\n",
    "a\n{%- for x in [1, 2] %}\n  {{- x }}\n{%- endfor %}\nb\n",
    "{% macro f() %}\n  text\n{% endmacro %}\n{{ f() }}|\n",
    "a\r\n{% if true %}\r\nb\r\n{% endif %}\rc\r\n",
    "{% raw %}\n {{ a }}\n{% endraw %}\n x {%- raw -%}  y  {%- endraw +%}\n z",
    "{{ 'a\r\nb' }}",
    "{% set t %}\n  x\n{% endset %}\n[{{ t }}]",
    "\ufeff{% if true %}bom{% endif %}",
]


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


class ChatNamespace(Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        values = dict(*args, **kwargs)
        for name in values:
            ChatNamespace.check(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name, value):
        ChatNamespace.check(name)
        Namespace.__setitem__(self, name, value)

    @staticmethod
    def check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise SecurityError(name)


class ChatDict:
    def __call__(self, *args, **kwargs):
        return dict(*args, **kwargs)

    def fromkeys(self, *args, **kwargs):
        return dict.fromkeys(*args, **kwargs)


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])

    def raise_exception(message):
        raise TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["dict"] = ChatDict()
    env.globals["namespace"] = ChatNamespace
    return env


def main():
    templates = [line for line in TEMPLATES.strip("\n").split("\n") if line and not line.startswith("# ")] + LAYOUT
    cases = []
    for template in templates:
        case = {"template": template}
        try:
            case["text"] = environment().from_string(template).render(messages=MESSAGES, bos_token="<s>", eos_token="</s>", add_generation_prompt=True)
        except Exception as error:  # whatever Jinja or Python refuses, so must we
            case["error"] = f"{type(error).__name__}: {error}"
        cases.append(case)
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "jinja_language.json"), "w") as out:
        json.dump({"messages": MESSAGES, "cases": cases}, out, ensure_ascii=False, indent=0)
    for case in cases:
        if "error" in case:
            print(case["template"][:70], "->", case["error"][:100])
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
