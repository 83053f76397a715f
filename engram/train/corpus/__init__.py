# SPDX-License-Identifier: Apache-2.0
"""The training and evaluation text of a memory pack, built from installed Debian packages.

    document   what a document is, the held-out split, removal of repeated paragraphs
    debian     packages, their versions and files, and what is wrong when one is missing
    html_text  HTML documentation as documents of prose and code
    wordnet    WordNet as a dictionary of running text
    facts      what terms mean, as questions and statements, made of WordNet
    dictd      other dictionaries in the same form
    kjv        the King James Bible out of Debian's packed file
    gsm8k      conversations about arithmetic
    sources    the table of sources: what they are, under which licence, how they are read
    manifest   versions and digests, and the comparison with the committed ones
"""
