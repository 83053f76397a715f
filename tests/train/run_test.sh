#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run_test.sh SCRIPT.py [MNEME_CLI]: runs one Python test of the recipe; 77 = a library is missing.
here=$(dirname "$0")
export PYTHONPATH="$here/../../build/recipe-python" PYTHONDONTWRITEBYTECODE=1 MNEME_CLI="$2"
if [ "$1" = recipe_test.py ]; then
  /usr/bin/python3 -W ignore -c 'import torch, numpy, tqdm, gguf, tokenizers' || {
    echo "skipped: ./dev test all installs what this needs"
    exit 77
  }
fi
exec /usr/bin/python3 -W ignore "$here/$1"
