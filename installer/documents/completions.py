# SPDX-License-Identifier: Apache-2.0
"""What bash, zsh and fish complete, from a program's help."""


def pages(page):
    yield page
    for command in page.commands:
        yield from pages(command)


def words(page):
    names = [name for option in page.options for name in option.names]
    return " ".join([command.path[-1] for command in page.commands] + names)


def function_name(page):
    return "_" + page.path[0].replace("-", "_")


def bash(page):
    name = function_name(page)
    lines = ["# bash completion of " + page.path[0], name + "() {"]
    lines += ["  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} at= i"]
    if page.commands:
        lines += ["  for ((i = 1; i < COMP_CWORD; i++)); do", "    case \"$at ${COMP_WORDS[i]}\" in"]
        for below in pages(page):
            if below is not page:
                path = "".join(" " + word for word in below.path[1:])
                lines += [f"      '{path}') at='{path}' ;;"]
        lines += ["    esac", "  done"]
    lines += ["  case \"$at:$before\" in"]
    for each in pages(page):
        at = "".join(" " + word for word in each.path[1:])
        for option in each.options:
            if not option.value:
                continue
            pattern = "|".join(f"'{at}:{name}'" for name in option.names)
            if option.choices:
                action = f"mapfile -t COMPREPLY < <(compgen -W '{' '.join(option.choices)}' -- \"$current\")"
                if option.kind:
                    action += "; compopt -o default"
            elif option.kind == "folder":
                action = "mapfile -t COMPREPLY < <(compgen -d -- \"$current\")"
            elif option.kind:
                action = "mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"
            else:
                action = "COMPREPLY=()"
            lines += [f"    {pattern}) {action}; return ;;"]
    lines += ["  esac", "  case \"$at\" in"]
    for each in pages(page):
        at = "".join(" " + word for word in each.path[1:])
        lines += [f"    '{at}')"]
        lines += [f"      mapfile -t COMPREPLY < <(compgen -W '{words(each)}' -- \"$current\")"]
        if each.positionals:
            lines += ["      [[ $current == -* ]] || mapfile -t COMPREPLY < <(compgen -f -- \"$current\")"]
        lines += ["      ;;"]
    lines += ["  esac", "}", f"complete -o filenames -F {name} {page.path[0]}"]
    return "\n".join(lines) + "\n"


def zsh_text(text):
    for character in "\\[]:":
        text = text.replace(character, "\\" + character)
    return text.replace("'", "'\\''").replace("`", "")


def zsh_option(option):
    action = ""
    if option.value:
        files = {"file": "_files", "folder": "_files -/"}.get(option.kind, "")
        action = f":{zsh_text(option.value)}:" + (f"({' '.join(option.choices)})" if option.choices else files)
    return [f"    '{name}[{zsh_text(option.text)}]{action}'" for name in option.names]


def zsh_function(page, name):
    lines = [name + "() {"]
    arguments = [line for option in page.options for line in zsh_option(option)]
    if page.commands:
        lines += ["  local -a commands=("]
        lines += [f"    '{command.path[-1]}:{zsh_text(command.summary)}'" for command in page.commands]
        lines += ["  )", "  local line state"]
        arguments += ["    '1:command:->command'", "    '*::argument:->argument'"]
        lines += ["  _arguments -C \\", " \\\n".join(arguments), "  case $state in"]
        lines += ["    command) _describe command commands ;;", "    argument)", "      case $line[1] in"]
        for command in page.commands:
            lines += [f"        {command.path[-1]}) {name}_{command.path[-1]} ;;"]
        lines += ["      esac ;;", "  esac"]
    else:
        if page.positionals:
            arguments += ["    '*:file:_files'"]
        lines += ["  _arguments \\", " \\\n".join(arguments)]
    lines += ["}"]
    for command in page.commands:
        lines += zsh_function(command, name + "_" + command.path[-1])
    return lines


def zsh(page):
    name = function_name(page)
    return "\n".join(["#compdef " + page.path[0], *zsh_function(page, name), f'{name} "$@"']) + "\n"


def fish_quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish(page):
    lines = [f"# fish completion of {page.path[0]}", f"complete -c {page.path[0]} -f"]
    for each in pages(page):
        below = each.path[1:]
        if below:
            seen = "; and ".join("__fish_seen_subcommand_from " + word for word in below)
        else:
            seen = "__fish_use_subcommand" if page.commands else "true"
        start = f"complete -c {page.path[0]} -n {fish_quoted(seen)}"
        for command in each.commands:
            lines += [f"{start} -a {command.path[-1]} -d {fish_quoted(command.summary)}"]
        if each.positionals:
            lines += [start + " -F"]
        for option in each.options:
            line = start
            for name in option.names:
                line += (" -l " if name.startswith("--") else " -s ") + name.lstrip("-")
            if option.value:
                line += " -r -F" if option.kind else " -x"
                line += f" -a {fish_quoted(' '.join(option.choices))}" if option.choices else ""
            lines += [f"{line} -d {fish_quoted(option.text)}"]
    return "\n".join(lines) + "\n"
