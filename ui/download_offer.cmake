# SPDX-License-Identifier: Apache-2.0
# check_download_offer(): what a packager says of the model that the window offers to download, all of it or
# nothing. A mistake is a configure error with a sentence.
set(DOWNLOAD_VARIABLES MODEL_DOWNLOAD_URL MODEL_DOWNLOAD_SHA256 MODEL_DOWNLOAD_BYTES MODEL_DOWNLOAD_NAME
  MODEL_DOWNLOAD_LICENCE)

function(check_download_offer)
  set(missing "")
  foreach(variable IN LISTS DOWNLOAD_VARIABLES)
    if("${${variable}}" STREQUAL "")
      list(APPEND missing ${variable})
    elseif("${${variable}}" MATCHES "[\"\\\\\r\n\t;]")
      message(FATAL_ERROR "${variable} has a quotation mark, a backslash, a semicolon or a control character in it")
    endif()
  endforeach()
  list(LENGTH missing count)
  list(LENGTH DOWNLOAD_VARIABLES all)
  if(count EQUAL all)
    return()
  elseif(count GREATER 0)
    list(JOIN missing ", " missing)
    message(FATAL_ERROR "A model to download needs all of its values: ${missing} is not set. Set it, or none of them")
  endif()
  if(NOT MODEL_DOWNLOAD_URL MATCHES "^(https://[^/?#@]+|http://(localhost|127\\.0\\.0\\.1)(:[0-9]+)?)/[^?#@]*$")
    message(FATAL_ERROR "MODEL_DOWNLOAD_URL is \"${MODEL_DOWNLOAD_URL}\": it has to begin with https://, and to name a \
file, without a question mark, \"#\" or \"@\" (http:// is for a test on localhost)")
  endif()
  if(NOT MODEL_DOWNLOAD_URL MATCHES "/[A-Za-z0-9_-][A-Za-z0-9._-]*\\.gguf$")
    message(FATAL_ERROR "MODEL_DOWNLOAD_URL is \"${MODEL_DOWNLOAD_URL}\": it has to end with the name that the file \
will have, letters, digits and \"._-\" and .gguf at its end")
  endif()
  string(LENGTH "${MODEL_DOWNLOAD_SHA256}" digits)
  if(NOT digits EQUAL 64 OR NOT MODEL_DOWNLOAD_SHA256 MATCHES "^[0-9a-f]+$")
    message(FATAL_ERROR "MODEL_DOWNLOAD_SHA256 is \"${MODEL_DOWNLOAD_SHA256}\": it has to be the 64 digits that \
sha256sum prints")
  endif()
  string(LENGTH "${MODEL_DOWNLOAD_BYTES}" digits)
  if(digits GREATER 15 OR NOT MODEL_DOWNLOAD_BYTES MATCHES "^[1-9][0-9]*$")
    message(FATAL_ERROR "MODEL_DOWNLOAD_BYTES is \"${MODEL_DOWNLOAD_BYTES}\": it has to be the size of the file, a \
number of bytes")
  endif()
endfunction()
